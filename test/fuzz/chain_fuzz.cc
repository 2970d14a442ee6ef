// Input: a mode byte, then
//   mode 0  one certificate, DER;
//   mode 1  parts (see fuzz.h) that are a chain, root first;
//   mode 2  a byte for a place in a chain below the root, then a
//           TBSCertificate: the certificate above signs it, and it takes that
//           place in a genuine chain.
// Higher modes begin again at 0.
// Holds for any bytes:
//   1. each reader accepts, or it gives a reason;
//   2. a certificate that is read OpenSSL reads too, and finds the same;
//   3. no chain is accepted of certificates that the fake AWS did not sign;
//   4. of an accepted chain, every issuer is a CA that may sign certificates
//      and allows the path below it, the leaf is none and may sign, and each
//      names the one above, whatever was signed;
//   5. a cache changes no answer.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/x509_writer.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/openssl_certificate.h"
#include "verify/anchor_set.h"
#include "verify/attestation/certificate.h"
#include "verify/attestation/chain.h"
#include "verify/attestation/chain_cache.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

constexpr std::uint8_t kModes = 3;
// More certificates than a chain may have.
constexpr std::size_t kMaxParts = 10;

const verify::AnchorSet& Roots() {
  static const auto* const roots = new std::shared_ptr<const verify::AnchorSet>(
      *verify::AnchorSet::Create({FakeNitro().RootAnchor()}, {}));
  return **roots;
}

// A genuine chain, root first, and what it is made of.
struct Genuine {
  explicit Genuine(NitroType type)
      : specs(FakeNitro().Chain(type, FakeNow() - absl::Seconds(1))) {
    for (const CertSpec& spec : specs) ders.push_back(MakeCertificate(spec));
  }
  std::vector<CertSpec> specs;
  std::vector<std::string> ders;
};

const Genuine& GenuineChain(NitroType type) {
  static const auto* const enclave = new Genuine(NitroType::kEnclave);
  static const auto* const tpm = new Genuine(NitroType::kTpm);
  return type == NitroType::kEnclave ? *enclave : *tpm;
}

bool IsGenuine(std::string_view der) {
  static const auto* const all = [] {
    auto* set = new std::set<std::string, std::less<>>();
    for (const NitroType type : {NitroType::kEnclave, NitroType::kTpm}) {
      const Genuine& chain = GenuineChain(type);
      set->insert(chain.ders.begin(), chain.ders.end());
    }
    return set;
  }();
  return all->find(der) != all->end();
}

void RequireRoles(const verify::VerifiedChain& chain) {
  const std::size_t count = chain.certificates.size();
  for (std::size_t i = 0; i < count; ++i) {
    const verify::Certificate& c = chain.certificates[i];
    RequireOpensslAgrees(c);
    if (i > 0) {
      Require(c.issuer == chain.certificates[i - 1].subject,
              "each names the one above");
    }
    const bool leaf = i + 1 == count;
    Require(c.is_ca == !leaf && c.may_sign_certificates == !leaf,
            "issuers are CAs, and the leaf is none");
    Require(!leaf || c.may_sign, "the leaf may sign");
    Require(
        leaf || !c.path_length.has_value() || *c.path_length + 2 >= count - i,
        "issuers allow the path below them");
  }
}

// Returns whether the chain is accepted.
bool JudgeChain(const std::vector<std::string_view>& chain) {
  static auto* const cache = new verify::ChainCache();
  const std::string_view leaf = chain.back();
  const std::vector<std::string_view> bundle(chain.begin(), chain.end() - 1);
  const auto judge = [&](verify::ChainCache* with) {
    return verify::VerifyChain(bundle, leaf, Roots(), "aws", FakeNow(), with);
  };
  const auto verified = judge(nullptr);
  const bool accepted = Decided(verified.status());
  const auto cached = judge(cache);
  Require(cached.ok() == accepted && verify::ReasonOf(cached.status()) ==
                                         verify::ReasonOf(verified.status()),
          "a cache changes no answer");
  if (!accepted) return false;
  RequireRoles(*verified);
  const absl::Status valid =
      verify::CheckValidity(*verified, FakeNow(), absl::ZeroDuration());
  return Decided(valid);
}

void CheckCertificate(std::string_view der) {
  const auto certificate = verify::ParseCertificate(der);
  if (!Decided(certificate.status())) return;
  Require(certificate->der.size() == der.size(), "all of it is read");
  RequireWithin(certificate->tbs, der);
  RequireOpensslAgrees(*certificate);
}

void CheckReceived(std::string_view rest) {
  std::vector<std::string_view> chain;
  while (!rest.empty() && chain.size() < kMaxParts) {
    chain.push_back(TakePart(rest));
  }
  if (chain.empty() || !JudgeChain(chain)) return;
  for (const std::string_view der : chain) {
    Require(IsGenuine(der), "nothing is accepted that was not signed");
  }
}

void CheckSigned(std::string_view rest) {
  const Genuine& genuine = GenuineChain(NitroType::kEnclave);
  const std::size_t place = 1 + TakeByte(rest) % (genuine.specs.size() - 1);
  CertSpec spec = genuine.specs[place];
  spec.edit_tbs = [rest](const std::string&) { return std::string(rest); };
  const std::string made = MakeCertificate(spec);
  CheckCertificate(made);
  std::vector<std::string_view> chain(genuine.ders.begin(), genuine.ders.end());
  chain[place] = made;
  JudgeChain(chain);
}

void Check(std::string_view input) {
  switch (TakeByte(input) % kModes) {
    case 0:
      CheckCertificate(input);
      break;
    case 1:
      CheckReceived(input);
      break;
    default:
      CheckSigned(input);
      break;
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}

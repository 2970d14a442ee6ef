#include "test/bench/hostile_attestation.h"

#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "test/bench/report.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/attestation/attestation_verifier.h"

namespace anchorage::bench {
namespace {

using test::CborMember;
using test::CertSpec;
using test::FakeNitro;
using test::NitroSpec;
using test::NitroType;
using verify::Reason;

// What a genuine document takes of the limit, and something to spare.
constexpr std::size_t kRoom = 6 * 1024;
constexpr std::size_t kPadding = verify::kMaxAttestationDocumentBytes - kRoom;
// Of one map: CborKeys::kMaxKeys, less the ten that a document may have.
constexpr std::size_t kMaxUnknownKeys = 38;
constexpr std::size_t kMaxMapKeys = 48;

std::string Repeat(std::string_view unit, std::size_t bytes) {
  std::string out;
  while (out.size() + unit.size() <= bytes) out += unit;
  return out;
}

NitroSpec Genuine() { return FakeNitro().Genuine(NitroType::kEnclave); }

// A genuine document, edited, with the signature of nobody.
HostileAttestation Edited(std::string name,
                          const std::function<void(NitroSpec&)>& edit,
                          Reason reason) {
  NitroSpec spec = Genuine();
  spec.cose.key = &test::AttackerKey(verify::AnchorKind::kNitroRoot);
  edit(spec);
  return {.name = std::move(name), .document = Encode(spec), .reason = reason};
}

// The same with one more field, of encoded value `value`.
HostileAttestation WithField(std::string name, std::string value,
                             Reason reason) {
  return Edited(
      std::move(name),
      [&](NitroSpec& spec) {
        spec.document.edit_members = [value](std::vector<CborMember>& members) {
          members.emplace_back(test::CborText("k"), value);
        };
      },
      reason);
}

// A map of as many keys as a map may have, all of one length and with one
// end.
std::string WidestMap(std::size_t key_bytes) {
  std::vector<CborMember> members;
  for (std::size_t i = 0; i < kMaxMapKeys; ++i) {
    std::string key(key_bytes, 'k');
    key.front() = static_cast<char>('0' + i);
    members.emplace_back(test::CborText(key), test::CborUint(0));
  }
  return test::CborMap(members);
}

// An array of as many of these as fit.
std::string ArrayOf(const std::string& element) {
  return test::CborArray(
      std::vector<std::string>(kPadding / element.size(), element));
}

void AddCbor(std::vector<HostileAttestation>& out) {
  out.push_back(
      {.name = "CBOR: arrays without end",
       .document = Repeat("\x9f", verify::kMaxAttestationDocumentBytes),
       .reason = Reason::kCoseMalformed});
  out.push_back(WithField("CBOR: deep arrays", Repeat("\x81", kPadding),
                          Reason::kCborMalformed));
  out.push_back(WithField("CBOR: many numbers", ArrayOf(test::CborUint(0)),
                          Reason::kSignatureMismatch));
  out.push_back(WithField("CBOR: many empty maps", ArrayOf(test::CborMap({})),
                          Reason::kSignatureMismatch));
  out.push_back(WithField(
      "CBOR: many small maps",
      ArrayOf(test::CborMap({{test::CborUint(0), test::CborUint(0)}})),
      Reason::kSignatureMismatch));
  for (const std::size_t bytes : {1, 2, 16}) {
    out.push_back(WithField(absl::StrCat("CBOR: wide maps, keys of ", bytes),
                            ArrayOf(WidestMap(bytes)),
                            Reason::kSignatureMismatch));
  }
  out.push_back(WithField("CBOR: many empty texts", ArrayOf(test::CborText("")),
                          Reason::kSignatureMismatch));
  for (const auto& [name, unit] :
       {std::pair("ASCII", "a"), std::pair("UTF-8 of two bytes", "\u00e9"),
        std::pair("UTF-8 of four bytes", "\U0001f600")}) {
    out.push_back(WithField(absl::StrCat("CBOR: a long text, ", name),
                            test::CborText(Repeat(unit, kPadding)),
                            Reason::kSignatureMismatch));
  }
  out.push_back(WithField("CBOR: a long text, wrong at the end",
                          test::CborText(Repeat("\u00e9", kPadding) + "\xff"),
                          Reason::kCborMalformed));
  out.push_back(Edited(
      "CBOR: many long keys",
      [](NitroSpec& spec) {
        spec.document.edit_members = [](std::vector<CborMember>& members) {
          for (std::size_t i = 0; i < kMaxUnknownKeys; ++i) {
            std::string key(kPadding / kMaxUnknownKeys - 8, 'k');
            key.back() = static_cast<char>('0' + i);
            members.emplace_back(test::CborText(key), test::CborNull());
          }
        };
      },
      Reason::kSignatureMismatch));
}

void AddCose(std::vector<HostileAttestation>& out) {
  out.push_back(Edited(
      "COSE: a long protected header",
      [](NitroSpec& spec) {
        spec.cose.protected_header = ArrayOf(WidestMap(1));
      },
      Reason::kCoseAlgorithm));
  out.push_back(Edited(
      "COSE: something after the end",
      [](NitroSpec& spec) { spec.cose.trailing = std::string(kPadding, '\0'); },
      Reason::kTrailingBytes));
  out.push_back(Edited(
      "COSE: a forged signature", [](NitroSpec&) {},
      Reason::kSignatureMismatch));
}

// The certificates of an attacker below a root of the same name.
std::vector<CertSpec> ForgedChain() {
  return FakeNitro("an attacker's").Genuine(NitroType::kEnclave).chain;
}

void AddChains(std::vector<HostileAttestation>& out) {
  out.push_back(Edited(
      "chain: an attacker's below the root",
      [](NitroSpec& spec) {
        std::vector<CertSpec> forged = ForgedChain();
        forged[test::kRoot] = spec.chain[test::kRoot];
        spec.chain = std::move(forged);
      },
      Reason::kChainSignature));
  out.push_back(Edited(
      "chain: a forged leaf",
      [](NitroSpec& spec) {
        spec.chain[test::kLeaf].issuer_key =
            &test::AttackerKey(verify::AnchorKind::kNitroRoot);
      },
      Reason::kChainSignature));
  out.push_back(Edited(
      "chain: the root again and again",
      [](NitroSpec& spec) {
        spec.document.edit_certificates = [](std::vector<std::string>& chain) {
          chain.insert(chain.begin(), 3, chain.front());
        };
      },
      Reason::kChainOrder));
  out.push_back(Edited(
      "chain: certificates of many extensions",
      [](NitroSpec& spec) {
        for (std::size_t i = 0; i < 40; ++i) {
          spec.chain[test::kLeaf].extensions.push_back(
              {absl::StrCat("1.2.3.", i), false, ""});
        }
      },
      Reason::kCertificateMalformed));
}

verify::EnclavePolicy Policy() {
  auto policy =
      verify::EnclavePolicy::Builder().AuthenticityOnly("a benchmark").Build();
  if (!policy.ok()) Fail(policy.status().ToString());
  return *std::move(policy);
}

}  // namespace

std::vector<HostileAttestation> HostileAttestations() {
  std::vector<HostileAttestation> out;
  AddCbor(out);
  AddCose(out);
  AddChains(out);
  return out;
}

std::shared_ptr<const verify::AnchorSet> FakeRoots() {
  auto set = verify::AnchorSet::Create({FakeNitro().RootAnchor()}, {});
  if (!set.ok()) Fail(set.status().ToString());
  return *std::move(set);
}

bool RefusedAsExpected(const HostileAttestation& hostile,
                       const verify::AnchorSet& anchors,
                       verify::ChainCache& cache) {
  static const auto* const kPolicy = new verify::EnclavePolicy(Policy());
  return verify::ReasonOf(verify::VerifyEnclave(hostile.document, anchors,
                                                *kPolicy, test::FakeNow(),
                                                &cache)
                              .status()) == hostile.reason;
}

}  // namespace anchorage::bench

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/der_writer.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/x509_writer.h"
#include "test/fuzz/corpus.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/identity_evidence.h"
#include "test/fuzz/nitro_evidence.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/cose.h"
#include "verify/encoding/der.h"

namespace anchorage::test {
namespace {

constexpr const char* kRealAttestations[] = {
    "nitro-enclave/uid2-usw1-2021.cbor", "nitro-tpm/live-usw2-i-000fa553.cbor"};

Seeds Attestations() {
  Seeds out;
  for (const char* path : kRealAttestations) out.push_back(RealFile(path));
  for (const auto& [type, spec] : SignedAttestations()) {
    out.push_back(Encode(spec));
  }
  return out;
}

std::string PayloadOf(std::string_view document) {
  return std::string(verify::DecodeCoseSign1(document)->payload);
}

// The TBSCertificate of a certificate.
std::string TbsOf(std::string_view certificate_der) {
  verify::DerReader parts(
      verify::ParseOne(certificate_der, verify::DerTag::kSequence)->contents);
  return std::string(parts.Read()->whole);
}

// Certificates of which each is one step over a line: an issuer that allows
// one authority too few below it, one that may not sign certificates, a leaf
// that may, and one that is not valid yet.
Seeds BorderCertificates() {
  const std::vector<CertSpec> chain =
      FakeNitro().Genuine(NitroType::kEnclave).chain;
  Seeds out;
  const auto add = [&](std::size_t place, const auto& edit) {
    CertSpec spec = chain[place];
    edit(spec);
    out.push_back(WithMode(2, WithMode(static_cast<int>(place) - 1,
                                       TbsOf(MakeCertificate(spec)))));
  };
  add(kRegional, [](CertSpec& c) {
    *c.Find(kOidBasicConstraints) = BasicConstraints(true, 1);
  });
  add(kZonal, [](CertSpec& c) {
    *c.Find(kOidBasicConstraints) = BasicConstraints(true, 0);
  });
  add(kInstance,
      [](CertSpec& c) { *c.Find(kOidKeyUsage) = KeyUsage(kDigitalSignature); });
  add(kLeaf, [](CertSpec& c) {
    *c.Find(kOidKeyUsage) = KeyUsage(kDigitalSignature | kKeyCertSign);
  });
  add(kLeaf, [](CertSpec& c) {
    c.SetValidity(FakeNow() + absl::Hours(1), FakeNow() + absl::Hours(9999));
  });
  return out;
}

// The members of the map that mode 3 and 4 of attestation_fuzz complete.
std::string MembersWithoutCertificates(NitroSpec spec) {
  const auto edit = spec.document.edit_members;
  std::string out;
  spec.document.edit_members = [&](std::vector<CborMember>& members) {
    if (edit) edit(members);
    RemoveMember(members, "certificate");
    RemoveMember(members, "cabundle");
    for (const auto& [key, value] : members) out += key + value;
  };
  Payload(spec);
  return out;
}

}  // namespace

Seeds CborSeeds() {
  Seeds out = Attestations();
  for (std::string& document : out) document = PayloadOf(document);
  out.push_back(CborUint(23) + CborUint(24) + CborUint(65536) + CborInt(-500) +
                CborTag(18) + CborNull() + "\xf4\xf5\xf7");
  out.push_back(CborIndefiniteArray(
      {CborMap({{CborBytes("k"), CborArray({CborUint(1ull << 40)})}}),
       CborIndefiniteMap({}), CborText("\xc3\xa9")}));
  out.push_back(CborIndefiniteBytes("chunk") + CborWideHead(0, 1, 8));
  return out;
}

Seeds CoseSeeds() {
  Seeds out;
  for (const std::string& document : Attestations()) {
    out.push_back(WithMode(0, document));
    out.push_back(WithMode(1, PayloadOf(document)));
  }
  NitroSpec tagged = FakeNitro().Genuine(NitroType::kEnclave);
  tagged.cose.prefix = CborTag(18);
  out.push_back(WithMode(0, Encode(tagged)));
  return out;
}

Seeds ChainSeeds() {
  Seeds out;
  for (const std::string& document : Attestations()) {
    const std::string payload = PayloadOf(document);
    const auto read = verify::DecodeAttestationDocument(payload);
    std::string chain;
    for (const std::string_view der : read->cabundle) chain += Part(der);
    out.push_back(WithMode(1, chain + Part(read->certificate)));
  }
  const std::vector<std::string> ders =
      Certificates(FakeNitro().Genuine(NitroType::kEnclave));
  for (std::size_t i = 0; i < ders.size(); ++i) {
    out.push_back(WithMode(0, ders[i]));
    if (i > 0) {
      out.push_back(
          WithMode(2, WithMode(static_cast<int>(i) - 1, TbsOf(ders[i]))));
    }
  }
  for (const std::string& seed : BorderCertificates()) out.push_back(seed);
  return out;
}

Seeds AttestationSeeds() {
  Seeds out;
  for (const std::string& document : Attestations()) {
    out.push_back(WithMode(0, document));
  }
  for (const auto& [type, spec] : SignedAttestations()) {
    const int mode = type == NitroType::kEnclave ? 1 : 2;
    out.push_back(WithMode(mode, Payload(spec)));
    out.push_back(WithMode(mode + 2, MembersWithoutCertificates(spec)));
  }
  return out;
}

Seeds DerSeeds() {
  Seeds out = {MakeCertificate(FuzzIdentityAws().Certificate(
      "us-east-1", verify::AnchorKind::kIidRsa2048))};
  for (const std::string& der :
       Certificates(FakeNitro().Genuine(NitroType::kTpm))) {
    out.push_back(der);
  }
  out.push_back(Boolean(true) + Integer(0) + Integer(4294967295) +
                GeneralizedTime(FakeNow()) + UtcTime(FakeNow()) + Null() +
                GeneralizedTime(FakeNow() + absl::Hours(24 * 366 * 25)) +
                Indefinite(0x30, Null()) + TlvLongLength(0x04, "x", 2));
  return out;
}

}  // namespace anchorage::test

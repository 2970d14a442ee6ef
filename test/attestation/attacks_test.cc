// The table of attacks on attestation documents: what other verifiers were
// seen to accept, crash on, or confuse, each with the verdict that is right.
//
// The documents are genuine but for the one thing that the case breaks, and
// signed by the (fake) AWS after it was broken, wherever AWS could have: so a
// case reaches the check that must refuse it.

#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/fake_aws/cbor_writer.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "test/fake_aws/keys.h"
#include "test/fake_aws/x509_writer.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using verify::AnchorRecord;
using verify::AnchorSet;
using verify::AnchorStatus;
using verify::ChainCache;
using verify::EnclavePolicy;
using verify::NitroTpmPolicy;
using verify::PcrSet;
using verify::Reason;
using verify::ReasonOf;
using Members = std::vector<CborMember>;
using Ders = std::vector<std::string>;

constexpr char kWhy[] = "the table of attacks";
constexpr std::size_t kPcrBytes = 48;

struct Case {
  NitroSpec spec = FakeNitro().Genuine(NitroType::kEnclave);
  // In place of what the specification encodes to.
  std::optional<std::string> document;
  std::vector<AnchorRecord> anchors = {FakeNitro().RootAnchor()};
  verify::AnchorProvenance provenance;
  // For a policy of the kind that `as_tpm` says.
  EnclavePolicy::Builder enclave;
  NitroTpmPolicy::Builder tpm;
  bool as_tpm = false;
  absl::Time now = FakeNow();

  CertSpec& certificate(std::size_t place) { return spec.chain[place]; }
  CertSpec& leaf() { return spec.chain[kLeaf]; }
};

struct Attack {
  std::string id;
  std::function<void(Case&)> apply;
  // nullopt: accepted, because it is no attack.
  std::optional<Reason> want;
};

absl::Status Decide(Case& c, ChainCache* cache) {
  const auto anchors = AnchorSet::Create(c.anchors, c.provenance);
  if (!anchors.ok()) return anchors.status();
  const std::string document =
      c.document.has_value() ? *c.document : Encode(c.spec);
  if (c.as_tpm) {
    const auto policy = c.tpm.AuthenticityOnly(kWhy).Build();
    if (!policy.ok()) return policy.status();
    return VerifyNitroTpm(document, **anchors, *policy, c.now, cache).status();
  }
  const auto policy = c.enclave.AuthenticityOnly(kWhy).Build();
  if (!policy.ok()) return policy.status();
  return VerifyEnclave(document, **anchors, *policy, c.now, cache).status();
}

const TestKey& Attacker(KeyType type = KeyType::kP384) {
  return TestKey::Derived(type, "attacker");
}

std::string Protected(const Members& members) { return CborMap(members); }

void EditMembers(Case& c, std::function<void(Members&)> edit) {
  c.spec.document.edit_members = std::move(edit);
}

void SetMember(Case& c, std::string_view key, const std::string& value) {
  EditMembers(c, [key = std::string(key), value](Members& members) {
    FindMember(members, key)->second = value;
  });
}

void SetLeafKey(Case& c, const TestKey& key) { c.leaf().key = &key; }

// The leaf's common name and the document's module, changed together.
void SetPcrs(Case& c, char value) {
  for (auto& [index, pcr] : *c.spec.document.pcrs) {
    pcr = std::string(kPcrBytes, value);
  }
}

PcrSet Pcrs(int index, char value) {
  return *PcrSet::FromBytes({{index, std::string(kPcrBytes, value)}});
}

// --- The envelope -----------------------------------------------------------

std::vector<Attack> EnvelopeAttacks() {
  return {
      {"00 untagged", [](Case&) {}, std::nullopt},
      {"00 tag 18", [](Case& c) { c.spec.cose.prefix = CborTag(18); },
       std::nullopt},
      {"01 tag 98", [](Case& c) { c.spec.cose.prefix = CborTag(98); },
       Reason::kCoseTag},
      {"02 trailing byte",
       [](Case& c) { c.spec.cose.trailing = std::string(1, '\0'); },
       Reason::kTrailingBytes},
      {"03 signature bit flip",
       [](Case& c) {
         c.spec.cose.edit_signature = [](std::string s) {
           s[95] ^= 1;
           return s;
         };
       },
       Reason::kSignatureMismatch},
      {"04 signature n-s",
       [](Case& c) {
         const std::string order = c.leaf().key->modulus();
         c.spec.cose.edit_signature = [order](std::string s) {
           return s.substr(0, 48) + Subtract(order, s.substr(48), 48);
         };
       },
       std::nullopt},
      {"05 DER signature",
       [](Case& c) {
         c.spec.cose.edit_signature = [](std::string s) {
           return DerSignature({s.substr(0, 48), s.substr(48)});
         };
       },
       Reason::kSignatureMalformed},
      {"06 alg ES256",
       [](Case& c) {
         c.spec.cose.protected_header = Protected({{CborUint(1), CborInt(-7)}});
       },
       Reason::kCoseAlgorithm},
      {"07 alg as text",
       [](Case& c) {
         c.spec.cose.protected_header =
             Protected({{CborUint(1), CborText("ES384")}});
       },
       Reason::kCoseAlgorithm},
      {"08 protected empty", [](Case& c) { c.spec.cose.protected_header = ""; },
       Reason::kCoseAlgorithm},
      {"09 alg only unprotected",
       [](Case& c) {
         c.spec.cose.protected_header = "";
         c.spec.cose.unprotected_header =
             CborMap({{CborUint(1), CborInt(-35)}});
       },
       Reason::kCoseAlgorithm},
      {"10 alg twice, ES384 first",
       [](Case& c) {
         c.spec.cose.protected_header = Protected(
             {{CborUint(1), CborInt(-35)}, {CborUint(1), CborInt(-7)}});
       },
       Reason::kDuplicateKey},
      {"11 alg twice, ES384 last",
       [](Case& c) {
         c.spec.cose.protected_header = Protected(
             {{CborUint(1), CborInt(-7)}, {CborUint(1), CborInt(-35)}});
       },
       Reason::kDuplicateKey},
      {"12 unprotected alg",
       [](Case& c) {
         c.spec.cose.unprotected_header = CborMap({{CborUint(1), CborInt(-7)}});
       },
       Reason::kUnprotectedNotEmpty},
      {"13 unknown header and crit",
       [](Case& c) {
         c.spec.cose.protected_header =
             Protected({{CborUint(1), CborInt(-35)},
                        {CborUint(2), CborArray({CborUint(99)})},
                        {CborUint(99), CborUint(1)}});
       },
       Reason::kCoseAlgorithm},
      {"payload null",
       [](Case& c) { c.spec.cose.payload_element = CborNull(); },
       Reason::kCoseMalformed},
      {"85 external data", [](Case& c) { c.spec.cose.external_aad = "x"; },
       Reason::kSignatureMismatch},
      {"86 wrong context", [](Case& c) { c.spec.cose.context = "Signature"; },
       Reason::kSignatureMismatch},
      {"87 indefinite byte string",
       [](Case& c) {
         c.spec.cose.payload_element = CborIndefiniteBytes(Payload(c.spec));
       },
       Reason::kCborMalformed},
      {"81 empty", [](Case& c) { c.document = ""; }, Reason::kCborMalformed},
      {"82 truncated",
       [](Case& c) {
         c.document = Encode(c.spec);
         c.document->resize(c.document->size() / 2);
       },
       Reason::kCborMalformed},
      {"83 nesting",
       [](Case& c) {
         SetMember(c, "nonce", std::string(20000, '\x81') + '\0');
       },
       Reason::kFieldInvalid},
      {"83 nesting in an unknown field",
       [](Case& c) {
         EditMembers(c, [](Members& members) {
           members.emplace_back(CborText("x"),
                                std::string(20000, '\x81') + '\0');
         });
       },
       Reason::kCborMalformed},
      {"84 length 2^63",
       [](Case& c) { c.document = "\x84" + CborHead(2, 1ull << 63); },
       Reason::kCborMalformed},
      {"over 32 KiB",
       [](Case& c) {
         EditMembers(c, [](Members& members) {
           members.emplace_back(
               CborText("x"), CborBytes(std::string(
                                  verify::kMaxAttestationDocumentBytes, 'x')));
         });
       },
       Reason::kInputTooLarge},
  };
}

// --- The chain --------------------------------------------------------------

CertSpec AttackerRoot() {
  CertSpec root = FakeNitro().Genuine(NitroType::kEnclave).chain[kRoot];
  root.key = root.issuer_key = &Attacker();
  return root;
}

void EditCertificates(Case& c, std::function<void(Ders&)> edit) {
  c.spec.document.edit_certificates = std::move(edit);
}

void ReplaceExtension(CertSpec& spec, Extension extension) {
  *spec.Find(extension.oid) = extension;
}

std::vector<Attack> ChainAttacks() {
  return {
      {"20 attacker's root",
       [](Case& c) { c.certificate(kRoot) = AttackerRoot(); },
       Reason::kRootNotPinned},
      {"21 genuine root first, attacker's second",
       [](Case& c) {
         c.spec.chain.insert(c.spec.chain.begin() + 1, AttackerRoot());
         c.certificate(2).issuer_key = &Attacker();
       },
       Reason::kChainOrder},
      {"21 attacker's key under the genuine root's name",
       [](Case& c) { c.certificate(kRegional).issuer_key = &Attacker(); },
       Reason::kChainSignature},
      {"22 empty cabundle",
       [](Case& c) { SetMember(c, "cabundle", CborArray({})); },
       Reason::kChainLength},
      {"23 self-signed leaf",
       [](Case& c) {
         c.leaf().issuer = c.leaf().subject;
         c.leaf().issuer_key = c.leaf().key;
       },
       Reason::kChainOrder},
      {"24 leaf as CA of a leaf",
       [](Case& c) {
         CertSpec evil = c.leaf();
         evil.issuer = c.leaf().subject;
         evil.issuer_key = c.leaf().key;
         evil.key = &Attacker();
         c.spec.chain.push_back(evil);
       },
       Reason::kIssuerNotCa},
      {"25 leaf without digitalSignature",
       [](Case& c) { ReplaceExtension(c.leaf(), KeyUsage(kNonRepudiation)); },
       Reason::kLeafKeyUsage},
      {"26 leaf with keyCertSign only",
       [](Case& c) { ReplaceExtension(c.leaf(), KeyUsage(kKeyCertSign)); },
       Reason::kLeafKeyUsage},
      {"27 leaf is CA",
       [](Case& c) { ReplaceExtension(c.leaf(), BasicConstraints(true)); },
       Reason::kLeafIsCa},
      {"28 intermediate no CA",
       [](Case& c) {
         ReplaceExtension(c.certificate(kZonal), BasicConstraints(false));
       },
       Reason::kIssuerNotCa},
      {"29 intermediate without basicConstraints",
       [](Case& c) { c.certificate(kInstance).Remove(kOidBasicConstraints); },
       Reason::kIssuerNotCa},
      {"30 n25 intermediate without keyCertSign",
       [](Case& c) {
         ReplaceExtension(c.certificate(kZonal), KeyUsage(kCrlSign));
       },
       Reason::kIssuerKeyUsage},
      {"31 pathLen",
       [](Case& c) {
         ReplaceExtension(c.certificate(kRegional), BasicConstraints(true, 1));
       },
       Reason::kPathLength},
      {"32 leaf expired",
       [](Case& c) {
         c.leaf().SetValidity(c.now - absl::Hours(1), c.now - absl::Seconds(1));
       },
       Reason::kLeafExpired},
      {"33 leaf not yet valid",
       [](Case& c) {
         c.leaf().SetValidity(c.now + absl::Hours(1), c.now + absl::Hours(2));
       },
       Reason::kLeafNotYetValid},
      {"34 intermediate expired",
       [](Case& c) {
         c.certificate(kZonal).SetValidity(c.now - absl::Hours(1),
                                           c.now - absl::Seconds(1));
       },
       Reason::kIssuerExpired},
      {"34 intermediate not yet valid",
       [](Case& c) {
         c.certificate(kZonal).SetValidity(c.now + absl::Hours(1),
                                           c.now + absl::Hours(2));
       },
       Reason::kIssuerNotYetValid},
      {"35a P-256 leaf",
       [](Case& c) {
         SetLeafKey(c, Attacker(KeyType::kP256));
         c.spec.cose.edit_signature = [](std::string s) {
           return s + std::string(96 - s.size(), '\0');
         };
       },
       Reason::kCertificateAlgorithm},
      {"35b P-256 leaf, SHA-256",
       [](Case& c) {
         SetLeafKey(c, Attacker(KeyType::kP256));
         c.spec.cose.hash = Hash::kSha256;
         c.spec.cose.edit_signature = [](std::string s) {
           return std::string(96 - s.size(), '\0') + s;
         };
       },
       Reason::kCertificateAlgorithm},
      {"36 P-521 leaf",
       [](Case& c) {
         SetLeafKey(c, Attacker(KeyType::kP521));
         c.spec.cose.edit_signature = [](std::string s) {
           return s.substr(0, 96);
         };
       },
       Reason::kCertificateAlgorithm},
      {"37 leaf without extensions",
       [](Case& c) { c.leaf().extensions_der = ""; }, Reason::kLeafKeyUsage},
      {"38 untrusted self-signed P-521 leaf",
       [](Case& c) {
         SetLeafKey(c, Attacker(KeyType::kP521));
         c.leaf().issuer = c.leaf().subject;
         c.leaf().issuer_key = c.leaf().key;
         c.spec.cose.edit_signature = [](std::string s) {
           return s.substr(0, 96);
         };
       },
       Reason::kCertificateAlgorithm},
      {"39 two signature algorithms",
       [](Case& c) {
         c.leaf().outer_algorithm =
             AlgorithmId(kOidEcdsaWithSha256, Parameters::kAbsent);
       },
       Reason::kAlgorithmMismatch},
      {"39 RSA leaf",
       [](Case& c) {
         SetLeafKey(c, TestKey::Rsa(2048, 0));
         c.spec.cose.edit_signature = [](std::string s) {
           return s.substr(0, 96);
         };
       },
       Reason::kCertificateAlgorithm},
      {"40 critical extension on the leaf",
       [](Case& c) {
         c.leaf().extensions.push_back({"1.2.3", true, "x"});
       },
       Reason::kUnknownCriticalExtension},
      {"n24 critical extension on an intermediate",
       [](Case& c) {
         c.certificate(kRegional).extensions.push_back({"1.2.3", true, "x"});
       },
       Reason::kUnknownCriticalExtension},
      {"41 unordered bundle",
       [](Case& c) {
         EditCertificates(
             c, [](Ders& ders) { std::swap(ders[kRegional], ders[kZonal]); });
       },
       Reason::kChainOrder},
      {"42 bundle without root",
       [](Case& c) {
         EditCertificates(c, [](Ders& ders) { ders.erase(ders.begin()); });
       },
       Reason::kRootNotPinned},
      {"43 unrelated certificate",
       [](Case& c) {
         EditCertificates(c, [](Ders& ders) {
           ders.insert(ders.begin() + 1, MakeCertificate(AttackerRoot()));
         });
       },
       Reason::kChainOrder},
      {"44 certificate twice",
       [](Case& c) {
         EditCertificates(c, [](Ders& ders) {
           ders.insert(ders.begin() + kZonal, ders[kZonal]);
         });
       },
       Reason::kChainOrder},
      {"44 root twice",
       [](Case& c) {
         EditCertificates(
             c, [](Ders& ders) { ders.insert(ders.begin(), ders[kRoot]); });
       },
       Reason::kChainOrder},
      {"45 junk certificates",
       [](Case& c) {
         EditCertificates(c, [](Ders& ders) {
           ders.insert(ders.begin() + 1, 20, ders[kZonal]);
         });
       },
       Reason::kChainLength},
      {"n17 many authorities of one name",
       [](Case& c) {
         CertSpec twin = c.certificate(kRegional);
         ReplaceExtension(twin, BasicConstraints(true));
         twin.issuer = twin.subject;
         twin.issuer_key = twin.key;
         c.spec.chain.insert(c.spec.chain.begin() + kZonal, 3, twin);
         ReplaceExtension(c.certificate(kRegional), BasicConstraints(true));
       },
       Reason::kChainOrder},
      {"78 bytes behind the leaf",
       [](Case& c) {
         EditCertificates(c, [](Ders& ders) { ders.back() += '\0'; });
       },
       Reason::kCertificateMalformed},
      {"n02 BOOLEAN 01",
       [](Case& c) {
         c.certificate(kZonal).Find(kOidBasicConstraints)->value =
             Sequence({Tlv(0x01, "\x01"), Integer(1)});
       },
       Reason::kCertificateMalformed},
      {"n03 pathLen wraps",
       [](Case& c) {
         c.certificate(kRegional).Find(kOidBasicConstraints)->value =
             Sequence({Boolean(true),
                       Tlv(0x02, std::string("\x01\0\0\0\0\0\0\0\x02", 9))});
       },
       Reason::kCertificateMalformed},
      {"n04 February 30",
       [](Case& c) { c.leaf().not_after = Tlv(0x17, "270230000000Z"); },
       Reason::kCertificateMalformed},
      {"n04 no Z",
       [](Case& c) { c.leaf().not_after = Tlv(0x17, "270228000000"); },
       Reason::kCertificateMalformed},
      {"n04 1950",
       [](Case& c) { c.leaf().not_after = Tlv(0x17, "500101000000Z"); },
       Reason::kCertificateMalformed},
      {"n06 leaf's signature malleated",
       [](Case& c) {
         c.leaf().edit_signature = [](std::string s) {
           // A long form of the outer length.
           return TlvLongLength(0x30, s.substr(2), 1);
         };
       },
       Reason::kChainSignature},
      {"n09 genuine root last",
       [](Case& c) {
         EditCertificates(c, [](Ders& ders) {
           ders.insert(ders.begin(), MakeCertificate(AttackerRoot()));
           std::swap(ders[1], ders[kInstance + 1]);
         });
       },
       Reason::kRootNotPinned},
      {"n10 no certificate field",
       [](Case& c) {
         EditMembers(
             c, [](Members& members) { RemoveMember(members, "certificate"); });
       },
       Reason::kFieldMissing},
      {"n22 root of another partition",
       [](Case& c) {
         c.anchors.push_back(FakeNitro("aws-cn").RootAnchor());
         c.spec = FakeNitro("aws-cn").Genuine(NitroType::kEnclave);
       },
       Reason::kPartitionMismatch},
      {"n27 pathLen without cA",
       [](Case& c) {
         c.certificate(kZonal).Find(kOidBasicConstraints)->value =
             Sequence({Integer(1)});
       },
       Reason::kCertificateMalformed},
      {"n27 pathLen of two bytes",
       [](Case& c) {
         ReplaceExtension(c.certificate(kRegional),
                          BasicConstraints(true, 300));
       },
       std::nullopt},
      {"n19 module of another instance",
       [](Case& c) {
         std::string& subject = c.certificate(kInstance).subject;
         subject[subject.find("i-0fd2") + 2] = '1';
         c.leaf().issuer = subject;
       },
       Reason::kLeafName},
      {"n19 leaf of another module",
       [](Case& c) { c.spec.document.module_id.back() ^= 1; },
       Reason::kLeafName},
      {"no anchors", [](Case& c) { c.anchors.clear(); },
       Reason::kNoUsableAnchors},
      {"revoked root",
       [](Case& c) { c.anchors[0].status = AnchorStatus::kRevoked; },
       Reason::kAnchorRevoked},
      {"retired root",
       [](Case& c) { c.anchors[0].status = AnchorStatus::kRetired; },
       Reason::kAnchorNotActive},
  };
}

// --- The document -----------------------------------------------------------

std::vector<Attack> DocumentAttacks() {
  return {
      {"50 no module_id",
       [](Case& c) {
         EditMembers(c, [](Members& m) { RemoveMember(m, "module_id"); });
       },
       Reason::kFieldMissing},
      {"51 no pcrs",
       [](Case& c) {
         EditMembers(c, [](Members& m) { RemoveMember(m, "pcrs"); });
       },
       Reason::kFieldMissing},
      {"52 digest SHA256", [](Case& c) { c.spec.document.digest = "SHA256"; },
       Reason::kDigestUnsupported},
      {"53 timestamp 0", [](Case& c) { c.spec.document.timestamp = 0; },
       Reason::kFieldInvalid},
      {"54 timestamp negative", [](Case& c) { c.spec.document.timestamp = -1; },
       Reason::kFieldInvalid},
      {"55 timestamp far in the future",
       [](Case& c) {
         c.spec.document.timestamp =
             absl::ToUnixMillis(c.now + absl::Hours(24 * 365));
       },
       Reason::kTimestampOutsideLeaf},
      {"56 timestamp of 2019",
       [](Case& c) { c.spec.document.timestamp = 1572000000000; },
       Reason::kTimestampOutsideLeaf},
      {"57 PCR index 32",
       [](Case& c) {
         c.spec.document.pcrs->emplace_back(32, std::string(kPcrBytes, 'p'));
       },
       Reason::kFieldInvalid},
      {"58 PCR of 47 bytes",
       [](Case& c) { c.spec.document.pcrs->front().second.resize(47); },
       Reason::kFieldInvalid},
      {"59 no PCR", [](Case& c) { c.spec.document.pcrs->clear(); },
       Reason::kFieldInvalid},
      {"60 debug enclave", [](Case& c) { SetPcrs(c, '\0'); },
       Reason::kDebugEnclave},
      {"60 debug enclave, allowed",
       [](Case& c) {
         SetPcrs(c, '\0');
         c.enclave.AllowDebug(kWhy);
       },
       std::nullopt},
      {"61 sparse bank",
       [](Case& c) {
         PcrBank& bank = *c.spec.document.pcrs;
         const PcrBank all = bank;
         bank.clear();
         for (const std::size_t i : {0, 1, 2, 3, 4, 8}) bank.push_back(all[i]);
       },
       std::nullopt},
      {"62 pcrs twice, evil last",
       [](Case& c) {
         EditMembers(c, [](Members& m) {
           m.emplace_back(CborText("pcrs"),
                          PcrMap({{0, std::string(kPcrBytes, 'e')}}));
         });
       },
       Reason::kDuplicateKey},
      {"63 pcrs twice, evil first",
       [](Case& c) {
         EditMembers(c, [](Members& m) {
           m.insert(m.begin(), {CborText("pcrs"),
                                PcrMap({{0, std::string(kPcrBytes, 'e')}})});
         });
       },
       Reason::kDuplicateKey},
      {"64 PCR index twice",
       [](Case& c) {
         c.spec.document.pcrs->emplace_back(0, std::string(kPcrBytes, 'e'));
       },
       Reason::kDuplicateKey},
      {"65 case-variant key",
       [](Case& c) {
         EditMembers(c, [](Members& m) {
           FindMember(m, "pcrs")->first = CborText("PCRS");
         });
       },
       Reason::kFieldMissing},
      {"66 NitroTPM as enclave",
       [](Case& c) { c.spec = FakeNitro().Genuine(NitroType::kTpm); },
       Reason::kWrongDocumentType},
      {"66 NitroTPM as NitroTPM",
       [](Case& c) {
         c.spec = FakeNitro().Genuine(NitroType::kTpm);
         c.as_tpm = true;
       },
       std::nullopt},
      {"n21 enclave as NitroTPM", [](Case& c) { c.as_tpm = true; },
       Reason::kWrongDocumentType},
      {"67 both kinds of PCRs",
       [](Case& c) {
         c.spec.document.nitrotpm_pcrs = GenuinePcrs(NitroType::kTpm);
       },
       Reason::kAmbiguousDocumentType},
      {"68 unknown key",
       [](Case& c) {
         EditMembers(
             c, [](Members& m) { m.emplace_back(CborText("x"), CborUint(1)); });
       },
       std::nullopt},
      {"68 unknown key, strict profile",
       [](Case& c) {
         c.enclave.RefuseUnknownFields();
         EditMembers(
             c, [](Members& m) { m.emplace_back(CborText("x"), CborUint(1)); });
       },
       Reason::kFieldUnknown},
      {"69 definite map",
       [](Case& c) { c.spec.document.indefinite_map = false; }, std::nullopt},
      {"69 indefinite map",
       [](Case& c) { c.spec.document.indefinite_map = true; }, std::nullopt},
      {"70 n26 payload trailing bytes",
       [](Case& c) {
         c.spec.document.edit_payload = [](std::string p) { return p + '\0'; };
       },
       Reason::kTrailingBytes},
      {"71 public_key empty",
       [](Case& c) { c.spec.document.public_key = OptionalField::Bytes(""); },
       std::nullopt},
      {"71 public_key empty, one expected",
       [](Case& c) {
         c.spec.document.public_key = OptionalField::Bytes("");
         c.enclave.ExpectPublicKeyPresent();
       },
       Reason::kPublicKeyMismatch},
      {"72 public_key of 1025 bytes",
       [](Case& c) {
         c.spec.document.public_key =
             OptionalField::Bytes(std::string(1025, 'k'));
       },
       Reason::kFieldInvalid},
      {"73 user_data of 1024 bytes",
       [](Case& c) {
         c.spec.document.user_data =
             OptionalField::Bytes(std::string(1024, 'u'));
       },
       std::nullopt},
      {"74 user_data of 4096 bytes",
       [](Case& c) {
         c.spec.document.user_data =
             OptionalField::Bytes(std::string(4096, 'u'));
       },
       Reason::kFieldInvalid},
      {"75 nonce null",
       [](Case& c) {
         c.spec.document.nonce = OptionalField::Null();
         c.enclave.ExpectNonce("n");
       },
       Reason::kNonceMissing},
      {"76 nonce empty",
       [](Case& c) {
         c.spec.document.nonce = OptionalField::Bytes("");
         c.enclave.ExpectNonce("n");
       },
       Reason::kNonceMismatch},
      {"77 nonce absent",
       [](Case& c) {
         c.spec.document.nonce = OptionalField::Absent();
         c.enclave.ExpectNonce("n");
       },
       Reason::kNonceMissing},
      {"77 nonce absent, none expected",
       [](Case& c) { c.spec.document.nonce = OptionalField::Absent(); },
       std::nullopt},
      {"79 PCR key as text",
       [](Case& c) {
         SetMember(c, "pcrs",
                   CborMap({{CborText("0"),
                             CborBytes(std::string(kPcrBytes, 'p'))}}));
       },
       Reason::kFieldInvalid},
      {"80 non-shortest number",
       [](Case& c) {
         SetMember(c, "pcrs",
                   CborMap({{CborWideHead(0, 0, 1),
                             CborBytes(std::string(kPcrBytes, 'p'))}}));
       },
       Reason::kCborMalformed},
      {"n01 reserved additional information",
       [](Case& c) { SetMember(c, "timestamp", "\x1c"); },
       Reason::kCborMalformed},
      {"n01 float timestamp",
       [](Case& c) {
         SetMember(c, "timestamp", "\xfb\x42\x78\x01\x01\x01\x01\x01\x01");
       },
       Reason::kCborMalformed},
      {"n01 reserved simple value",
       [](Case& c) { SetMember(c, "nonce", "\xf8\x18"); },
       Reason::kCborMalformed},
      {"n01 bignum timestamp",
       [](Case& c) {
         SetMember(c, "timestamp", CborTag(2) + CborBytes("\x01\x02"));
       },
       Reason::kCborMalformed},
      {"n08 public_key omitted",
       [](Case& c) {
         c.spec.document.public_key = OptionalField::Absent();
         c.enclave.ExpectPublicKeyPresent();
       },
       Reason::kPublicKeyMismatch},
      {"n11 empty list of PCRs", [](Case& c) { c.enclave.ExpectPcrsAnyOf({}); },
       Reason::kPolicyEmpty},
      {"n13 expected PCR absent",
       [](Case& c) {
         auto pcrs = Pcrs(20, '\0').values();
         pcrs[0] = c.spec.document.pcrs->front().second;
         c.enclave.ExpectPcrs(*PcrSet::FromBytes(std::move(pcrs)));
       },
       Reason::kPcrMismatch},
      {"n15 old document, live", [](Case& c) { c.now += absl::Minutes(6); },
       Reason::kTooOld},
      {"n16 clock back within the leeway",
       [](Case& c) {
         c.enclave.WithClockLeeway(absl::Minutes(10));
         c.now -= absl::Minutes(9);
       },
       std::nullopt},
      {"n16 clock back beyond the leeway",
       [](Case& c) {
         c.enclave.WithClockLeeway(absl::Minutes(10));
         c.now -= absl::Minutes(16);
       },
       Reason::kLeafNotYetValid},
      {"n16 clock before the anchors",
       [](Case& c) {
         c.provenance.as_of = c.now;
         c.now -= absl::Minutes(6);
       },
       Reason::kClockSuspect},
      {"n16 from the future", [](Case& c) { c.now -= absl::Minutes(1); },
       Reason::kFromTheFuture},
      {"n23 nothing of an unsigned payload decides",
       [](Case& c) {
         SetPcrs(c, '\0');
         c.spec.document.module_id = "i-1-enc1";
         c.spec.document.timestamp = 1;
         c.enclave.ExpectNonce("n").ExpectRegions({"us-west-2"});
         c.spec.cose.key = &Attacker();
       },
       Reason::kSignatureMismatch},
      {"n20 nonce longer",
       [](Case& c) {
         c.spec.document.nonce = OptionalField::Bytes("nonce\0");
         c.enclave.ExpectNonce("nonc");
       },
       Reason::kNonceMismatch},
      {"user data of another",
       [](Case& c) {
         c.spec.document.user_data = OptionalField::Bytes("a");
         c.enclave.ExpectUserData("b");
       },
       Reason::kUserDataMismatch},
      {"NitroTPM policy on PCR4 alone",
       [](Case& c) {
         c.spec = FakeNitro().Genuine(NitroType::kTpm);
         c.as_tpm = true;
         c.tpm.ExpectPcrs(Pcrs(4, 'x'));
       },
       Reason::kPolicyUnsafe},
      {"another module", [](Case& c) { c.enclave.ExpectModules({"i-1-enc1"}); },
       Reason::kModuleNotAllowed},
      {"another instance", [](Case& c) { c.enclave.ExpectInstances({"i-1"}); },
       Reason::kInstanceNotAllowed},
      {"another region",
       [](Case& c) { c.enclave.ExpectRegions({"us-west-2"}); },
       Reason::kRegionNotAllowed},
  };
}

std::vector<Attack> AllAttacks() {
  std::vector<Attack> all = EnvelopeAttacks();
  for (std::vector<Attack> more : {ChainAttacks(), DocumentAttacks()}) {
    all.insert(all.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  }
  return all;
}

std::string Name(std::optional<Reason> reason) {
  return reason.has_value() ? std::string(NameOf(*reason)) : "accepted";
}

TEST(Attacks, GetTheVerdictThatIsRight) {
  for (const Attack& attack : AllAttacks()) {
    Case c;
    attack.apply(c);
    EXPECT_EQ(Name(ReasonOf(Decide(c, nullptr))), Name(attack.want))
        << attack.id;
  }
}

// All in a row with one cache, which the genuine chain has filled, and twice.
TEST(Attacks, GetTheSameVerdictWithACache) {
  ChainCache cache;
  Case genuine;
  ASSERT_TRUE(Decide(genuine, &cache).ok());
  for (const Attack& attack : AllAttacks()) {
    for (int i = 0; i < 2; ++i) {
      Case c;
      attack.apply(c);
      EXPECT_EQ(Name(ReasonOf(Decide(c, &cache))), Name(attack.want))
          << attack.id;
    }
  }
}

// Every way in which the verifier of attestation documents can refuse one.
TEST(Attacks, CoverEveryReason) {
  std::set<std::string> missing;
  for (const Reason reason : {Reason::kInputTooLarge,
                              Reason::kTrailingBytes,
                              Reason::kAlgorithmMismatch,
                              Reason::kSignatureMalformed,
                              Reason::kDuplicateKey,
                              Reason::kFieldMissing,
                              Reason::kFieldInvalid,
                              Reason::kFieldUnknown,
                              Reason::kCborMalformed,
                              Reason::kCoseTag,
                              Reason::kCoseMalformed,
                              Reason::kCoseAlgorithm,
                              Reason::kUnprotectedNotEmpty,
                              Reason::kDigestUnsupported,
                              Reason::kAmbiguousDocumentType,
                              Reason::kWrongDocumentType,
                              Reason::kCertificateMalformed,
                              Reason::kChainLength,
                              Reason::kSignatureMismatch,
                              Reason::kRootNotPinned,
                              Reason::kPartitionMismatch,
                              Reason::kChainOrder,
                              Reason::kChainSignature,
                              Reason::kCertificateAlgorithm,
                              Reason::kUnknownCriticalExtension,
                              Reason::kIssuerNotCa,
                              Reason::kIssuerKeyUsage,
                              Reason::kPathLength,
                              Reason::kLeafIsCa,
                              Reason::kLeafKeyUsage,
                              Reason::kLeafName,
                              Reason::kAnchorNotActive,
                              Reason::kAnchorRevoked,
                              Reason::kIssuerExpired,
                              Reason::kIssuerNotYetValid,
                              Reason::kLeafExpired,
                              Reason::kLeafNotYetValid,
                              Reason::kClockSuspect,
                              Reason::kTimestampOutsideLeaf,
                              Reason::kTooOld,
                              Reason::kFromTheFuture,
                              Reason::kNonceMissing,
                              Reason::kNonceMismatch,
                              Reason::kUserDataMismatch,
                              Reason::kPublicKeyMismatch,
                              Reason::kPolicyEmpty,
                              Reason::kPolicyUnsafe,
                              Reason::kRegionNotAllowed,
                              Reason::kInstanceNotAllowed,
                              Reason::kModuleNotAllowed,
                              Reason::kDebugEnclave,
                              Reason::kPcrMismatch,
                              Reason::kNoUsableAnchors}) {
    missing.insert(std::string(NameOf(reason)));
  }
  for (const Attack& attack : AllAttacks()) missing.erase(Name(attack.want));
  EXPECT_EQ(missing, std::set<std::string>{});
}

}  // namespace
}  // namespace anchorage::test

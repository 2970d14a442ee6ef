// Attacks on the PKCS #7: signers, attributes, algorithms, structure.

#include <string>
#include <utility>

#include "test/attacks/identity_case.h"

namespace anchorage::test {
namespace {

using verify::AnchorKind;
using verify::IdentityForm;
using verify::Reason;
using Attributes = std::vector<Attribute>;

constexpr auto kRsa2048 = AnchorKind::kIidRsa2048;

// The same document with another account: what a forger wants signed.
std::string Forged(std::string document) {
  return document.replace(document.find("012345678901"), 12, "999999999999");
}

void UseAttacker(SignerSpec& signer) {
  signer.key = &AttackerKey(kRsa2048);
  DeclareAlgorithms(signer, signer.hash, Parameters::kAbsent);
}

// A certificate of the attacker's, in anybody's name.
CertSpec AttackersCertificate() {
  CertSpec spec = FakeIdentity().Certificate("us-east-1", kRsa2048);
  spec.key = spec.issuer_key = &AttackerKey(kRsa2048);
  spec.serial = "\x66";
  return spec;
}

std::string AwsCertificate() {
  return MakeCertificate(FakeIdentity().Certificate("us-east-1", kRsa2048));
}

// Sends other content under the genuine signature, with a messageDigest that
// fits it.
void ForgeContentAndDigest(Pkcs7Spec& spec) {
  const std::string genuine = SignatureOf(spec, spec.signers[0]);
  spec.content = Forged(spec.content);
  spec.signers[0].sign = [genuine](const TestKey&, std::string_view) {
    return genuine;
  };
}

// A second signer beside the genuine one, whose signature is over other
// content than what is sent.
void AddAttackersSigner(Pkcs7Spec& spec, bool first) {
  const std::string genuine = SignatureOf(spec, spec.signers[0]);
  const std::string digest = OctetString(HashOf(Hash::kSha256, spec.content));
  SignerSpec attacker = spec.signers[0];
  UseAttacker(attacker);
  spec.signers[0].sign = [genuine](const TestKey&, std::string_view) {
    return genuine;
  };
  spec.signers[0].edit_attributes = [digest](Attributes& a) {
    FindAttribute(a, kOidMessageDigest)->values = {digest};
  };
  spec.content = Forged(spec.content);
  spec.certificates = {MakeCertificate(AttackersCertificate())};
  spec.signers.insert(first ? spec.signers.begin() : spec.signers.end(),
                      attacker);
}

// The signed attributes of a genuine message as its content: without signed
// attributes, the same signature fits it (RFC 5652, 5.3).
void PresentAttributesAsContent(Pkcs7Spec& spec) {
  const std::string genuine = SignatureOf(spec, spec.signers[0]);
  spec.content = SignedAttributes(spec, spec.signers[0]);
  spec.signers[0].has_signed_attributes = false;
  spec.signers[0].sign = [genuine](const TestKey&, std::string_view) {
    return genuine;
  };
}

std::function<void(IdentityCase&)> EditAttributes(
    std::function<void(Attributes&)> edit) {
  return [edit](IdentityCase& c) {
    c.EditSigner([edit](SignerSpec& s) { s.edit_attributes = edit; });
  };
}

std::function<void(IdentityCase&)> EditMessage(
    std::function<void(Pkcs7Spec&)> edit) {
  return [edit](IdentityCase& c) { c.edit = edit; };
}

std::function<void(IdentityCase&)> EditSigner(
    std::function<void(SignerSpec&)> edit) {
  return [edit](IdentityCase& c) { c.EditSigner(edit); };
}

void DuplicateDigest(Attributes& attributes, bool evil_first) {
  const Attribute evil = {std::string(kOidMessageDigest),
                          {OctetString(std::string(32, 'e'))}};
  attributes.insert(evil_first ? attributes.begin() : attributes.end(), evil);
}

std::vector<IdentityAttack> GenuineMessages() {
  using Case = IdentityCase;
  return {
      {"p00a", By::kNobody, "/rsa2048 as AWS sends it", [](Case&) {},
       kAccepted},
      {"p00b", By::kNobody, "/rsa2048 as AWS sent it in 2018",
       [](Case& c) { c.era = Era::k2018; }, kAccepted},
      {"p00c", By::kNobody, "/pkcs7 as AWS sends it",
       [](Case& c) { c.form = IdentityForm::kPkcs7; }, kAccepted},
      {"p00d", By::kNobody, "/pkcs7 as AWS sends it in China",
       [](Case& c) {
         c.UseRegion("cn-north-1");
         c.form = IdentityForm::kPkcs7;
       },
       kAccepted},
      {"p00g", By::kNobody, "/pkcs7 in China with SHA-1, which it may be",
       [](Case& c) {
         c.UseRegion("cn-north-1");
         c.form = IdentityForm::kPkcs7;
         c.EditSigner([](SignerSpec& s) {
           s.hash = Hash::kSha1;
           DeclareAlgorithms(s, s.hash, Parameters::kNull);
         });
       },
       kAccepted},
      {"p00e", By::kNobody, "/signature as AWS sends it",
       [](Case& c) { c.form = IdentityForm::kSignature; }, kAccepted},
      {"p00f", By::kNobody, "/rsa2048 in DER",
       EditMessage([](Pkcs7Spec& s) { s.ber = false; }), kAccepted},
      {"p01", By::kNobody, "AWS's certificate inside",
       EditMessage([](Pkcs7Spec& s) { s.certificates = {AwsCertificate()}; }),
       kAccepted},
      {"i01", By::kNobody, "the document in several pieces",
       EditMessage([](Pkcs7Spec& s) { s.chunks = 3; }), kAccepted},
      {"i22a", By::kNobody, "attributes out of order, signed in order",
       EditSigner([](SignerSpec& s) {
         s.sort_attributes = false;
         s.edit_attributes = [](Attributes& a) { std::swap(a[0], a[2]); };
       }),
       kAccepted},
      {"i23a", By::kNobody, "no CMSAlgorithmProtection",
       EditSigner([](SignerSpec& s) { s.has_algorithm_protection = false; }),
       kAccepted},
      {"i28", By::kNobody, "a certificate inside that names a host",
       EditMessage([](Pkcs7Spec& s) {
         CertSpec spec = AttackersCertificate();
         spec.extensions.push_back(
             CrlDistributionPoint("http://127.0.0.1:1/crl"));
         s.certificates = {MakeCertificate(spec)};
       }),
       kAccepted},
  };
}

std::vector<IdentityAttack> SignerAttacks() {
  return {
      {"p02", By::kSigner, "no signed attributes",
       EditSigner([](SignerSpec& s) { s.has_signed_attributes = false; }),
       Reason::kSignedAttributesRequired},
      {"p03", By::kAnyone, "other content, signature untouched",
       EditMessage([](Pkcs7Spec& s) { s.sent_content = Forged(s.content); }),
       Reason::kDigestMismatch},
      {"p04", By::kAnyone, "other content and messageDigest",
       EditMessage(ForgeContentAndDigest), Reason::kSignatureMismatch},
      {"p05", By::kAnyone, "signed by the attacker, his certificate inside",
       EditMessage([](Pkcs7Spec& s) {
         UseAttacker(s.signers[0]);
         s.signers[0].serial = AttackersCertificate().serial;
         s.certificates = {MakeCertificate(AttackersCertificate())};
       }),
       Reason::kSignatureMismatch},
      {"p06", By::kAnyone, "the same, his certificate with AWS's serial",
       EditMessage([](Pkcs7Spec& s) {
         UseAttacker(s.signers[0]);
         CertSpec certificate = AttackersCertificate();
         certificate.serial = s.signers[0].serial;
         s.certificates = {MakeCertificate(certificate)};
       }),
       Reason::kSignatureMismatch},
      {"p07", By::kAnyone, "signed by the attacker in AWS's name",
       EditSigner(UseAttacker), Reason::kSignatureMismatch},
      {"p08", By::kAnyone, "no signer", EditMessage([](Pkcs7Spec& s) {
         s.digest_algorithms = {s.signers[0].digest_algorithm};
         s.signers.clear();
       }),
       Reason::kSignerCount},
      {"p09", By::kAnyone, "two signers, AWS's first, content forged",
       EditMessage([](Pkcs7Spec& s) { AddAttackersSigner(s, false); }),
       Reason::kSignerCount},
      {"p10", By::kAnyone, "two signers, the attacker's first",
       EditMessage([](Pkcs7Spec& s) { AddAttackersSigner(s, true); }),
       Reason::kSignerCount},
      {"p11", By::kSigner, "the genuine signer twice",
       EditMessage(
           [](Pkcs7Spec& s) { s.signers.assign(2, SignerSpec(s.signers[0])); }),
       Reason::kSignerCount},
      {"i29", By::kAnyone, "a genuine signature and an attacker's",
       EditMessage([](Pkcs7Spec& s) {
         SignerSpec attacker = s.signers[0];
         UseAttacker(attacker);
         s.signers.push_back(attacker);
       }),
       Reason::kSignerCount},
      {"p19", By::kAnyone, "genuine attributes presented as the content",
       EditMessage(PresentAttributesAsContent),
       Reason::kSignedAttributesRequired},
      {"i26a", By::kSigner, "a good signature over another messageDigest",
       EditAttributes([](Attributes& a) {
         FindAttribute(a, kOidMessageDigest)->values = {
             OctetString(std::string(32, 'e'))};
       }),
       Reason::kDigestMismatch},
      {"i26b", By::kAnyone, "a good messageDigest under a bad signature",
       EditSigner([](SignerSpec& s) {
         s.edit_signature = [](std::string bytes) {
           bytes[9] = static_cast<char>(bytes[9] ^ 1);
           return bytes;
         };
       }),
       Reason::kSignatureMismatch},
      {"i27", By::kAnyone, "AWS's certificate first, the attacker's second",
       EditMessage([](Pkcs7Spec& s) {
         UseAttacker(s.signers[0]);
         s.certificates = {AwsCertificate(),
                           MakeCertificate(AttackersCertificate())};
       }),
       Reason::kSignatureMismatch},
  };
}

std::vector<IdentityAttack> AttributeAttacks() {
  return {
      {"p14", By::kSigner, "no messageDigest",
       EditAttributes(
           [](Attributes& a) { RemoveAttribute(a, kOidMessageDigest); }),
       Reason::kSignedAttributeMissing},
      {"p15", By::kSigner, "no contentType", EditAttributes([](Attributes& a) {
         RemoveAttribute(a, kOidContentType);
       }),
       Reason::kSignedAttributeMissing},
      {"x60", By::kSigner, "no signingTime", EditAttributes([](Attributes& a) {
         RemoveAttribute(a, kOidSigningTime);
       }),
       Reason::kSignedAttributeMissing},
      {"p16", By::kSigner, "a contentType that is not the content's",
       EditAttributes([](Attributes& a) {
         FindAttribute(a, kOidContentType)->values = {Oid(kOidSignedData)};
       }),
       Reason::kContentTypeMismatch},
      {"p17", By::kSigner, "messageDigest twice, the false one last",
       EditAttributes([](Attributes& a) { DuplicateDigest(a, false); }),
       Reason::kDuplicateAttribute},
      {"p18a", By::kSigner, "messageDigest twice, the false one first",
       EditAttributes([](Attributes& a) { DuplicateDigest(a, true); }),
       Reason::kDuplicateAttribute},
      {"p18b", By::kSigner, "messageDigest with two values",
       EditAttributes([](Attributes& a) {
         FindAttribute(a, kOidMessageDigest)
             ->values.push_back(OctetString(std::string(32, 'e')));
       }),
       Reason::kDuplicateAttribute},
      {"p18c", By::kSigner, "messageDigest without a value",
       EditAttributes([](Attributes& a) {
         FindAttribute(a, kOidMessageDigest)->values.clear();
       }),
       Reason::kPkcs7Malformed},
      {"x61", By::kSigner, "an empty set of attributes",
       EditAttributes([](Attributes& a) { a.clear(); }),
       Reason::kSignedAttributesRequired},
      {"x62", By::kSigner, "a signingTime that does not exist",
       EditAttributes([](Attributes& a) {
         FindAttribute(a, kOidSigningTime)->values = {
             Tlv(0x17, "260230000000Z")};
       }),
       Reason::kPkcs7Malformed},
      {"x63", By::kSigner, "a hundred attributes",
       EditAttributes([](Attributes& a) {
         for (int i = 0; i < 100; ++i) {
           a.push_back({"1.2.3." + std::to_string(i), {Null()}});
         }
       }),
       Reason::kPkcs7Malformed},
      {"x64", By::kNobody, "a signed attribute that nobody knows",
       EditAttributes([](Attributes& a) {
         a.push_back({"1.2.3.4", {Null()}});
       }),
       kAccepted},
      {"i22b", By::kSigner, "attributes out of order, signed as sent",
       EditSigner([](SignerSpec& s) {
         s.sort_attributes = false;
         s.sign_as_sent = true;
         s.edit_attributes = [](Attributes& a) { std::swap(a[0], a[2]); };
       }),
       Reason::kSignatureMismatch},
      {"i23b", By::kSigner, "CMSAlgorithmProtection with another digest",
       EditAttributes([](Attributes& a) {
         std::string signature =
             AlgorithmId(kOidSha256WithRsa, Parameters::kNull);
         signature[0] = '\xa1';
         FindAttribute(a, kOidAlgorithmProtection)->values = {
             Sequence({AlgorithmId(kOidSha1, Parameters::kAbsent), signature})};
       }),
       Reason::kAlgorithmMismatch},
      {"i23c", By::kSigner, "CMSAlgorithmProtection with another signature",
       EditAttributes([](Attributes& a) {
         std::string signature =
             AlgorithmId(kOidSha1WithRsa, Parameters::kNull);
         signature[0] = '\xa1';
         FindAttribute(a, kOidAlgorithmProtection)->values = {Sequence(
             {AlgorithmId(kOidSha256, Parameters::kAbsent), signature})};
       }),
       Reason::kAlgorithmMismatch},
  };
}

std::vector<IdentityAttack> AlgorithmAttacks() {
  const auto use_hash = [](Hash hash) {
    return EditSigner([hash](SignerSpec& s) {
      s.hash = hash;
      s.digest_algorithm = AlgorithmId(OidOf(hash), Parameters::kAbsent);
      s.signature_algorithm = AlgorithmId(kOidRsaEncryption, Parameters::kNull);
    });
  };
  return {
      {"p12", By::kSigner, "SHA-1 in /rsa2048", use_hash(Hash::kSha1),
       Reason::kDigestNotAllowed},
      {"p13", By::kSigner, "MD5 in /rsa2048", use_hash(Hash::kMd5),
       Reason::kDigestNotAllowed},
      {"x65", By::kSigner, "SHA-512 in /rsa2048", use_hash(Hash::kSha512),
       Reason::kDigestNotAllowed},
      {"p22a", By::kSigner, "sha512WithRSA declared, SHA-256 used",
       EditSigner([](SignerSpec& s) {
         s.signature_algorithm =
             AlgorithmId(kOidSha512WithRsa, Parameters::kNull);
       }),
       Reason::kAlgorithmMismatch},
      {"p22b", By::kSigner, "sha1WithRSA declared, SHA-256 used",
       EditSigner([](SignerSpec& s) {
         s.signature_algorithm =
             AlgorithmId(kOidSha1WithRsa, Parameters::kNull);
       }),
       Reason::kAlgorithmMismatch},
      {"p23a", By::kSigner, "SHA-512 declared for the digest, SHA-256 used",
       EditSigner([](SignerSpec& s) {
         s.digest_algorithm = AlgorithmId(kOidSha512, Parameters::kAbsent);
       }),
       Reason::kDigestNotAllowed},
      {"p23b", By::kSigner, "another digest in the list of digests",
       EditMessage([](Pkcs7Spec& s) {
         s.digest_algorithms = {AlgorithmId(kOidSha1, Parameters::kAbsent)};
       }),
       Reason::kAlgorithmMismatch},
      {"x66", By::kSigner, "parameters that are not NULL",
       EditSigner([](SignerSpec& s) {
         s.digest_algorithm = Sequence({Oid(kOidSha256), Integer(1)});
       }),
       Reason::kPkcs7Malformed},
      {"x67", By::kSigner, "an RSA key with the OID of DSA",
       EditSigner([](SignerSpec& s) {
         s.signature_algorithm =
             AlgorithmId(kOidDsaWithSha256, Parameters::kAbsent);
       }),
       Reason::kAlgorithmMismatch},
  };
}

std::vector<IdentityAttack> StructureAttacks() {
  using Case = IdentityCase;
  const auto edit_bytes = [](std::function<std::string(std::string)> edit) {
    return [edit](Case& c) { c.edit_bytes = edit; };
  };
  return {
      {"p20a", By::kAnyone, "the content left out, the document beside",
       [](Case& c) {
         c.edit = [](Pkcs7Spec& s) { s.detached = true; };
         c.beside = c.fields.Text();
       },
       Reason::kContentMissing},
      {"p20b", By::kAnyone, "a content of no bytes",
       EditMessage([](Pkcs7Spec& s) {
         s.sent_content = "";
         s.ber = false;
       }),
       Reason::kContentMissing},
      {"p21a", By::kAnyone, "a byte after the message",
       EditMessage([](Pkcs7Spec& s) { s.trailing = std::string(1, '\0'); }),
       Reason::kTrailingBytes},
      {"p21b", By::kAnyone, "a second message after the message",
       edit_bytes([](std::string s) { return s + s; }), Reason::kTrailingBytes},
      {"i22c", By::kSigner, "SignedData of version 3",
       EditMessage([](Pkcs7Spec& s) { s.version = 3; }),
       Reason::kPkcs7Malformed},
      {"i22d", By::kSigner, "SignerInfo of version 3",
       EditSigner([](SignerSpec& s) { s.version = 3; }),
       Reason::kPkcs7Malformed},
      {"i24a", By::kAnyone, "20,000 sequences in each other",
       edit_bytes([](std::string) {
         std::string deep;
         for (int i = 0; i < 20000; ++i) deep += "\x30\x80";
         return deep;
       }),
       Reason::kPkcs7Malformed},
      {"i24b", By::kAnyone, "64 KiB and a byte", edit_bytes([](std::string s) {
         s.resize(64 * 1024 + 1, '\0');
         return s;
       }),
       Reason::kInputTooLarge},
      {"i24c", By::kAnyone, "10,000 certificates of some size",
       EditMessage([](Pkcs7Spec& s) {
         s.certificates.assign(10000,
                               Sequence({Integer(1)}) + Sequence({Integer(2)}));
       }),
       Reason::kInputTooLarge},
      {"i24d", By::kAnyone, "10,000 certificates of two bytes",
       EditMessage(
           [](Pkcs7Spec& s) { s.certificates.assign(10000, Sequence({})); }),
       Reason::kPkcs7Malformed},
      {"i24e", By::kAnyone, "60 signers", EditMessage([](Pkcs7Spec& s) {
         s.signers.assign(60, SignerSpec(s.signers[0]));
       }),
       Reason::kSignerCount},
      {"i24f", By::kAnyone, "a length of 2^63", edit_bytes([](std::string) {
         return std::string("\x30\x88\x80\0\0\0\0\0\0\0", 10);
       }),
       Reason::kPkcs7Malformed},
      {"i24g", By::kAnyone, "400 pieces of content",
       EditMessage([](Pkcs7Spec& s) { s.chunks = 400; }),
       Reason::kPkcs7Malformed},
      {"x68", By::kAnyone, "cut short by a byte", edit_bytes([](std::string s) {
         s.pop_back();
         return s;
       }),
       Reason::kPkcs7Malformed},
      {"x69", By::kAnyone, "unsigned attributes", EditSigner([](SignerSpec& s) {
         s.after_signature =
             Tlv(0xa1, Sequence({Oid("1.2.3.4"), Set({Null()})}));
       }),
       Reason::kPkcs7Malformed},
      {"x70", By::kSigner, "content of another type than data",
       EditMessage([](Pkcs7Spec& s) { s.content_type = kOidSignedData; }),
       Reason::kPkcs7Malformed},
      {"x71", By::kAnyone, "a length in more octets than it needs",
       EditSigner([](SignerSpec& s) {
         s.digest_algorithm = TlvLongLength(0x30, Oid(kOidSha256), 1);
       }),
       Reason::kPkcs7Malformed},
  };
}

}  // namespace

std::vector<IdentityAttack> Pkcs7Attacks() {
  return Join<IdentityCase>({GenuineMessages(), SignerAttacks(),
                             AttributeAttacks(), AlgorithmAttacks(),
                             StructureAttacks()});
}

}  // namespace anchorage::test

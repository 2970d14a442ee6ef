// Attacks on the choice of anchor: regions, kinds, re-issues, life cycles.

#include <string>
#include <utility>

#include "test/attacks/identity_case.h"

namespace anchorage::test {
namespace {

using verify::AnchorKind;
using verify::AnchorRecord;
using verify::AnchorStatus;
using verify::IdentityForm;
using verify::Reason;

constexpr auto kRsa2048 = AnchorKind::kIidRsa2048;

// AWS re-issues the certificate over the same key: the signer has a serial
// that no pinned certificate has.
void Reissue(IdentityCase& c) {
  c.EditSigner(
      [](SignerSpec& s) { s.serial = std::string("\0\xf0\1\2\3\4\5\6\7", 9); });
}

// Signs with another region's key, and names that region's certificate.
void SignAs(IdentityCase& c, std::string_view region) {
  const TestKey& key = c.aws.KeyOf(region, c.kind());
  const std::string serial = c.aws.Certificate(region, c.kind()).serial;
  c.EditSigner([&key, serial](SignerSpec& s) {
    s.key = &key;
    s.serial = serial;
  });
}

// Adds an anchor to the slot under the same issuer and serial, with another
// key, at whatever place its key sorts to.
AnchorRecord& AddTwin(IdentityCase& c) {
  CertSpec certificate = c.aws.Certificate(c.region, kRsa2048);
  const TestKey& other = TestKey::Rsa(2048, 20);
  certificate.key = certificate.issuer_key = &other;
  c.anchors.push_back(
      MakeAnchor(c.anchor().slot, other, MakeCertificate(certificate)));
  return c.anchors.back();
}

// Of a genuine document: see FakeIdentity::Document().
const absl::Time kMade = FakeNow() - absl::Minutes(10);

void UseSignature(IdentityCase& c) { c.form = IdentityForm::kSignature; }

}  // namespace

std::vector<IdentityAttack> AnchorAttacks() {
  using Case = IdentityCase;
  return {
      {"r00", By::kNobody, "the certificate re-issued over the same key",
       Reissue, kAccepted},
      {"r01", By::kNobody, "the same, with the old certificate inside",
       [](Case& c) {
         Reissue(c);
         const std::string old =
             MakeCertificate(c.aws.Certificate(c.region, kRsa2048));
         c.edit = [reissue = c.edit, old](Pkcs7Spec& spec) {
           reissue(spec);
           spec.certificates = {old};
         };
       },
       kAccepted},
      {"i02a", By::kAnyone, "another document beside the PKCS #7",
       [](Case& c) {
         DocumentFields forged = c.fields;
         c.beside = forged.SetText("accountId", "999999999999").Text();
       },
       Reason::kContentMismatch},
      {"i02b", By::kAnyone, "an empty document beside the PKCS #7",
       [](Case& c) { c.beside = ""; }, Reason::kContentMismatch},
      {"i02c", By::kNobody, "the same document beside the PKCS #7",
       [](Case& c) { c.beside = c.fields.Text(); }, kAccepted},
      {"i03a", By::kSigner, "region A in a document signed by region B",
       [](Case& c) { SignAs(c, "eu-west-1"); }, Reason::kRegionMismatch},
      {"i03b", By::kSigner, "the same of /signature, which names no signer",
       [](Case& c) {
         UseSignature(c);
         c.aws.SetKey("us-east-1", AnchorKind::kIidRsa1024,
                      c.aws.KeyOf("eu-west-1", AnchorKind::kIidRsa1024));
       },
       Reason::kRegionMismatch},
      {"i03c", By::kNobody, "a region with the key of another, as 17 have",
       [](Case& c) {
         c.UseRegion("us-west-2");
         UseSignature(c);
       },
       kAccepted},
      {"i04a", By::kAnyone, "the region changed to one with the same key",
       [](Case& c) {
         UseSignature(c);
         c.beside = c.aws.Document("us-west-2").Text();
       },
       Reason::kSignatureMismatch},
      {"i04b", By::kAnyone, "beside the PKCS #7, the region of another key",
       [](Case& c) { c.beside = c.aws.Document("eu-west-1").Text(); },
       Reason::kContentMismatch},
      {"i05", By::kAnyone, "a region that no anchor is known for",
       [](Case& c) { c.fields.SetText("region", "us-east-9"); },
       Reason::kRegionUnknown},
      {"i07a", By::kAnyone, "a /signature presented as /rsa2048",
       [](Case& c) {
         UseSignature(c);
         c.present_as = IdentityForm::kRsa2048;
       },
       Reason::kPkcs7Malformed},
      {"i07b", By::kAnyone, "DSA's /pkcs7 presented as /rsa2048",
       [](Case& c) {
         c.form = IdentityForm::kPkcs7;
         c.present_as = IdentityForm::kRsa2048;
       },
       Reason::kDigestNotAllowed},
      {"i07c", By::kAnyone, "/rsa2048 presented as /pkcs7",
       [](Case& c) { c.present_as = IdentityForm::kPkcs7; },
       Reason::kAlgorithmMismatch},
      {"i07d", By::kAnyone, "the same in China, where /pkcs7 is RSA",
       [](Case& c) {
         c.UseRegion("cn-north-1");
         c.present_as = IdentityForm::kPkcs7;
       },
       Reason::kSignatureMismatch},
      {"i07e", By::kAnyone, "China's /pkcs7 presented as /rsa2048",
       [](Case& c) {
         c.UseRegion("cn-north-1");
         c.form = IdentityForm::kPkcs7;
         c.present_as = IdentityForm::kRsa2048;
       },
       Reason::kSignatureMismatch},
      {"i07f", By::kAnyone, "a PKCS #7 presented as /signature",
       [](Case& c) {
         c.present_as = IdentityForm::kSignature;
         c.beside = c.fields.Text();
       },
       Reason::kSignatureMalformed},
      {"i10a", By::kAnyone, "line ends of Windows in the document",
       [](Case& c) {
         UseSignature(c);
         std::string text = c.fields.Text();
         text.insert(1, "\r");
         c.beside = text;
       },
       Reason::kSignatureMismatch},
      {"i10b", By::kAnyone, "a line feed after the document",
       [](Case& c) {
         UseSignature(c);
         c.beside = c.fields.Text() + "\n";
       },
       Reason::kSignatureMismatch},
      {"i10c", By::kAnyone, "/signature without its document",
       [](Case& c) {
         UseSignature(c);
         c.beside = "";
       },
       Reason::kDocumentMalformed},
      {"i19", By::kNobody, "a v1 certificate, SHA-1, 1024 bits, until 2204",
       [](Case& c) {
         UseSignature(c);
         CertSpec odd = c.aws.Certificate(c.region, c.kind());
         odd.version = std::nullopt;
         odd.extensions.clear();
         odd.hash = Hash::kSha1;
         odd.not_after = Tlv(0x18, "22040101000000Z");
         c.anchor().certificates_der = {MakeCertificate(odd)};
       },
       kAccepted},
      {"i30a", By::kNobody, "another anchor with the signer's serial",
       [](Case& c) { AddTwin(c); }, kAccepted},
      {"i30b", By::kNobody, "the same, and that one revoked",
       [](Case& c) { AddTwin(c).status = AnchorStatus::kRevoked; }, kAccepted},
      {"i30c", By::kNobody, "a certificate that expired in 2012",
       [](Case& c) {
         CertSpec old = c.aws.Certificate(c.region, kRsa2048);
         old.not_after = Tlv(0x17, "120101000000Z");
         old.not_before = Tlv(0x17, "110101000000Z");
         c.anchor().certificates_der = {MakeCertificate(old)};
       },
       kAccepted},
      {"x73", By::kAnyone, "an anchor that is only announced",
       [](Case& c) {
         c.anchor().status = AnchorStatus::kAnnounced;
         AddTwin(c);
       },
       Reason::kAnchorNotActive},
      {"x74", By::kAnyone, "an anchor that is retired",
       [](Case& c) {
         c.anchor().status = AnchorStatus::kRetired;
         AddTwin(c);
       },
       Reason::kAnchorNotActive},
      {"x75", By::kSigner, "made after the anchor's window has ended",
       [](Case& c) {
         c.anchor().status = AnchorStatus::kRetiring;
         c.anchor().valid_until = kMade - absl::Seconds(1);
         AddTwin(c);
       },
       Reason::kAnchorNotActive},
      {"x75a", By::kSigner, "made before the anchor's window begins",
       [](Case& c) {
         c.anchor().valid_from = kMade + absl::Seconds(1);
         AddTwin(c);
       },
       Reason::kAnchorNotActive},
      {"x75b", By::kNobody, "shown ten years after the window, made within it",
       [](Case& c) {
         c.anchor().status = AnchorStatus::kRetiring;
         c.anchor().valid_until = kMade;
         c.now += absl::Hours(24 * 3650);
       },
       kAccepted},
      {"x75c", By::kSigner,
       "shown after the anchor's end, made within its window",
       [](Case& c) {
         c.anchor().valid_until = kMade;
         c.anchor().accept_until = c.now - absl::Seconds(1);
         AddTwin(c);
       },
       Reason::kAnchorNotActive},
      {"x75d", By::kSigner, "the same, said to be recorded before that end",
       [](Case& c) {
         c.anchor().accept_until = c.now - absl::Seconds(1);
         c.provenance.as_of = c.now;
         c.recorded = true;
         c.now -= absl::Minutes(1);
       },
       Reason::kAnchorNotActive},
      {"x76", By::kNobody, "an anchor that is retiring",
       [](Case& c) { c.anchor().status = AnchorStatus::kRetiring; }, kAccepted},
      {"x77", By::kAnyone, "an anchor that is revoked",
       [](Case& c) {
         c.anchor().status = AnchorStatus::kRevoked;
         AddTwin(c);
       },
       Reason::kAnchorRevoked},
      {"x78", By::kAnyone, "the same, as recorded before it was",
       [](Case& c) {
         c.anchor().status = AnchorStatus::kRevoked;
         AddTwin(c);
         c.recorded = true;
         c.now -= absl::Hours(24 * 365);
       },
       Reason::kAnchorRevoked},
      {"x79", By::kAnyone, "no anchors at all",
       [](Case& c) { c.anchors.clear(); }, Reason::kNoUsableAnchors},
      {"x80", By::kAnyone, "a region whose /pkcs7 has no anchor",
       [](Case& c) {
         c.UseRegion("us-east-1");
         c.form = IdentityForm::kPkcs7;
         c.fields.SetText("region", "eusc-de-east-1");
       },
       Reason::kNoUsableAnchors},
      {"x81", By::kNobody, "a clock behind the anchors, which have an end",
       [](Case& c) {
         c.anchor().accept_until = c.now + absl::Hours(24);
         c.provenance.as_of = c.now;
         c.now -= absl::Hours(1);
       },
       Reason::kClockSuspect},
  };
}

}  // namespace anchorage::test

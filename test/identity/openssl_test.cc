// Our reader of PKCS #7 and OpenSSL's CMS functions see the same in every
// message, real and made up, and ours accepts nothing that OpenSSL refuses.
//
// One difference is wanted: OpenSSL hashes signed attributes in the order in
// which they were sent, and RFC 5652 5.4 has the signature over their order in
// DER.

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/fake_aws/fake_identity.h"
#include "test/identity/real_identities.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/identity/pkcs7.h"

namespace anchorage::test {
namespace {

using verify::AnchorKind;
using verify::IdentityForm;

struct Free {
  void operator()(CMS_ContentInfo* message) const {
    CMS_ContentInfo_free(message);
  }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

template <typename T>
std::unique_ptr<T, Free> Parse(T* (*d2i)(T**, const unsigned char**, long),
                               std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return std::unique_ptr<T, Free>(
      d2i(nullptr, &at, static_cast<long>(der.size())));
}

std::string Bytes(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string OidBytes(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* oid = nullptr;
  X509_ALGOR_get0(&oid, nullptr, nullptr, algorithm);
  return {reinterpret_cast<const char*>(OBJ_get0_data(oid)), OBJ_length(oid)};
}

// What one message says, as OpenSSL reads it.
class OpensslMessage {
 public:
  explicit OpensslMessage(std::string_view der)
      : message_(Parse(&d2i_CMS_ContentInfo, der)) {}
  ~OpensslMessage() { ERR_clear_error(); }
  OpensslMessage(const OpensslMessage&) = delete;
  OpensslMessage& operator=(const OpensslMessage&) = delete;

  // The one signer; null unless the message is one with one signer.
  CMS_SignerInfo* signer() const {
    if (message_ == nullptr) return nullptr;
    const auto* signers = CMS_get0_SignerInfos(message_.get());
    return sk_CMS_SignerInfo_num(signers) == 1
               ? sk_CMS_SignerInfo_value(signers, 0)
               : nullptr;
  }

  std::string content() const {
    return Bytes(*CMS_get0_content(message_.get()));
  }

  // Whether the signer's signature and messageDigest are good, under the key
  // of the certificate and of nothing else.
  bool Verify(std::string_view certificate_der) const {
    const auto certificate = Parse(&d2i_X509, certificate_der);
    CMS_SignerInfo* const info = signer();
    if (info == nullptr || certificate == nullptr) return false;
    CMS_SignerInfo_set1_signer_cert(info, certificate.get());
    const std::string text = content();
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(
        CMS_dataInit(message_.get(), nullptr), &BIO_free);
    // Reading through the chain of BIOs hashes the content.
    std::string read(text.size() + 1, '\0');
    BIO_read(bio.get(), read.data(), static_cast<int>(read.size()));
    const bool good = CMS_SignerInfo_verify(info) == 1 &&
                      CMS_SignerInfo_verify_content(info, bio.get()) == 1;
    BIO* inner = BIO_pop(bio.get());
    if (inner != nullptr) BIO_free_all(inner);
    return good;
  }

 private:
  std::unique_ptr<CMS_ContentInfo, Free> message_;
};

void ExpectSameFacts(std::string_view der, std::string_view name) {
  const auto ours = verify::ParsePkcs7(der);
  ASSERT_TRUE(ours.ok()) << name << " " << ours.status();
  const OpensslMessage theirs(der);
  CMS_SignerInfo* const signer = theirs.signer();
  ASSERT_NE(signer, nullptr) << name;
  EXPECT_EQ(ours->content, theirs.content()) << name;
  EXPECT_EQ(ours->signature, Bytes(CMS_SignerInfo_get0_signature(signer)))
      << name;

  X509_ALGOR* digest = nullptr;
  X509_ALGOR* signature = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, &signature);
  EXPECT_EQ(ours->digest_algorithm, OidBytes(digest)) << name;
  EXPECT_EQ(ours->signature_algorithm, OidBytes(signature)) << name;

  X509_NAME* issuer = nullptr;
  ASN1_INTEGER* serial = nullptr;
  CMS_SignerInfo_get0_signer_id(signer, nullptr, &issuer, &serial);
  unsigned char* encoded = nullptr;
  const int size = i2d_X509_NAME(issuer, &encoded);
  EXPECT_EQ(ours->issuer, std::string_view(reinterpret_cast<char*>(encoded),
                                           static_cast<std::size_t>(size)));
  OPENSSL_free(encoded);
  const std::string magnitude = Bytes(serial);
  EXPECT_TRUE(ours->serial == magnitude ||
              ours->serial == std::string(1, '\0') + magnitude)
      << name;

  const auto attribute = [&](int nid, int type) {
    return static_cast<const ASN1_STRING*>(
        CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(nid), -3, type));
  };
  const ASN1_STRING* message_digest =
      attribute(NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING);
  ASSERT_NE(message_digest, nullptr) << name;
  EXPECT_EQ(ours->message_digest, Bytes(message_digest)) << name;
  const ASN1_STRING* signing_time =
      attribute(NID_pkcs9_signingTime, V_ASN1_UTCTIME);
  ASSERT_NE(signing_time, nullptr) << name;
  EXPECT_EQ(absl::FormatTime("%y%m%d%H%M%SZ", ours->signing_time,
                             absl::UTCTimeZone()),
            Bytes(signing_time))
      << name;
}

verify::IdentityPolicy AnyPolicy() {
  return *verify::IdentityPolicy::AuthenticityOnly("signatures are compared");
}

bool Accepts(const verify::AnchorSet& anchors, IdentityForm form,
             std::string_view message) {
  return VerifyRecordedIdentity({std::nullopt, form, message}, anchors,
                                AnyPolicy(), FakeNow())
      .ok();
}

// Whether our verifier, and OpenSSL under one of the certificates of the
// message's slot, accept it.
struct Verdicts {
  bool ours = false;
  bool openssl = false;
};

Verdicts Judge(const verify::AnchorSet& anchors, const verify::Slot& slot,
               IdentityForm form, std::string_view message) {
  Verdicts verdicts;
  verdicts.ours = Accepts(anchors, form, message);
  for (const verify::Anchor& anchor : anchors.In(slot)) {
    for (const std::string& certificate : anchor.certificates_der()) {
      verdicts.openssl =
          verdicts.openssl || OpensslMessage(message).Verify(certificate);
    }
  }
  return verdicts;
}

std::vector<RealIdentity> AllReal() {
  auto all = SharedIdentities().value_or(CarriedIdentities());
  std::erase_if(all, [](const RealIdentity& r) {
    return r.form == IdentityForm::kSignature;
  });
  return all;
}

TEST(Openssl, ReadsTheSameInRealMessages) {
  for (const RealIdentity& r : AllReal()) ExpectSameFacts(r.signature, r.path);
}

TEST(Openssl, GivesTheSameVerdictOnRealMessages) {
  const auto anchors = RealIdentityAnchors();
  for (const RealIdentity& r : AllReal()) {
    if (r.region.empty()) continue;
    const verify::Slot slot = {"aws", r.region, AnchorKindOf(r.form)};
    // Without the document beside it, a negative may well be genuine.
    const Verdicts verdicts = Judge(*anchors, slot, r.form, r.signature);
    if (r.genuine) {
      EXPECT_TRUE(verdicts.ours) << r.path;
      EXPECT_TRUE(verdicts.openssl) << r.path;
    }
    EXPECT_LE(verdicts.ours, verdicts.openssl) << r.path;
  }
}

struct MadeUp {
  std::string_view name;
  std::string_view region;
  IdentityForm form;
  Era era;
  std::function<void(Pkcs7Spec&)> edit;
};

std::vector<MadeUp> GenuineVariants() {
  const auto nothing = [](Pkcs7Spec&) {};
  std::vector<MadeUp> out;
  for (const Era era : {Era::k2018, Era::k2021, Era::k2026}) {
    for (const std::string_view region : {"us-east-1", "cn-north-1"}) {
      for (const IdentityForm form :
           {IdentityForm::kPkcs7, IdentityForm::kRsa2048}) {
        out.push_back({"as AWS sends it", region, form, era, nothing});
        out.push_back(
            {"DER", region, form, era, [](Pkcs7Spec& s) { s.ber = false; }});
        out.push_back({"in pieces", region, form, era,
                       [](Pkcs7Spec& s) { s.chunks = 5; }});
      }
    }
  }
  out.push_back({"unknown attribute", "eu-west-1", IdentityForm::kRsa2048,
                 Era::k2026, [](Pkcs7Spec& s) {
                   s.signers[0].edit_attributes =
                       [](std::vector<Attribute>& a) {
                         a.push_back({"1.2.3.4", {Null()}});
                       };
                 }});
  return out;
}

std::string Message(const FakeIdentity& aws, const MadeUp& m) {
  Pkcs7Spec spec = aws.Genuine(m.region, AnchorKindOf(m.form),
                               aws.Document(m.region).Text(), m.era);
  m.edit(spec);
  return Encode(spec);
}

TEST(Openssl, AgreesAboutEveryMadeUpVariant) {
  const FakeIdentity aws;
  const auto anchors = verify::AnchorSet::Create(aws.Anchors(), {});
  ASSERT_TRUE(anchors.ok());
  for (const MadeUp& m : GenuineVariants()) {
    const std::string message = Message(aws, m);
    ExpectSameFacts(message, m.name);
    const Verdicts verdicts =
        Judge(**anchors, aws.Anchor(m.region, AnchorKindOf(m.form)).slot,
              m.form, message);
    EXPECT_TRUE(verdicts.ours) << m.name << " " << m.region;
    EXPECT_TRUE(verdicts.openssl) << m.name << " " << m.region;
  }
}

// Each byte of each variant, one bit changed.
TEST(Openssl, AcceptsWhateverWeAcceptOfAlteredMessages) {
  const FakeIdentity aws;
  const auto anchors = verify::AnchorSet::Create(aws.Anchors(), {});
  ASSERT_TRUE(anchors.ok());
  for (const MadeUp& m : GenuineVariants()) {
    if (m.era != Era::k2021) continue;
    const verify::Slot slot = aws.Anchor(m.region, AnchorKindOf(m.form)).slot;
    const std::string good = Message(aws, m);
    const auto parsed = verify::ParsePkcs7(good);
    ASSERT_TRUE(parsed.ok());
    const auto serial_at =
        static_cast<std::size_t>(parsed->serial.data() - good.data());
    const auto issuer_at =
        static_cast<std::size_t>(parsed->issuer.data() - good.data());
    for (std::size_t i = 0; i < good.size(); ++i) {
      // OpenSSL finds the signer's certificate by these; we do not.
      if (i >= issuer_at && i < serial_at + parsed->serial.size()) continue;
      std::string altered = good;
      altered[i] = static_cast<char>(altered[i] ^ (1 << (i % 8)));
      if (!Accepts(**anchors, m.form, altered)) continue;
      EXPECT_TRUE(Judge(**anchors, slot, m.form, altered).openssl)
          << m.name << " " << m.region << ", byte " << i;
    }
  }
}

TEST(Openssl, HashesAttributesInTheOrderSentAndWeInTheOrderOfDer) {
  const FakeIdentity aws;
  const auto anchors = verify::AnchorSet::Create(aws.Anchors(), {});
  ASSERT_TRUE(anchors.ok());
  MadeUp m{"out of order", "us-east-1", IdentityForm::kRsa2048, Era::k2026,
           [](Pkcs7Spec& s) {
             s.signers[0].sort_attributes = false;
             s.signers[0].edit_attributes = [](std::vector<Attribute>& a) {
               std::swap(a[0], a[2]);
             };
           }};
  const verify::Slot slot = aws.Anchor(m.region, AnchorKindOf(m.form)).slot;
  const Verdicts in_der = Judge(**anchors, slot, m.form, Message(aws, m));
  EXPECT_TRUE(in_der.ours);
  EXPECT_FALSE(in_der.openssl);

  const auto disorder = m.edit;
  m.edit = [disorder](Pkcs7Spec& s) {
    disorder(s);
    s.signers[0].sign_as_sent = true;
  };
  const Verdicts as_sent = Judge(**anchors, slot, m.form, Message(aws, m));
  EXPECT_FALSE(as_sent.ours);
  EXPECT_TRUE(as_sent.openssl);
}

}  // namespace
}  // namespace anchorage::test

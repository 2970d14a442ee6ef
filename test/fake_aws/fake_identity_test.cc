#include "test/fake_aws/fake_identity.h"

#include <gtest/gtest.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "test/fake_aws/skeleton.h"

namespace anchorage::test {
namespace {

using verify::AnchorKind;

const unsigned char* Bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::string ReadFile(const std::string& name) {
  std::ifstream file("test/vectors/real/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string FromBase64(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  std::string bytes;
  EXPECT_TRUE(absl::Base64Unescape(text, &bytes));
  return bytes;
}

// What OpenSSL's CMS finds in a message that was signed with the certificate's
// key: the content, or nothing. No certificate of the message is used.
std::string ContentThatOpenSslAccepts(std::string_view message,
                                      std::string_view certificate_der) {
  const unsigned char* at = Bytes(certificate_der);
  X509* certificate =
      d2i_X509(nullptr, &at, static_cast<long>(certificate_der.size()));
  EXPECT_NE(certificate, nullptr);
  STACK_OF(X509)* signers = sk_X509_new_null();
  sk_X509_push(signers, certificate);
  BIO* in = BIO_new_mem_buf(message.data(), static_cast<int>(message.size()));
  CMS_ContentInfo* cms = d2i_CMS_bio(in, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  const unsigned flags = CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN | CMS_BINARY;
  std::string content;
  if (cms != nullptr &&
      CMS_verify(cms, signers, nullptr, nullptr, out, flags) == 1) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    content.assign(data, static_cast<std::size_t>(size));
  }
  ERR_clear_error();
  BIO_free(out);
  CMS_ContentInfo_free(cms);
  BIO_free(in);
  sk_X509_pop_free(signers, X509_free);
  return content;
}

std::string AcceptedContent(const FakeIdentity& aws, const Pkcs7Spec& spec,
                            std::string_view region, AnchorKind kind) {
  return ContentThatOpenSslAccepts(
      Encode(spec), MakeCertificate(aws.Certificate(region, kind)));
}

struct GenuineCase {
  std::string region;
  AnchorKind kind;
  Era era;
};

class GenuineMessage : public ::testing::TestWithParam<GenuineCase> {};

TEST_P(GenuineMessage, IsAcceptedByOpenSslInBerAndInDer) {
  const auto& [region, kind, era] = GetParam();
  const FakeIdentity aws;
  const std::string document = aws.Document(region).Text();
  Pkcs7Spec spec = aws.Genuine(region, kind, document, era);
  EXPECT_EQ(AcceptedContent(aws, spec, region, kind), document);
  spec.ber = false;
  EXPECT_EQ(AcceptedContent(aws, spec, region, kind), document);
}

INSTANTIATE_TEST_SUITE_P(
    FakeIdentity, GenuineMessage,
    ::testing::Values(
        GenuineCase{"us-east-1", AnchorKind::kIidRsa2048, Era::k2018},
        GenuineCase{"us-east-1", AnchorKind::kIidRsa2048, Era::k2021},
        GenuineCase{"us-east-1", AnchorKind::kIidRsa2048, Era::k2026},
        GenuineCase{"us-west-2", AnchorKind::kIidDsa, Era::k2018},
        GenuineCase{"us-gov-west-1", AnchorKind::kIidDsa, Era::k2021},
        GenuineCase{"eu-west-1", AnchorKind::kIidDsa, Era::k2026},
        GenuineCase{"cn-north-1", AnchorKind::kIidDsa, Era::k2018},
        GenuineCase{"cn-north-1", AnchorKind::kIidDsa, Era::k2026}));

class FakeIdentityTest : public ::testing::Test {
 protected:
  Pkcs7Spec Good() const {
    return aws_.Genuine("eu-west-1", AnchorKind::kIidRsa2048, document_);
  }
  std::string Accepted(const Pkcs7Spec& spec) const {
    return AcceptedContent(aws_, spec, "eu-west-1", AnchorKind::kIidRsa2048);
  }

  FakeIdentity aws_;
  std::string document_ = aws_.Document("eu-west-1").Text();
};

TEST_F(FakeIdentityTest, OpenSslRefusesAnotherKeysSignature) {
  Pkcs7Spec spec = Good();
  spec.signers[0].key = &AttackerKey(AnchorKind::kIidRsa2048);
  EXPECT_EQ(Accepted(spec), "");
}

TEST_F(FakeIdentityTest, OpenSslRefusesSwappedContent) {
  Pkcs7Spec spec = Good();
  spec.sent_content = aws_.Document("us-east-1").Text();
  EXPECT_EQ(Accepted(spec), "");
}

TEST_F(FakeIdentityTest, OpenSslAcceptsWhatIsUnusualAndValid) {
  Pkcs7Spec spec = Good();
  spec.chunks = 3;
  EXPECT_EQ(Accepted(spec), document_);

  spec = Good();
  spec.signers[0].has_signed_attributes = false;
  EXPECT_EQ(Accepted(spec), document_);

  spec = Good();
  spec.certificates = {
      MakeCertificate(aws_.Certificate("us-east-1", AnchorKind::kIidRsa2048))};
  EXPECT_EQ(Accepted(spec), document_);
}

TEST_F(FakeIdentityTest, OpenSslAcceptsTheRsa1024Signature) {
  const std::string signature = aws_.Signature("eu-west-1", document_);
  const std::string& spki =
      aws_.KeyOf("eu-west-1", AnchorKind::kIidRsa1024).spki_der();
  const unsigned char* at = Bytes(spki);
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size()));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ASSERT_EQ(EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key),
            1);
  EXPECT_EQ(EVP_DigestVerify(context, Bytes(signature), signature.size(),
                             Bytes(document_), document_.size()),
            1);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
}

TEST_F(FakeIdentityTest, CertificatesAreReadAndSelfSigned) {
  for (const verify::AnchorRecord& anchor : aws_.Anchors()) {
    const std::string& der = anchor.certificates_der.at(0);
    const unsigned char* at = Bytes(der);
    X509* certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
    ASSERT_NE(certificate, nullptr) << ToString(anchor.slot);
    EXPECT_EQ(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    EXPECT_EQ(X509_get_version(certificate),
              anchor.slot.kind == AnchorKind::kIidDsa ? 0 : 2);
    X509_free(certificate);
  }
}

TEST_F(FakeIdentityTest, RegionsShareOldKeysOnlyWhereTheySaySo) {
  for (AnchorKind kind : {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024}) {
    EXPECT_EQ(&aws_.KeyOf("us-west-2", kind), &aws_.KeyOf("us-east-1", kind));
    EXPECT_NE(&aws_.KeyOf("eu-west-1", kind), &aws_.KeyOf("us-east-1", kind));
  }
  EXPECT_NE(&aws_.KeyOf("us-west-2", AnchorKind::kIidRsa2048),
            &aws_.KeyOf("us-east-1", AnchorKind::kIidRsa2048));
}

// The fields of a real document, written by the fake, are that document.
TEST_F(FakeIdentityTest, WritesDocumentsByteForByteAsAws) {
  const std::string real = ReadFile("iid/apse2-2026-ts-verify/document");
  DocumentFields document = aws_.Document("ap-southeast-2");
  document.SetText("accountId", "189292791360")
      .SetText("architecture", "arm64")
      .SetText("instanceType", "t4g.small")
      .SetText("pendingTime", "2026-02-16T00:38:27Z");
  EXPECT_EQ(document.Text(), real);
}

TEST_F(FakeIdentityTest, MessagesHaveTheShapeOfAwsMessages) {
  const struct {
    const char* file;
    AnchorKind kind;
    Era era;
  } kCases[] = {
      {"use1-2018-node-identity-document/pkcs7.b64", AnchorKind::kIidDsa,
       Era::k2018},
      {"usw2-2021-teleport-1/rsa2048.b64", AnchorKind::kIidRsa2048, Era::k2021},
      {"apse2-2026-ts-verify/rsa2048.b64", AnchorKind::kIidRsa2048, Era::k2026},
  };
  for (const auto& c : kCases) {
    const Pkcs7Spec spec = aws_.Genuine("us-east-1", c.kind, document_, c.era);
    EXPECT_EQ(Asn1Skeleton(Encode(spec)),
              Asn1Skeleton(FromBase64(ReadFile(std::string("iid/") + c.file))))
        << c.file;
  }
}

TEST(Base64Test, BreaksLines) {
  EXPECT_EQ(Base64("abcdef", 4), "YWJj\nZGVm\n");
  EXPECT_EQ(Base64("abcdef"), "YWJjZGVm");
}

}  // namespace
}  // namespace anchorage::test

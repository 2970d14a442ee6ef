#include "anchors/certificate_names.h"

#include <gtest/gtest.h>

#include <string>

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/fake_aws/fake_identity.h"

namespace anchorage::anchors {
namespace {

TEST(CertificateNames, OfAwsAreThemselvesIssuers) {
  const auto catalog = ParseCatalog(DefaultBakedBundle().files.catalog());
  ASSERT_TRUE(catalog.ok());
  for (const CatalogAnchor& anchor : catalog->anchors) {
    const auto names = ReadCertificateNames(anchor.certificates.front().der);
    EXPECT_NE(names.subject.find("Amazon"), std::string::npos) << names.subject;
    EXPECT_EQ(names.subject, names.issuer);
  }
}

// Whoever makes a certificate writes into it what they like.
TEST(CertificateNames, AreEscaped) {
  const auto tlv = [](char tag, const std::string& content) {
    return std::string({tag, static_cast<char>(content.size())}) + content;
  };
  test::FakeIdentity aws;
  test::CertSpec spec =
      aws.Certificate("eu-west-1", verify::AnchorKind::kIidRsa2048);
  const std::string text = "<b>\x1b[2J\n\u202e{{x}}";
  spec.subject =
      tlv('\x30', tlv('\x31', tlv('\x30', tlv('\x06', "\x55\x04\x03") +
                                              tlv('\x0c', text))));
  const auto names = ReadCertificateNames(test::MakeCertificate(spec));
  EXPECT_EQ(names.subject, "CN=\\<b\\>\\1B[2J\\0A\\E2\\80\\AE{{x}}");
}

TEST(CertificateNames, AreEmptyForWhatIsNoCertificate) {
  EXPECT_EQ(ReadCertificateNames("").subject, "");
  EXPECT_EQ(ReadCertificateNames("no certificate").issuer, "");
}

}  // namespace
}  // namespace anchorage::anchors

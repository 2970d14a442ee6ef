#include "anchors/self_signature.h"

#include <gtest/gtest.h>

#include <string>

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"

namespace anchorage::anchors {
namespace {

const Catalog& BakedCatalog() {
  static const Catalog* const catalog =
      new Catalog(ParseCatalog(DefaultBakedBundle().files.catalog()).value());
  return *catalog;
}

TEST(SelfSignature, EveryCertificateOfAwsHasIt) {
  int count = 0;
  for (const CatalogAnchor& anchor : BakedCatalog().anchors) {
    for (const CatalogCertificate& certificate : anchor.certificates) {
      EXPECT_TRUE(IsSelfSigned(certificate.der))
          << verify::ToString(anchor.slot) << " " << certificate.serial;
      ++count;
    }
  }
  EXPECT_EQ(count, 144);
}

TEST(SelfSignature, NoneThatWasChangedHasIt) {
  std::string der = BakedCatalog().anchors.front().certificates.front().der;
  der.back() ^= 1;
  EXPECT_FALSE(IsSelfSigned(der));
  EXPECT_FALSE(IsSelfSigned(""));
  EXPECT_FALSE(IsSelfSigned("no certificate"));
}

TEST(SignedBy, IsOfOneKey) {
  const CatalogAnchor& one = BakedCatalog().anchors.front();
  const std::string& der = one.certificates.front().der;
  EXPECT_TRUE(IsSignedBy(der, one.spki_der));
  EXPECT_FALSE(IsSignedBy(der, BakedCatalog().anchors.back().spki_der));
  EXPECT_FALSE(IsSignedBy(der, ""));
  EXPECT_FALSE(IsSignedBy("", one.spki_der));
}

}  // namespace
}  // namespace anchorage::anchors

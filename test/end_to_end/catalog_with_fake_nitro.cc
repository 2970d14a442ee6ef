// Prints the catalog that every program is built with, and in it one more Nitro
// root: that of the fake AWS.

#include <iostream>
#include <string>
#include <utility>

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/crypto/public_key.h"

int main() {
  using namespace anchorage;
  auto catalog = anchors::ParseCatalog(
      anchors::DefaultBakedBundle()(anchors::kCatalogTargetPath));
  const verify::AnchorRecord root = test::FakeNitro().RootAnchor();
  if (!catalog.ok() || root.certificates_der.empty()) return 1;
  const std::string& der = root.certificates_der.front();
  auto certificate = anchors::MakeCertificate(der);
  if (!certificate.ok()) return 1;
  anchors::CatalogAnchor anchor;
  anchor.slot = root.slot;
  anchor.spki_der = root.spki_der;
  anchor.spki_sha256 = verify::Sha256Hex(root.spki_der);
  anchor.certificates.push_back(*std::move(certificate));
  catalog->anchors.push_back(std::move(anchor));
  anchors::Sort(*catalog);
  std::cout << anchors::SerializeCatalog(*catalog);
  return 0;
}

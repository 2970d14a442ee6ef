// Prints AWS's page of certificates by region as it is with the baked-in set,
// for a source of a trustd on this host.
//
//   fake_page [PARTITION REGION KIND CERTIFICATE]
//
// With a certificate, a file in DER, that is what the page has in its slot.

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "anchors/certificate_facts.h"
#include "test/fake_aws/page_writer.h"
#include "verify/anchor_kind.h"

namespace anchorage::test {
namespace {

constexpr int kWithCertificate = 5;

int Main(int argc, char** argv) {
  const auto catalog =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  if (!catalog.ok() || (argc != 1 && argc != kWithCertificate)) {
    std::cerr << "usage: fake_page [PARTITION REGION KIND CERTIFICATE]\n";
    return EXIT_FAILURE;
  }
  std::vector<anchors::PageEntry> entries = anchors::PageEntries(*catalog);
  if (argc == kWithCertificate) {
    const auto kind = verify::AnchorKindNamed(argv[3]);
    const auto der = anchors::ReadFile(argv[4], anchors::kMaxCertificateBytes);
    if (!kind.has_value() || !der.ok()) {
      std::cerr << "fake_page: error: no such kind, or no certificate\n";
      return EXIT_FAILURE;
    }
    for (anchors::PageEntry& entry : entries) {
      if (entry.slot == verify::Slot{argv[1], argv[2], *kind}) entry.der = *der;
    }
  }
  std::cout << anchors::WriteRegionsPage(entries, {});
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace anchorage::test

int main(int argc, char** argv) { return anchorage::test::Main(argc, argv); }

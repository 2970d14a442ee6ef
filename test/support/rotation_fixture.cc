#include "test/support/rotation_fixture.h"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "test/fake_aws/page_writer.h"
#include "verify/partition.h"

namespace anchorage::trustd {
namespace {

[[noreturn]] void Die(const std::string& what) {
  std::cerr << "rotation_fixture: nothing in " << what << "\n";
  std::abort();
}

std::string DerIn(const verify::Slot& slot, bool superseded) {
  anchors::Catalog catalog = BakedCatalog();
  for (const auto& certificate : AnchorIn(catalog, slot).certificates) {
    if (certificate.superseded == superseded) return certificate.der;
  }
  Die(verify::ToString(slot));
}

}  // namespace

const anchors::Catalog& BakedCatalog() {
  static const anchors::Catalog* const catalog = [] {
    std::ifstream in("anchors/baked/catalog.json", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    return new anchors::Catalog(anchors::ParseCatalog(text).value());
  }();
  return *catalog;
}

SourceScope PageScope() {
  return {{"aws", "aws-us-gov", "aws-cn", "aws-eusc"},
          {verify::AnchorKind::kIidDsa, verify::AnchorKind::kIidRsa1024,
           verify::AnchorKind::kIidRsa2048}};
}

Observation ObservationOf(const anchors::Catalog& catalog) {
  Observation observation;
  observation.source = "aws-docs";
  observation.location = "https://docs.example/regions-certs.md";
  observation.time = absl::FromUnixSeconds(1'800'000'000);
  observation.scope = PageScope();
  for (const anchors::PageEntry& entry : anchors::PageEntries(catalog)) {
    observation.certificates.push_back({entry.slot, entry.der, 0});
  }
  return observation;
}

verify::Slot SlotOf(const std::string& region, verify::AnchorKind kind) {
  return {std::string(verify::PartitionOfRegion(region)), region, kind};
}

anchors::CatalogAnchor& AnchorIn(anchors::Catalog& catalog,
                                 const verify::Slot& slot) {
  for (anchors::CatalogAnchor& anchor : catalog.anchors) {
    if (anchor.slot == slot) return anchor;
  }
  Die(verify::ToString(slot));
}

ObservedCertificate& SeenIn(Observation& observation,
                            const verify::Slot& slot) {
  for (ObservedCertificate& certificate : observation.certificates) {
    if (certificate.slot == slot) return certificate;
  }
  Die(verify::ToString(slot));
}

std::string CurrentDer(const verify::Slot& slot) { return DerIn(slot, false); }

std::string SupersededDer(const verify::Slot& slot) {
  return DerIn(slot, true);
}

}  // namespace anchorage::trustd

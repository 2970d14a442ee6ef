#include "test/bench/baked_anchors.h"

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/bench/report.h"

namespace anchorage::bench {

std::shared_ptr<const verify::AnchorSet> BakedAnchors() {
  const auto catalog =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  if (!catalog.ok()) Fail(catalog.status().ToString());
  auto set =
      anchors::ToAnchorSet(*catalog, {.origin = verify::Origin::kBakedIn});
  if (!set.ok()) Fail(set.status().ToString());
  return *std::move(set);
}

}  // namespace anchorage::bench

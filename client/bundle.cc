#include "client/bundle.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "verify/crypto/public_key.h"

namespace anchorage::client {

absl::StatusOr<Bundle> MakeBundle(const anchors::tuf::TrustedSet& set,
                                  std::string_view catalog_json,
                                  verify::Origin origin, absl::Time as_of,
                                  std::uint64_t floor) {
  if (absl::Status s =
          set.VerifyTarget(anchors::kCatalogTargetPath, catalog_json);
      !s.ok()) {
    return s;
  }
  const auto catalog = anchors::ParseCatalog(catalog_json);
  if (!catalog.ok()) return catalog.status();
  // The versions of TUF say the same; this holds even if they were misused.
  if (catalog->sequence < floor) {
    return absl::FailedPreconditionError(
        absl::StrCat("catalog ", catalog->sequence, " is older than ", floor,
                     ", which is known"));
  }
  verify::AnchorProvenance provenance;
  provenance.origin = origin;
  provenance.sequence = catalog->sequence;
  provenance.as_of = std::max(as_of, catalog->created);
  provenance.fresh_until = set.expires();
  auto anchors = anchors::ToAnchorSet(*catalog, provenance);
  if (!anchors.ok()) return anchors.status();

  Bundle bundle;
  bundle.anchors = *std::move(anchors);
  std::set<std::string_view> regions;
  for (const verify::Anchor& anchor : bundle.anchors->anchors()) {
    if (!anchor.slot().region.empty()) regions.insert(anchor.slot().region);
  }
  bundle.regions = static_cast<int>(regions.size());
  bundle.versions.set_root_version(set.root().envelope.version);
  bundle.versions.set_timestamp_version(set.timestamp()->envelope.version);
  bundle.versions.set_snapshot_version(set.snapshot()->envelope.version);
  bundle.versions.set_targets_version(set.targets()->envelope.version);
  bundle.versions.set_catalog_sha256(verify::Sha256Hex(catalog_json));
  bundle.timestamp = set.timestamp()->envelope.bytes;
  return bundle;
}

absl::StatusOr<Bundle> OpenBaked(const anchors::BakedBundle& baked) {
  auto set =
      anchors::tuf::TrustedSet::FromRoot(std::string(baked.root), baked.as_of);
  if (!set.ok()) return set.status();
  if (absl::Status s = set->FinishRoots(); !s.ok()) return s;
  const auto timestamp = set->UpdateTimestamp(std::string(baked.timestamp));
  if (!timestamp.ok()) return timestamp.status();
  if (absl::Status s = set->UpdateSnapshot(std::string(baked.snapshot));
      !s.ok()) {
    return s;
  }
  if (absl::Status s = set->UpdateTargets(std::string(baked.targets));
      !s.ok()) {
    return s;
  }
  return MakeBundle(*set, baked.catalog, verify::Origin::kBakedIn, baked.as_of,
                    /*floor=*/1);
}

}  // namespace anchorage::client

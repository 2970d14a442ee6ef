#include "client/bundle.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "verify/crypto/public_key.h"

namespace anchorage::client {

absl::StatusOr<Bundle> MakeBundle(const anchors::tuf::TrustedSet& set,
                                  std::vector<std::string> roots,
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
  for (std::string& root : roots) bundle.files.add_roots(std::move(root));
  bundle.files.set_timestamp(set.timestamp()->envelope.bytes);
  bundle.files.set_snapshot(set.snapshot()->envelope.bytes);
  bundle.files.set_targets(set.targets()->envelope.bytes);
  bundle.files.set_catalog(std::string(catalog_json));
  bundle.files.set_sequence(catalog->sequence);
  return bundle;
}

namespace {

// The steps from a root on that every bundle takes.
absl::StatusOr<anchors::tuf::TrustedSet> VerifyMetadata(
    std::string trusted_root, const v1::GetUpdateResponse& files,
    absl::Time now) {
  auto set = anchors::tuf::TrustedSet::FromRoot(std::move(trusted_root), now);
  if (!set.ok()) return set.status();
  for (const std::string& root : files.roots()) {
    if (absl::Status s = set->UpdateRoot(root); !s.ok()) return s;
  }
  if (absl::Status s = set->FinishRoots(); !s.ok()) return s;
  if (const auto timestamp = set->UpdateTimestamp(files.timestamp());
      !timestamp.ok()) {
    return timestamp.status();
  }
  if (absl::Status s = set->UpdateSnapshot(files.snapshot()); !s.ok()) {
    return s;
  }
  if (absl::Status s = set->UpdateTargets(files.targets()); !s.ok()) return s;
  return set;
}

}  // namespace

absl::StatusOr<Bundle> OpenFiles(std::string trusted_root,
                                 const v1::GetUpdateResponse& files,
                                 absl::Time as_of, std::uint64_t floor) {
  const auto set =
      VerifyMetadata(std::move(trusted_root), files, absl::InfinitePast());
  if (!set.ok()) return set.status();
  return MakeBundle(*set, {files.roots().begin(), files.roots().end()},
                    files.catalog(), verify::Origin::kCache, as_of, floor);
}

absl::StatusOr<Bundle> OpenBaked(const anchors::BakedBundle& baked) {
  v1::GetUpdateResponse files;
  files.set_timestamp(std::string(baked.timestamp));
  files.set_snapshot(std::string(baked.snapshot));
  files.set_targets(std::string(baked.targets));
  const auto set =
      VerifyMetadata(std::string(baked.root), files, baked.as_of);
  if (!set.ok()) return set.status();
  return MakeBundle(*set, {}, baked.catalog, verify::Origin::kBakedIn,
                    baked.as_of, /*floor=*/1);
}

}  // namespace anchorage::client

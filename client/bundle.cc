#include "client/bundle.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "anchors/signed_releases.h"
#include "verify/crypto/public_key.h"

namespace anchorage::client {
namespace {

// The versions of TUF say the same; this holds even if they were misused.
absl::Status CheckFloor(std::string_view what, std::uint64_t sequence,
                        std::uint64_t floor) {
  if (sequence >= floor) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(std::string(what), " ",
                                                    sequence, " is older than ",
                                                    floor, ", which is known"));
}

}  // namespace

absl::StatusOr<Bundle> MakeBundle(const anchors::tuf::TrustedSet& set,
                                  std::vector<std::string> roots,
                                  const TargetFiles& targets,
                                  verify::Origin origin, absl::Time as_of,
                                  const Floor& floor) {
  if (absl::Status s =
          set.VerifyTarget(anchors::kCatalogTargetPath, targets.catalog);
      !s.ok()) {
    return s;
  }
  const auto catalog = anchors::ParseCatalog(targets.catalog);
  if (!catalog.ok()) return catalog.status();
  if (absl::Status s = CheckFloor("catalog", catalog->sequence, floor.catalog);
      !s.ok()) {
    return s;
  }
  auto releases = anchors::VerifyReleases(set, targets.releases);
  if (!releases.ok()) return releases.status();
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
  bundle.versions.set_catalog_sha256(verify::Sha256Hex(targets.catalog));
  for (std::string& root : roots) bundle.files.add_roots(std::move(root));
  bundle.files.set_timestamp(set.timestamp()->envelope.bytes);
  bundle.files.set_snapshot(set.snapshot()->envelope.bytes);
  bundle.files.set_targets(set.targets()->envelope.bytes);
  bundle.files.set_catalog(std::string(targets.catalog));
  bundle.files.set_sequence(catalog->sequence);
  if (!releases->has_value()) return bundle;
  if (absl::Status s =
          CheckFloor("list of releases", (*releases)->sequence, floor.releases);
      !s.ok()) {
    return s;
  }
  bundle.releases = anchors::ToReleaseSet(**releases);
  bundle.release_list =
      std::make_shared<const anchors::ReleaseList>(**std::move(releases));
  bundle.versions.set_releases_sha256(verify::Sha256Hex(targets.releases));
  bundle.files.set_releases(std::string(targets.releases));
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
                                 absl::Time as_of, const Floor& floor) {
  const auto set =
      VerifyMetadata(std::move(trusted_root), files, absl::InfinitePast());
  if (!set.ok()) return set.status();
  return MakeBundle(*set, {files.roots().begin(), files.roots().end()},
                    {files.catalog(), files.releases()}, verify::Origin::kCache,
                    as_of, floor);
}

absl::StatusOr<Bundle> OpenBaked(const anchors::BakedBundle& baked) {
  v1::GetUpdateResponse files;
  files.set_timestamp(std::string(baked.timestamp));
  files.set_snapshot(std::string(baked.snapshot));
  files.set_targets(std::string(baked.targets));
  const auto set =
      VerifyMetadata(std::string(baked.root), files, baked.as_of);
  if (!set.ok()) return set.status();
  return MakeBundle(*set, {}, {baked.catalog, baked.releases},
                    verify::Origin::kBakedIn, baked.as_of, Floor());
}

}  // namespace anchorage::client

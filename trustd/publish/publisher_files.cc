#include "trustd/publish/publisher_files.h"

#include <set>
#include <utility>

#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/signed_releases.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/trusted_set.h"
#include "trustd/base/store_keys.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;

RoleFacts FactsOf(std::string_view role, absl::Time expires,
                  const tuf::RoleKeys& keys) {
  return {std::string(role), expires, keys.keyids,
          static_cast<int>(keys.threshold)};
}

// Takes the roots, from the first on.
absl::StatusOr<tuf::TrustedSet> FollowRoots(
    const std::vector<std::string>& roots) {
  if (roots.empty()) return absl::DataLossError("no root");
  auto set = tuf::TrustedSet::FromRoot(roots.front(), absl::InfinitePast());
  if (!set.ok()) return set;
  if (set->root().envelope.version != 1) {
    return absl::DataLossError("the first root is of another version than 1");
  }
  for (std::size_t i = 1; i < roots.size(); ++i) {
    if (absl::Status s = set->UpdateRoot(roots[i]); !s.ok()) return s;
  }
  if (absl::Status s = set->FinishRoots(); !s.ok()) return s;
  return set;
}

absl::Status TakeMetadata(const BundleFiles& files, tuf::TrustedSet& set) {
  const auto timestamp = set.UpdateTimestamp(files.timestamp);
  if (!timestamp.ok()) return timestamp.status();
  if (absl::Status s = set.UpdateSnapshot(files.snapshot); !s.ok()) return s;
  return set.UpdateTargets(files.targets);
}

}  // namespace

absl::StatusOr<BundleFiles> LoadFiles(const Store& store) {
  BundleFiles files;
  if (absl::Status s =
          store.Scan(keys::kRootPrefix,
                     [&](std::string_view, std::string_view value) {
                       files.roots.emplace_back(value);
                       return true;
                     });
      !s.ok()) {
    return s;
  }
  const std::pair<const char*, std::string*> named[] = {
      {keys::kTargets, &files.targets},
      {keys::kSnapshot, &files.snapshot},
      {keys::kTimestamp, &files.timestamp},
      {keys::kCatalog, &files.catalog},
      {keys::kReleases, &files.releases}};
  for (const auto& [key, file] : named) {
    auto value = store.Get(key);
    if (!value.ok()) return value.status();
    *file = value->value_or("");
  }
  return files;
}

absl::StatusOr<std::shared_ptr<Publication>> VerifyFiles(
    const BundleFiles& files) {
  auto set = FollowRoots(files.roots);
  if (!set.ok()) return set.status();
  if (absl::Status s = TakeMetadata(files, *set); !s.ok()) return s;
  if (absl::Status s =
          set->VerifyTarget(anchors::kCatalogTargetPath, files.catalog);
      !s.ok()) {
    return s;
  }
  auto catalog = anchors::ParseCatalog(files.catalog);
  if (!catalog.ok()) return catalog.status();
  // A key that does not load would stop every client.
  if (const auto anchors = anchors::ToAnchorSet(*catalog, {}); !anchors.ok()) {
    return anchors.status();
  }
  auto releases = anchors::VerifyReleases(*set, files.releases);
  if (!releases.ok()) return releases.status();

  auto publication = std::make_shared<Publication>();
  publication->roots = files.roots;
  publication->timestamp = files.timestamp;
  publication->snapshot = files.snapshot;
  publication->targets = files.targets;
  publication->catalog_json = files.catalog;
  publication->releases_json = files.releases;
  publication->timestamp_version = set->timestamp()->envelope.version;
  publication->snapshot_version = set->snapshot()->envelope.version;
  publication->targets_version = set->targets()->envelope.version;
  publication->catalog_sha256 = verify::Sha256Hex(files.catalog);
  if (releases->has_value()) {
    publication->releases_sha256 = verify::Sha256Hex(files.releases);
  }
  const tuf::Root& root = set->root();
  publication->roles = {
      FactsOf(tuf::kRootRole, root.envelope.expires, root.root),
      FactsOf(tuf::kTargetsRole, set->targets()->envelope.expires,
              root.targets),
      FactsOf(tuf::kSnapshotRole, set->snapshot()->envelope.expires,
              root.snapshot),
      FactsOf(tuf::kTimestampRole, set->timestamp()->envelope.expires,
              root.timestamp)};
  std::set<std::string> regions;
  for (const auto& anchor : catalog->anchors) {
    if (!anchor.slot.region.empty()) regions.insert(anchor.slot.region);
  }
  publication->region_count = static_cast<int>(regions.size());
  publication->next_sequence = catalog->sequence + 1;
  publication->catalog = *std::move(catalog);
  publication->releases = *std::move(releases);
  return publication;
}

absl::Status CheckClientsFollow(const BundleFiles& last,
                                const BundleFiles& next) {
  auto set = FollowRoots(next.roots);
  if (!set.ok()) return set.status();
  set->HoldTimestamp(last.timestamp);
  set->HoldSnapshot(last.snapshot);
  set->HoldTargets(last.targets);
  return TakeMetadata(next, *set);
}

bool TargetsHold(const std::string& root, const std::string& targets) {
  const auto parsed_root = tuf::ParseRoot(root);
  const auto parsed = tuf::ParseTargets(targets);
  return parsed_root.ok() && parsed.ok() &&
         tuf::VerifySignatures(parsed->envelope, parsed_root->targets,
                               parsed_root->keys)
             .ok();
}

}  // namespace anchorage::trustd

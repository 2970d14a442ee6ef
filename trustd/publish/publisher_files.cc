#include "trustd/publish/publisher_files.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/trusted_set.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;

RoleFacts FactsOf(std::string_view role, absl::Time expires,
                  const tuf::RoleKeys& keys) {
  return {std::string(role), expires, keys.keyids,
          static_cast<int>(keys.threshold)};
}

// Takes all roots of a repository.
absl::StatusOr<tuf::TrustedSet> FollowFromFirst(
    const std::vector<std::string>& roots) {
  if (roots.empty()) return absl::DataLossError("no root");
  const auto first = tuf::ParseRoot(roots.front());
  if (first.ok() && first->envelope.version != 1) {
    return absl::DataLossError("the first root is of another version than 1");
  }
  return anchors::FollowRoots(roots.front(),
                              absl::MakeConstSpan(roots).subspan(1),
                              absl::InfinitePast());
}

// The same, without verifying again those that `last` has: there are more of
// them each year.
absl::StatusOr<tuf::TrustedSet> FollowFrom(
    const Publication* last, const std::vector<std::string>& roots) {
  if (last == nullptr || last->files.roots.empty() ||
      last->files.roots.size() > roots.size() ||
      !std::equal(last->files.roots.begin(), last->files.roots.end(),
                  roots.begin())) {
    return FollowFromFirst(roots);
  }
  return anchors::FollowRoots(
      last->files.roots.back(),
      absl::MakeConstSpan(roots).subspan(last->files.roots.size()),
      absl::InfinitePast());
}

}  // namespace

absl::StatusOr<anchors::BundleFiles> LoadFiles(const Store& store) {
  anchors::BundleFiles files;
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
      {keys::kTimestamp, &files.timestamp}};
  for (const auto& [key, file] : named) {
    auto value = store.Get(key);
    if (!value.ok()) return value.status();
    *file = value->value_or("");
  }
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    auto value = store.Get(kind.name);
    if (!value.ok()) return value.status();
    files.SetTarget(kind.path, value->value_or(""));
  }
  return files;
}

absl::StatusOr<std::shared_ptr<Publication>> VerifyFiles(
    const anchors::BundleFiles& files, const Publication* last) {
  auto set = FollowFrom(last, files.roots);
  if (!set.ok()) return set.status();
  if (absl::Status s = anchors::TakeMetadata(files, *set); !s.ok()) return s;
  auto contents = anchors::ReadTargets(*set, files);
  if (!contents.ok()) return contents.status();
  // A key that does not load would stop every client.
  if (const auto anchors = anchors::ToAnchorSet(contents->catalog, {});
      !anchors.ok()) {
    return anchors.status();
  }

  auto publication = std::make_shared<Publication>();
  publication->files = files;
  publication->timestamp_version = set->timestamp()->envelope.version;
  publication->snapshot_version = set->snapshot()->envelope.version;
  publication->targets_version = set->targets()->envelope.version;
  publication->target_sha256 = anchors::HashTargets(files.target_files);
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
  for (const auto& anchor : contents->catalog.anchors) {
    if (!anchor.slot.region.empty()) regions.insert(anchor.slot.region);
  }
  publication->region_count = static_cast<int>(regions.size());
  publication->next_sequence = contents->catalog.sequence + 1;
  publication->catalog = std::move(contents->catalog);
  publication->releases = std::move(contents->releases);
  publication->producers = std::move(contents->producers);
  publication->images = std::move(contents->images);
  publication->facts = std::move(contents->facts);
  return publication;
}

absl::Status CheckClientsFollow(const anchors::BundleFiles& last,
                                const anchors::BundleFiles& next) {
  auto set = FollowFromFirst(next.roots);
  if (!set.ok()) return set.status();
  set->HoldTimestamp(last.timestamp);
  set->HoldSnapshot(last.snapshot);
  set->HoldTargets(last.targets);
  return anchors::TakeMetadata(next, *set);
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

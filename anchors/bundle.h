// A bundle: its files as plain values, the table of its targets, and the one
// path from its bytes to what it says.
//
//   auto set = FollowRoots(trusted_root, files.roots, now);
//   if (absl::Status s = TakeMetadata(files, *set); !s.ok()) ...
//   auto contents = ReadTargets(*set, files);
//
// Pure. Whoever fetches file by file has tuf::Updater for the first two steps,
// and the third is the same.

#ifndef ANCHORAGE_ANCHORS_BUNDLE_H_
#define ANCHORAGE_ANCHORS_BUNDLE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "anchors/tuf/trusted_set.h"

namespace anchorage::anchors {

// The files of a bundle exactly as they were signed, verified or not.
struct BundleFiles {
  // One version after another. Whoever has the files says which is the first.
  std::vector<std::string> roots;
  std::string timestamp;
  std::string snapshot;
  std::string targets;
  // By path (TargetKinds()). One that the bundle does not have is not here.
  std::map<std::string, std::string, std::less<>> target_files;

  // Returns the target of that path; empty if there is none. The reference is
  // good until the target is set.
  const std::string& target(std::string_view path) const;
  const std::string& catalog() const { return target(kCatalogTargetPath); }
  const std::string& releases() const { return target(kReleasesTargetPath); }

  // Sets the target of that path; removes it if `bytes` are empty.
  void SetTarget(std::string_view path, std::string bytes);
};

// What the targets of a bundle say.
struct BundleContents {
  Catalog catalog;
  // nullopt for none.
  std::optional<ReleaseList> releases;
};

// One of the targets that a bundle can have.
struct TargetKind {
  // How a store and messages call it: "catalog".
  std::string_view name;
  std::string_view path;
  std::size_t max_bytes;
  // Whether there is no bundle without it.
  bool is_required;
  // Parses `bytes` into `contents`.
  absl::Status (*read)(std::string_view bytes, BundleContents& contents);
  // What CheckTargets() checks of it.
  absl::Status (*check)(std::string_view bytes, absl::Time now);
};

// All of them, in the order in which they are checked.
absl::Span<const TargetKind> TargetKinds();

// Null for a path that no target of a bundle has.
const TargetKind* FindTargetKind(std::string_view path);

// Takes `roots`, each of which follows the one before, from `trusted_root` on,
// which is trusted because the caller says so. Fails as TrustedSet does.
absl::StatusOr<tuf::TrustedSet> FollowRoots(std::string trusted_root,
                                            absl::Span<const std::string> roots,
                                            absl::Time now);

// Takes timestamp, snapshot and targets into `set`, which has its roots. Fails
// as TrustedSet does.
absl::Status TakeMetadata(const BundleFiles& files, tuf::TrustedSet& set);

// Returns what the targets in `files` say, if they are those that the complete
// `set` names: all of them, and each that is required. Fails as
// TrustedSet::VerifyTarget(), ParseCatalog() and ParseReleases() do.
absl::StatusOr<BundleContents> ReadTargets(const tuf::TrustedSet& set,
                                           const BundleFiles& files);

// OK if a client can use the targets as this program can: each that is required
// is there, its limits hold, no region is in two partitions, every key loads,
// there is nothing that this program does not know, and none was made more than
// kMaxCreatedAhead after `now`. Fails as ParseCatalog(), ToAnchorSet() and
// ParseReleases() do, or with FAILED_PRECONDITION. Whoever makes targets asks
// before they are signed; verifies no signature.
absl::Status CheckTargets(const BundleFiles& files, absl::Time now);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BUNDLE_H_

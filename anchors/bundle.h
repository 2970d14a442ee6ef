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
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "anchors/releases.h"
#include "anchors/tuf/trusted_set.h"

namespace anchorage::anchors {

// The catalog's TargetKind::name.
inline constexpr std::string_view kCatalogName = "catalog";

// One text for each target, by its path.
using ByPath = std::map<std::string, std::string, std::less<>>;

// The files of a bundle exactly as they were signed, verified or not.
struct BundleFiles {
  // One version after another. Whoever has the files says which is the first.
  std::vector<std::string> roots;
  std::string timestamp;
  std::string snapshot;
  std::string targets;
  // By path (TargetKinds()). One that the bundle does not have is not here.
  ByPath target_files;

  // Returns the target of that path; empty if there is none. The reference is
  // good until the target is set.
  const std::string& target(std::string_view path) const;
  // The same, as TargetTexts.
  std::string_view operator()(std::string_view path) const {
    return target(path);
  }
  const std::string& catalog() const { return target(kCatalogTargetPath); }
  const std::string& releases() const { return target(kReleasesTargetPath); }

  // Sets the target of that path; removes it if `bytes` are empty.
  void SetTarget(std::string_view path, std::string bytes);
};

// Returns the text of the target of that path; empty if there is none.
using TargetTexts = absl::FunctionRef<std::string_view(std::string_view path)>;

// The sequences of targets by their names (TargetKind::name), such as the
// highest that somebody knows; 0 for none.
class Sequences {
 public:
  std::uint64_t Of(std::string_view name) const;
  void Set(std::string_view name, std::uint64_t sequence);
  // Makes each the higher of the two.
  void RaiseTo(const Sequences& other);

  friend bool operator==(const Sequences&, const Sequences&) = default;

 private:
  // Without those that are 0.
  std::map<std::string, std::uint64_t, std::less<>> numbers_;
};

// Which versions of the files of a bundle somebody holds or serves; 0 for none.
struct BundleVersions {
  std::uint64_t root = 0;
  std::uint64_t timestamp = 0;
  std::uint64_t snapshot = 0;
  std::uint64_t targets = 0;
  // SHA-256 of each target, lower-case hex; empty for one that is not held.
  ByPath target_sha256 = {};
};

// Returns the SHA-256 of each of these, lower-case hex.
ByPath HashTargets(const ByPath& target_files);

// What every target says of itself.
struct TargetFacts {
  std::uint64_t sequence = 0;
  absl::Time created;
  // How many anchors, releases or the like it has.
  std::size_t entries = 0;
};

// By TargetKind::name.
using FactsByName = std::map<std::string, TargetFacts, std::less<>>;
Sequences SequencesOf(const FactsByName& facts);

// What the targets of a bundle say.
struct BundleContents {
  // Given to who reads the catalog.
  Checked checked = Checked::kByNobody;
  Catalog catalog;
  // nullopt for none.
  std::optional<ReleaseList> releases;
  std::optional<ProducerList> producers;
  std::optional<ImageIndex> images;
  // Of each target that there is.
  FactsByName facts;
};

// One of the targets that a bundle can have. CONTRIBUTING.md says what else
// another one needs.
struct TargetKind {
  // How a store, settings, flags and alerts call it: "releases".
  std::string_view name;
  // How sentences call it: "list of releases".
  std::string_view title;
  std::string_view path;
  // Content-Type, where it is served as a file.
  std::string_view media_type;
  // The most that anybody reads or downloads, whatever length metadata names.
  std::size_t max_bytes;
  // Whether there is no bundle without it.
  bool is_required;
  // Whether it must stay once it was signed: without it more would be allowed.
  bool is_kept;
  // What a bundle without it leads to: "clients accept no release". Empty for
  // one that is required.
  std::string_view without;
  // Parses `bytes` into `contents`, and returns what it says of itself.
  absl::StatusOr<TargetFacts> (*read)(std::string_view bytes,
                                      BundleContents& contents);
  // What CheckTargets() checks of it.
  absl::Status (*check)(std::string_view bytes, absl::Time now);
  // What must hold besides before people are asked to sign it; null: nothing.
  absl::Status (*check_draft)(std::string_view bytes);
  // What CheckNext() asks of two that differ. Neither is empty, but that `last`
  // of a kept one may be, for none.
  absl::Status (*check_next)(std::string_view last, std::string_view next);
};

// All of them, in the order in which they are checked. Another one is appended:
// clients keep their sequences in this order.
absl::Span<const TargetKind> TargetKinds();

// Null for a path that no target of a bundle has.
const TargetKind* FindTargetKind(std::string_view path);

// Returns what a target says of itself. Fails as ParseCatalog() and
// ParseReleases() do.
absl::StatusOr<TargetFacts> ReadFacts(const TargetKind& kind,
                                      std::string_view bytes);

// OK if the target `next` may follow `last`, whoever decided it; either may be
// empty, for none (`next` unless the target is kept). It is the same, or its sequence is higher and, of a catalog,
// FindSuccessorProblems() finds nothing but keys that are taken back into use:
// those people name (CheckSuccessor()). Fails as CheckSuccessor(), CheckStep(),
// CheckNextProducers(), CheckNextImageIndex() and ReadFacts() do.
absl::Status CheckNext(const TargetKind& kind, std::string_view last,
                       std::string_view next);

// Takes `roots`, each of which follows the one before, from `trusted_root` on,
// which is trusted because the caller says so. Fails as TrustedSet does.
absl::StatusOr<tuf::TrustedSet> FollowRoots(std::string trusted_root,
                                            absl::Span<const std::string> roots,
                                            absl::Time now);

// Takes timestamp, snapshot and targets into `set`, which has its roots. Fails
// as TrustedSet does.
absl::Status TakeMetadata(const BundleFiles& files, tuf::TrustedSet& set);

// Returns what the targets say, if they are those that the complete `set`
// names: all of them, and each that is required. Fails as
// TrustedSet::VerifyTarget(), ParseCatalog() and ParseReleases() do.
absl::StatusOr<BundleContents> ReadTargets(
    const tuf::TrustedSet& set, TargetTexts targets,
    Checked checked = Checked::kByNobody);

// OK if a client can use the targets as this program can: each that is required
// is there, its limits hold, no region is in two partitions, every key loads,
// there is nothing that this program does not know, and none was made more than
// kMaxCreatedAhead after `now`. Fails as ParseCatalog(), ToAnchorSet() and
// ParseReleases() do, or with FAILED_PRECONDITION. Whoever makes targets asks
// before they are signed; verifies no signature.
absl::Status CheckTargets(const BundleFiles& files, absl::Time now);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BUNDLE_H_

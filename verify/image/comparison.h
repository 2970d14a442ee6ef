// What differs between a manifest and what was found in an image.
//
//   const Comparison comparison = Compare(manifest, std::move(found), problems);
//   for (const Difference& d : comparison.differences) Print(TextOf(d));
//   return comparison.matches() ? 0 : 3;
//
// Who walks the image gives what it found: everything that the manifest's
// scope covers, and whatever stands at the name of an entry even where the
// scope does not cover it (a program that became an empty file is CONTENT, not
// MISSING). Pure.

#ifndef ANCHORAGE_VERIFY_IMAGE_COMPARISON_H_
#define ANCHORAGE_VERIFY_IMAGE_COMPARISON_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "verify/image/manifest.h"

namespace anchorage::verify {

// One fact in which an image differs. A NAME is API: it keeps its meaning for
// ever; names may be added.
enum class DifferenceReason {
  // --- Between an entry and what was found ---------------------------------

  // An entry that the image does not have.
  kMissing,
  // Something that the image has and the manifest does not.
  kAdded,
  // Another type: a link in the place of a file, another device.
  kType,
  // Other bytes, or another number of them.
  kContent,
  // Where a link points.
  kLink,
  kMode,
  kOwner,
  // security.capability.
  kCapability,
  // The manifest says that the kernel enforces fs-verity, and it does not, or
  // with another digest.
  kFsVerity,

  // --- What the walk could not look at, which is a failure -----------------

  kUnreadable,
  kChangedWhileRead,
  // A mount hides what lies below it.
  kHiddenByMount,
  // An overlay's upper layer has something that the scope covers.
  kOverlayUpper,
  // What lies in an excluded folder could be executed: it is not on a mount
  // with noexec and nosuid.
  kExcludedExecutable,
  // More than the walk's limits allow.
  kLimitExceeded,

  // --- What runs -----------------------------------------------------------

  // A process has mapped as code something that is no entry.
  kUnlistedRunning,
  // A process has mapped as code a file that was deleted or replaced.
  kReplacedRunning,

  kMaxValue = kReplacedRunning,
};

// Returns the stable name, such as "CHANGED_WHILE_READ".
std::string_view NameOf(DifferenceReason reason);
absl::Span<const DifferenceReason> AllDifferenceReasons();

struct Difference {
  DifferenceReason reason = DifferenceReason::kMissing;
  // The bytes of the name, as in the entry: what is printed goes through
  // TextOf() or Printable().
  std::string name = "";
  // For people, one line: "mode 4755 instead of 0755"; may be empty.
  std::string detail = "";

  friend bool operator==(const Difference&, const Difference&) = default;
};

// Returns "MODE usr/bin/su: mode 0755 instead of 4755", made printable.
std::string TextOf(const Difference& difference);

// As many differences as are kept; the others are counted.
inline constexpr std::size_t kMaxDifferences = 10'000;

struct Comparison {
  // Sorted by name, then reason. Holds the first `max_differences` of them.
  std::vector<Difference> differences = {};
  // How many there are, also those that are not kept.
  std::uint64_t total = 0;
  // Entries that were found as the manifest has them.
  std::uint64_t matched = 0;

  bool matches() const { return total == 0; }
};

// Whether `there` differs in nothing from `entry` of `manifest`, whose name it
// has.
bool IsAsListed(const ImageManifest& manifest, const ManifestEntry& entry,
                const ManifestEntry& there);

// Compares `found`, in any order, with `manifest`. What lies below an exclusion
// is ignored. `problems` are differences that the walk came upon, each of which
// counts; nothing else is said of a name that has a problem. One name may have
// several differences (its mode and its owner), each on a line of its own;
// where the type differs, that is the only one. A name that was found twice is
// kAdded. What IsAsListed() need not be in `found`: `as_listed` says so of each
// entry, or of none where it is empty.
Comparison Compare(const ImageManifest& manifest,
                   std::vector<ManifestEntry> found,
                   std::vector<Difference> problems,
                   std::size_t max_differences = kMaxDifferences,
                   const std::vector<bool>& as_listed = {});

// What an image must be, beside signed: how an old or a foreign manifest, which
// is signed as well as any other, is refused.
struct ImageExpectations {
  // Not empty.
  std::string product = "";
  ImageVersion least_version = {};
};

// Fails with kProductMismatch or kVersionTooOld (image_error.h).
absl::Status CheckExpectations(const ImageManifest& manifest,
                               const ImageExpectations& expectations);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_COMPARISON_H_

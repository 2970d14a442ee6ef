// How to go on with a store that went back: what is signed for it, as values.

#ifndef ANCHORAGE_TRUSTD_PUBLISH_ACCEPTANCE_H_
#define ANCHORAGE_TRUSTD_PUBLISH_ACCEPTANCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"

namespace anchorage::trustd {

// How far, at least, versions and sequences continue above the highest that is
// known: further than anything that was signed and lost.
inline constexpr std::int64_t kAcceptanceLeap = 1'000'000;

// The highest sequences and version of targets that clients may know.
struct Published {
  anchors::Sequences sequences;
  std::uint64_t targets = 0;
};

// What accepting a store comes to, signed and not committed.
struct Acceptance {
  anchors::BundleFiles files;
  std::uint64_t sequence = 0;
  std::uint64_t timestamp_version = 0;
  // From now on. Its version of targets is 0 in MODE_ONLINE: that of the files.
  Published published;
  // Of the bundle that was shown; empty and 0 for none.
  std::string bundle_catalog_sha256;
  std::uint64_t bundle_sequence = 0;
  // What people should know, one line each.
  std::vector<std::string> notes;
};

// Copies into `catalog` what `newer` has REVOKED or RETIRED, including anchors
// that `catalog` does not have, and earlier ends of acceptance. Nothing becomes
// more permissive. Adds a line to `notes` for each change.
void TakeOverDenials(const anchors::Catalog& newer, anchors::Catalog& catalog,
                     std::vector<std::string>& notes);

// Adds a line to `notes` for each anchor that `newer` has but `catalog` does not,
// and for each that is RETIRING in `newer` alone; neither is copied.
void NoteWhatIsMissing(const anchors::Catalog& newer,
                       const anchors::Catalog& catalog,
                       std::vector<std::string>& notes);

// Appends to `roots` those of `more` that follow, in order. INVALID_ARGUMENT
// for a root of a version that `roots` has with another text, and for a gap.
// Verifies no signature.
absl::Status AppendRoots(const std::vector<std::string>& more,
                         std::vector<std::string>& roots);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_ACCEPTANCE_H_

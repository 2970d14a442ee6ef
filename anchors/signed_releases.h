// The list of releases of a bundle, which may have none.

#ifndef ANCHORAGE_ANCHORS_SIGNED_RELEASES_H_
#define ANCHORAGE_ANCHORS_SIGNED_RELEASES_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "anchors/releases.h"
#include "anchors/tuf/trusted_set.h"

namespace anchorage::anchors {

// Returns the list that `bytes` are, if they are what the complete `set` names
// as kReleasesTargetPath; nullopt if it names none and `bytes` are empty. Fails
// as TrustedSet::VerifyTarget() and ParseReleases() do. Pure.
absl::StatusOr<std::optional<ReleaseList>> VerifyReleases(
    const tuf::TrustedSet& set, std::string_view bytes);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_SIGNED_RELEASES_H_

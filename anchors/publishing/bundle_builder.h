// Signs the targets of a baked-in set with the build key.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/bundle.h"

namespace anchorage::anchors {

// How long the metadata is valid, from the catalog's time on. Nothing is
// decided by it; it only must not expire while the program is in use.
inline constexpr absl::Duration kBakedValidity = absl::Hours(24 * 36525);

// Signs `target_files` as version 1 of each role, root included, made at
// `as_of`, and takes the result through the checks of a client before it
// returns it. Depends on the arguments alone. Fails as ReadTargets() does.
absl::StatusOr<BundleFiles> BuildBundle(const ByPath& target_files,
                                        absl::Time as_of);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_

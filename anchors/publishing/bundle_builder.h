// Signs the catalog of the baked-in set with the build key.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::anchors {

// How long the metadata is valid, from the catalog's time on. Nothing is
// decided by it; it only must not expire while the program is in use.
inline constexpr absl::Duration kBakedValidity = absl::Hours(24 * 36525);

// TUF metadata, version 1 of each role.
struct BundleMetadata {
  std::string root;
  std::string timestamp;
  std::string snapshot;
  std::string targets;
  // The catalog's time, YYYY-MM-DDTHH:MM:SSZ.
  std::string as_of;
};

// Signs `catalog`, which ParseCatalog() must accept, and puts the result
// through a client's checks before returning it. Depends on the argument alone.
absl::StatusOr<BundleMetadata> BuildBundle(std::string_view catalog);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_

// Signs the catalog of the baked-in set with the build key.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::anchors {

// How long the metadata is valid from the catalog's time on. Nothing decides
// by it; it only must not end while the program is in use.
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

// Signs `catalog`, which ParseCatalog() must take, and takes the result
// through the checks of a client before it returns it. Depends on the argument
// alone.
absl::StatusOr<BundleMetadata> BuildBundle(std::string_view catalog);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_BUNDLE_BUILDER_H_

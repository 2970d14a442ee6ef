// The walk of inventory.h over a folder that is open.

#ifndef ANCHORAGE_CLIENT_IMAGE_WALK_H_
#define ANCHORAGE_CLIENT_IMAGE_WALK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/image/beneath.h"
#include "client/image/inventory.h"
#include "verify/image/manifest.h"

namespace anchorage::client {

struct WalkJob {
  const verify::ManifestScope scope;
  const std::vector<std::string>& exclusions;
  // What is compared with; null where a manifest is made.
  const verify::ImageManifest* const manifest;
  const InventoryOptions& options;
  // Whether other mounts lie in `root`: the walk passes by them.
  const bool as_seen;
  // The upper folder of the overlay that `root` is on; empty for none.
  const std::string upper;

  bool everything() const {
    return scope == verify::ManifestScope::kEverything;
  }
};

// Returns everything but notes. Fails with RESOURCE_EXHAUSTED; may throw.
absl::StatusOr<Inventory> WalkTree(const WalkJob& job, const Descriptor& root);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_IMAGE_WALK_H_

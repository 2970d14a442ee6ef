// The files of a bundle as a publisher has them, and what must hold of them.

#ifndef ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_FILES_H_
#define ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_FILES_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/bundle.h"
#include "trustd/base/store.h"
#include "trustd/publish/publication.h"

namespace anchorage::trustd {

// Reads the files of a store; none of an empty one. Fails as Store does.
absl::StatusOr<anchors::BundleFiles> LoadFiles(const Store& store);

// Takes the files through a client's own checks, all but that of time: what has
// expired is signed again by the caller, or served with an alarm. Roots that
// `last`, which was verified, begins with are trusted; null: none are. Fails as
// anchors/bundle.h says, and as ToAnchorSet() does.
absl::StatusOr<std::shared_ptr<Publication>> VerifyFiles(
    const anchors::BundleFiles& files, const Publication* last = nullptr);

// OK if a client that has `last`, all of it, takes `next`. Fails as TrustedSet
// does.
absl::Status CheckClientsFollow(const anchors::BundleFiles& last,
                                const anchors::BundleFiles& next);

// Whether the threshold of `root` has signed `targets`.
bool TargetsHold(const std::string& root, const std::string& targets);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_FILES_H_

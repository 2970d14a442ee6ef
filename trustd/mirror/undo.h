// Taking a published rotation back. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_UNDO_H_
#define ANCHORAGE_TRUSTD_MIRROR_UNDO_H_

#include <string>

#include "absl/status/statusor.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/rotation/change.h"

namespace anchorage::trustd {

// Returns the change that takes `rotation` back from what `catalog` has: the
// keys that it replaced are ACTIVE again, and those that it brought are RETIRED,
// or REVOKED. What took a rotation back can be taken back in turn, unless it
// revoked. FAILED_PRECONDITION for a rotation that is not published, that
// replaced no key, or whose keys have come to be something else since.
absl::StatusOr<Change> UndoOf(const anchors::Catalog& catalog,
                              const v1::Rotation& rotation,
                              const std::string& by, bool revokes);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_UNDO_H_

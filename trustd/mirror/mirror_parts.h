// What the parts of the mirror share.

#ifndef ANCHORAGE_TRUSTD_MIRROR_MIRROR_PARTS_H_
#define ANCHORAGE_TRUSTD_MIRROR_MIRROR_PARTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/alerts/alert.h"

namespace anchorage::trustd {

Alert AlertOf(AlertKind kind, const v1::Rotation& rotation, absl::Time time,
              std::string text);

// What a person's change makes of a catalog.
absl::StatusOr<anchors::Catalog> ApplyPin(const anchors::Catalog& catalog,
                                          const v1::PinFact& fact,
                                          absl::Time time);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_MIRROR_PARTS_H_

// What is published, or proposed for people to sign. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_OUTLET_H_
#define ANCHORAGE_TRUSTD_MIRROR_OUTLET_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "trustd/mirror/core.h"

namespace anchorage::trustd {

// Puts on the record what was published without this mirror: the first catalog,
// what people signed, what was published just before a crash.
void Reconcile(Work& work);

// Publishes a step with the record of it, under the next sequence. Fails as
// Admit(); then nothing has changed.
absl::Status Publish(Work& work, anchors::Catalog after,
                     std::vector<Ground> grounds,
                     anchors::Reactivated reactivated,
                     const std::vector<std::uint64_t>& rotation_ids);

// Publishes what is approved; in MODE_OFFLINE, proposes it.
void PublishApproved(Work& work);

// Clients refuse what is dated after their clocks, and stay with what they have.
// After a spell in which ours was ahead, the catalog is published again with the
// date of now; people, who sign it or the list of releases, are told.
void MendDates(Work& work);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_OUTLET_H_

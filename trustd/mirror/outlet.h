// Publishes, or proposes for people to sign. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_OUTLET_H_
#define ANCHORAGE_TRUSTD_MIRROR_OUTLET_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "trustd/mirror/core.h"

namespace anchorage::trustd {

// Records what was published without this mirror: the first catalog, what
// people signed, what was published just before a crash.
void Reconcile(Work& work);

// Publishes a step and records it, under the next sequence. Fails as Admit()
// does; then nothing has changed.
absl::Status Publish(Work& work, anchors::Catalog after,
                     std::vector<Ground> grounds,
                     anchors::Reactivated reactivated,
                     const std::vector<std::uint64_t>& rotation_ids);

// Publishes what is approved; in MODE_OFFLINE, proposes it.
void PublishApproved(Work& work);

// Clients refuse what is dated ahead of their clocks, and keep what they have.
// So after our clock was ahead, publishes the catalog again with the present
// date, or alerts the people who sign it or the list of releases.
void MendDates(Work& work);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_OUTLET_H_

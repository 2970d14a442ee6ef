// What the tests of trustd/rotation begin with: the baked-in catalog, and an
// observation of a source that says the same.

#ifndef ANCHORAGE_TEST_SUPPORT_ROTATION_FIXTURE_H_
#define ANCHORAGE_TEST_SUPPORT_ROTATION_FIXTURE_H_

#include <string>

#include "anchors/catalog.h"
#include "trustd/rotation/observation.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

const anchors::Catalog& BakedCatalog();

// All partitions, and all kinds but the Nitro root.
SourceScope PageScope();

// A source that has exactly what AWS's page would have.
Observation ObservationOf(const anchors::Catalog& catalog);

verify::Slot SlotOf(const std::string& region, verify::AnchorKind kind);

// The anchor of a slot that has one; the test fails where it has none.
anchors::CatalogAnchor& AnchorIn(anchors::Catalog& catalog,
                                 const verify::Slot& slot);
// What a source has in a slot; the test fails where it has nothing.
ObservedCertificate& SeenIn(Observation& observation, const verify::Slot& slot);

// The certificate that is pinned in a slot, and the one before it.
std::string CurrentDer(const verify::Slot& slot);
std::string SupersededDer(const verify::Slot& slot);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_ROTATION_FIXTURE_H_

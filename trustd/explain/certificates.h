// The certificates of a rotation, as a person compares them.

#ifndef ANCHORAGE_TRUSTD_EXPLAIN_CERTIFICATES_H_
#define ANCHORAGE_TRUSTD_EXPLAIN_CERTIFICATES_H_

#include "anchors/catalog.h"
#include "proto/anchorage/v1/explanation.pb.h"
#include "trustd/record/rotation_book.h"

namespace anchorage::trustd {

// Adds what was pinned when the rotation was seen, and what is to come instead,
// in an order in which those of one key stand beside each other where both have
// it, and of the others the ACTIVE ones come first.
void AddCertificates(const anchors::Catalog& catalog,
                     const RotationBook::Entry& entry,
                     v1::RotationExplanation& explanation);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_EXPLAIN_CERTIFICATES_H_

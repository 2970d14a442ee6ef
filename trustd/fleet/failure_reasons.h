// Which reasons of a refusal can mean that genuine evidence is refused: that
// AWS signs with a key, in a region or in a form that the anchors or the
// library do not know, or that the anchors are too old or wrong.

#ifndef ANCHORAGE_TRUSTD_FLEET_FAILURE_REASONS_H_
#define ANCHORAGE_TRUSTD_FLEET_FAILURE_REASONS_H_

#include "verify/reason.h"

namespace anchorage::trustd {

// Whether many instances that refuse evidence for this reason are an alert.
// What somebody's policy does not allow is none, nor what is only stale or
// meant for another. Pure.
bool MayRefuseGenuine(verify::Reason reason);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_FAILURE_REASONS_H_

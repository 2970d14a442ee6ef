// What follows from what is known, as time passes. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_STEPS_H_
#define ANCHORAGE_TRUSTD_MIRROR_STEPS_H_

#include "trustd/mirror/core.h"
#include "trustd/rotation/rotation_policy.h"

namespace anchorage::trustd {

// Does everything that is due after an event.
void Settle(Work& work);

// Returns what the policy decides about an open rotation: first from the
// record, then from what publishing it would bring into use, as far as sources
// show it now. The reason begins with the GateReason's name if the gate is
// against it.
Decision AskPolicy(const Work& work, const RotationBook::Entry& entry,
                   const Situation& situation);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_STEPS_H_

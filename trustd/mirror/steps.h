// What follows from what is known, with time. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_STEPS_H_
#define ANCHORAGE_TRUSTD_MIRROR_STEPS_H_

#include "trustd/mirror/core.h"

namespace anchorage::trustd {

// Does everything that is due after an event.
void Settle(Work& work);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_STEPS_H_

// What people say. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_DECISIONS_H_
#define ANCHORAGE_TRUSTD_MIRROR_DECISIONS_H_

#include "absl/status/status.h"
#include "trustd/mirror/core.h"

namespace anchorage::trustd {

// A hold stops the policy and ends all approvals before it. What is approved and
// not yet signed (MODE_OFFLINE) can be held or rejected. NOT_FOUND; ABORTED: it
// is not what the person looked at; FAILED_PRECONDITION: the rotation is over,
// or cannot be approved; INVALID_ARGUMENT: no reason given.
absl::Status TakeDecision(Work& work, const PersonDecides& event);

// Revokes or retires at once. What brings something into use, or back, becomes a
// rotation that the person has approved (Work::rotation_id); the same again by
// somebody else approves that one. Fails as the functions of
// trustd/rotation/apply.h, with FAILED_PRECONDITION for what the gate would
// never let through.
absl::Status TakePin(Work& work, const PersonPins& event);

void TakeAcceptance(Work& work, const StoreAccepted& event);

// Approvals of people who may no longer decide are void, for good.
void VoidFormerPeople(Work& work);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_DECISIONS_H_

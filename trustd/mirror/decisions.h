// What people say. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_DECISIONS_H_
#define ANCHORAGE_TRUSTD_MIRROR_DECISIONS_H_

#include "absl/status/status.h"
#include "trustd/mirror/core.h"

namespace anchorage::trustd {

// Takes a person's decision. A hold stops the policy and voids all approvals
// before it. What is approved but not yet signed (MODE_OFFLINE) can be held or
// rejected. NOT_FOUND; ABORTED: it is not what the person was shown;
// FAILED_PRECONDITION: the rotation is over, or cannot be approved;
// INVALID_ARGUMENT: no reason given.
absl::Status TakeDecision(Work& work, const PersonDecides& event);

// Revokes or retires at once. A pin that brings something into use, or back,
// becomes a rotation that the person has approved (Work::rotation_id); the same
// pin by somebody else approves that rotation. Fails as the functions of
// trustd/rotation/apply.h, with FAILED_PRECONDITION for what the gate would
// never let through.
absl::Status TakePin(Work& work, const PersonPins& event);

// Takes that a person knows of an alert; of what is so already it takes nothing.
// INVALID_ARGUMENT: no reason given, or a time that is not after now or too far
// from it.
absl::Status TakeAcknowledgement(Work& work, const PersonAcknowledges& event);

// Opens a rotation that takes another back, which the person has approved
// (Work::rotation_id), or approves the one that is open. NOT_FOUND; otherwise as
// UndoOf(), and with FAILED_PRECONDITION for what the gate would never let
// through.
absl::Status TakeUndo(Work& work, const PersonUndoes& event);

void TakeAcceptance(Work& work, const StoreAccepted& event);

// Voids, for good, the approvals of people who may no longer decide.
void VoidFormerPeople(Work& work);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_DECISIONS_H_

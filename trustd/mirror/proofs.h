// What instances show. Pure; see core.h.

#ifndef ANCHORAGE_TRUSTD_MIRROR_PROOFS_H_
#define ANCHORAGE_TRUSTD_MIRROR_PROOFS_H_

#include "absl/status/status.h"
#include "trustd/mirror/core.h"

namespace anchorage::trustd {

// Takes an instance's evidence. INVALID_ARGUMENT with the verifier's reason for
// evidence that cannot be read.
absl::Status TakeEvidence(Work& work, const InstanceShows& event);

// Makes alarms of an unknown signer, from before a source showed the key,
// proofs of that key.
void TryEarlierProofs(Work& work);

// Withdraws the alarms whose key has been pinned since.
void CloseKnownSigners(Work& work);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_PROOFS_H_

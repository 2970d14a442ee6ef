// Checks an instance's evidence against anchors.

#ifndef ANCHORAGE_TRUSTD_MIRROR_LIVE_PROOF_H_
#define ANCHORAGE_TRUSTD_MIRROR_LIVE_PROOF_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// What evidence says about itself, before any of it is proved.
struct ClaimedEvidence {
  // The slot whose key ought to have signed it.
  verify::Slot slot;
  std::string instance_id;
  // The signer's serial in lower-case hex; empty for the bare signature.
  std::string signer_serial;
};

// Reads evidence. Fails as the parsers of verify/identity do, and with
// kFieldMissing for a form without what it needs.
absl::StatusOr<ClaimedEvidence> ReadEvidence(const v1::Evidence& evidence);

// Verifies it with the anchors of `catalog` at `now`, and returns the key that
// signed it. Fails as verify::VerifyIdentity() does.
absl::StatusOr<std::string> SignerOf(const v1::Evidence& evidence,
                                     const anchors::Catalog& catalog,
                                     absl::Time now);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_LIVE_PROOF_H_

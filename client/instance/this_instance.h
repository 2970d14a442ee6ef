// What AWS says of the instance that this process runs on, in one call.
//
//   auto client = TrustClient::Create(options);
//   auto machine = VerifyThisInstance(**client, policy);
//   if (!machine.ok()) return Refuse(machine.status());
//   Start(machine->document().instance_id);
//
// Asks IMDS for each form of identity that the policy allows, the strongest
// first, and verifies the first that is served: the verdict names it
// (VerifiedIdentity::form()). A signature that is refused is the answer; no
// weaker form is tried after it.
//
// Everything is fetched anew at each call: pendingTime, which a policy's maximum
// age is about, is when the instance was last started. On an instance that runs
// for longer than that age the call fails with kTooOld from then on, until it is
// stopped and started (a reboot changes nothing): for a process that goes on
// asking, leave the age out.
//
// What it proves is that AWS signed this of an instance, and that whoever answers
// at IMDS's address has the signature. Who can answer there (root on the
// instance, who controls its network) can show the document of another instance:
// it passes where the policy demands nothing that only this instance has.

#ifndef ANCHORAGE_CLIENT_INSTANCE_THIS_INSTANCE_H_
#define ANCHORAGE_CLIENT_INSTANCE_THIS_INSTANCE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "client/instance/imds.h"
#include "client/trust_client.h"
#include "verify/identity/identity_policy.h"
#include "verify/identity/identity_verifier.h"
#include "verify/identity/replay_ledger.h"
#include "verify/trace.h"

namespace anchorage::client {

struct ThisInstanceOptions {
  ImdsOptions imds;
  // As TrustClient::VerifyIdentity() has them; each may be null.
  const verify::ReplayCheck* replay = nullptr;
  verify::Trace* trace = nullptr;
  AnchorsUsed* used = nullptr;
};

// Fails with an InstanceReason where nothing could be fetched (nothing was
// verified then, and the trace is untouched), otherwise as
// DecodeIdentitySignature() and TrustClient::VerifyIdentity(). Waits for at most
// `imds.total_timeout`; never throws. Thread-safe.
absl::StatusOr<verify::VerifiedIdentity> VerifyThisInstance(
    const TrustClient& client, const verify::IdentityPolicy& policy,
    const ThisInstanceOptions& options = {});

// Returns the forms whose signatures `policy` may accept, the strongest first.
std::vector<verify::IdentityForm> FormsAllowedBy(
    const verify::IdentityPolicy& policy);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_THIS_INSTANCE_H_

// A verdict as JSON, for programs: what `trustctl verify --output json` prints
// and the C interface returns. Members are only ever added.
//
//   verify::Trace trace;
//   AnchorsUsed used;
//   auto identity = client.VerifyIdentity(evidence, policy, nullptr, &trace,
//                                         &used);
//   std::cout << (identity.ok() ? VerdictJson(*identity, used, trace)
//                               : RefusalJson("identity", identity.status(),
//                                             used, trace));
//
// Pure, and safe to call from any number of threads. Each text is UTF-8,
// without a line feed at its end.

#ifndef ANCHORAGE_CLIENT_VERDICT_JSON_H_
#define ANCHORAGE_CLIENT_VERDICT_JSON_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "client/trust_client.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/identity/identity_verifier.h"
#include "verify/trace.h"

namespace anchorage::client {

// Accepted. `trace` may be empty.
std::string VerdictJson(const verify::VerifiedIdentity& identity,
                        const AnchorsUsed& used, const verify::Trace& trace);
std::string VerdictJson(const verify::AttestedFacts& facts,
                        verify::AttestationType type, const AnchorsUsed& used,
                        const verify::Trace& trace);

// Not accepted, for `refusal`. `subject`: "identity" or "attestation".
std::string RefusalJson(std::string_view subject, const absl::Status& refusal,
                        const AnchorsUsed& used, const verify::Trace& trace);

// Returns "ACCEPTED" for OK, else "REJECTED", or "UNDECIDED" where nothing was
// decided about the evidence.
std::string_view VerdictWord(const absl::Status& status);

// How a client stands: all of `state`.
std::string StateJson(const TrustClientState& state);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VERDICT_JSON_H_

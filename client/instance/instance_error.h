// Every way in which an instance's own evidence cannot be had, as one closed
// list. None of them says anything about the evidence: only a verification
// does.
//
//   auto imds = Imds::Open();
//   if (!imds.ok()) Count(NameOf(*InstanceReasonOf(imds.status())));
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// The text beside the name is for people: it may change, so never parse it.

#ifndef ANCHORAGE_CLIENT_INSTANCE_INSTANCE_ERROR_H_
#define ANCHORAGE_CLIENT_INSTANCE_INSTANCE_ERROR_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace anchorage::client {

enum class InstanceReason {
  // --- The instance metadata service (IMDS) --------------------------------

  // Nothing answers at IMDS's addresses, or what answers is not EC2's: a
  // container of Fargate, Lambda, another cloud, a computer on a desk.
  kImdsAbsent,
  // IMDS is turned off for this instance (HttpEndpoint=disabled), or a policy
  // of the host forbids the request: 403.
  kImdsDisabled,
  // IMDS takes the connection, and the answer with the token never comes: in a
  // container it needs one network hop more than the instance's
  // HttpPutResponseHopLimit allows.
  kImdsHopLimit,
  // The instance demands tokens (HttpTokens=required), and IMDSv1, which has
  // none, was asked for: 401.
  kImdsTokenRequired,
  // IMDS answered "too many requests" to every attempt: 429 or 503.
  kImdsThrottled,
  // IMDS did not answer in time.
  kImdsTimeout,
  // An answer that IMDS does not give: a redirect, HTML, an empty or endless
  // one, a status that it does not use.
  kImdsAnswerInvalid,
  // None of the forms that were asked for is served here (404).
  kIdentityFormNotServed,

  // --- Attestation ---------------------------------------------------------

  // Neither /dev/nsm nor a program that attests is there.
  kAttestationAbsent,
  // There is one, and this process may not use it.
  kAttestationForbidden,
  // It refused the request; the detail has its own word for it.
  kAttestationRefused,
  // It did not answer in time and was ended.
  kAttestationTimeout,
  // What it printed or answered is not a document.
  kAttestationAnswerInvalid,

  // --- Here ----------------------------------------------------------------

  // libcurl, a file, a pipe or a process that this needs cannot be had.
  kInstanceUnavailable,

  kMaxValue = kInstanceUnavailable,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people: it may contain what a program or a server said, so it is made one
// line by verify::Printable().
absl::Status NotFromInstance(InstanceReason reason, std::string_view detail);

// Returns the reason that NotFromInstance() put in `status`; nullopt for an OK
// status and for a status that it did not make.
std::optional<InstanceReason> InstanceReasonOf(const absl::Status& status);

// Returns the stable name, such as "IMDS_ABSENT".
std::string_view NameOf(InstanceReason reason);

// Returns all reasons, in the order of the list.
absl::Span<const InstanceReason> AllInstanceReasons();

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_INSTANCE_ERROR_H_

// Every way in which polling a source can fail, as one closed list.
//
//   auto answer = source->Poll(now);
//   if (!answer.ok()) Count(NameOf(*SourceFailureOf(answer.status())));
//
// A failure's NAME is API: it keeps its meaning for ever and is never reused.
// The text beside the name is for people: it may change, so never parse it.
// Whatever a source did say, however odd, is not a failure: it is an
// observation with problems.

#ifndef ANCHORAGE_TRUSTD_SOURCES_SOURCE_FAILURE_H_
#define ANCHORAGE_TRUSTD_SOURCES_SOURCE_FAILURE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace anchorage::trustd {

enum class SourceFailure {
  // --- The address (INVALID_ARGUMENT) ---------------------------------------

  // Not https, or not an address at all, or with a user and password in it.
  kAddressRefused,

  // --- The connection (UNAVAILABLE, DEADLINE_EXCEEDED) ----------------------

  // No such host, no connection, or no answer on it.
  kUnreachable,
  // The whole answer did not come within its time.
  kTimedOut,
  // It came too slowly for too long, while there was time left.
  kStalled,
  // The transfer ended before the end of the answer.
  kIncomplete,
  // We aborted it, because trustd is stopping.
  kCancelled,

  // --- Not whom we asked (UNAUTHENTICATED) ----------------------------------

  // TLS could not be agreed on, or the server's certificate is not good.
  kTlsFailed,
  // The answer sends us to another host, port or scheme.
  kRedirectRefused,

  // --- The answer (FAILED_PRECONDITION) -------------------------------------

  // Redirects that lead in a circle, or too many of them.
  kRedirectLoop,
  // A status other than 200, or 304 where it was not asked for.
  kHttpStatus,
  // Not HTTP.
  kNotHttp,
  // Longer than the limit, as sent or as unpacked.
  kTooLarge,
  // An encoding that was not asked for, or one that does not unpack.
  kContentEncoding,

  // --- Files (NOT_FOUND, UNAVAILABLE) ---------------------------------------

  // The folder or file of the configuration is not there.
  kPathMissing,
  // A folder or file cannot be read, or one of our own not written.
  kPathUnreadable,

  // --- Another trustd (FAILED_PRECONDITION) ---------------------------------

  // What it serves is not what its root vouches for; TufReasonOf() says why,
  // where TUF does.
  kUpstreamRejected,

  kMaxValue = kUpstreamRejected,
};

// Returns a non-OK status that carries `failure` for machines and `detail` for
// people, as verify::Printable() shows it: parts of it come from the peer.
// Every failure in trustd/sources is made here or in the next.
absl::Status FailSource(SourceFailure failure, std::string_view detail);

// Returns `cause`, which is not OK, with its code, payloads and text (made
// printable in the same way), marked as `failure`.
absl::Status FailSource(SourceFailure failure, absl::Status cause);

// Gives `to` what `from` carries for machines.
void CarryOver(const absl::Status& from, absl::Status& to);

// Returns the failure in `status`; nullopt for an OK status and for one that
// FailSource() did not make.
std::optional<SourceFailure> SourceFailureOf(const absl::Status& status);

// Returns the stable name, such as "TLS_FAILED".
std::string_view NameOf(SourceFailure failure);

// Returns all failures, in the order of the list.
absl::Span<const SourceFailure> AllSourceFailures();

// --- What a server said beside its failure ----------------------------------

// The HTTP status; nullopt for a failure without one.
void SetHttpStatus(absl::Status& status, int http_status);
std::optional<int> HttpStatusOf(const absl::Status& status);

// The date of an HTTP header, in the one form that servers must send; nullopt
// for anything else.
std::optional<absl::Time> ParseHttpDate(std::string_view text);

// How long the server asks us to stay away from `now` on: the value of
// Retry-After, which is seconds or a date. Never negative. nullopt if it asks
// for nothing that can be read.
void SetRetryAfter(absl::Status& status, std::string_view value);
std::optional<absl::Duration> RetryAfterOf(const absl::Status& status,
                                           absl::Time now);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_SOURCE_FAILURE_H_

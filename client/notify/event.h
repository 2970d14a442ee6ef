// What a client tells the program that it is part of, as one closed list.
//
//   options.on_event = [](const Event& event) {
//     Log(NameOf(event.name), event.reason, event.message);
//   };
//
// An event's NAME is API: it keeps its meaning for ever and is never reused.
// Names may be added, so readers ignore one that they do not know. The message
// is for people and may change: never parse it.

#ifndef ANCHORAGE_CLIENT_NOTIFY_EVENT_H_
#define ANCHORAGE_CLIENT_NOTIFY_EVENT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "verify/anchor_kind.h"
#include "verify/reason.h"

namespace anchorage::client {

enum class EventName {
  // --- How a refresh that asked a server ended: one of these for each --------

  // The server's set is in use, be it new or as before.
  kRefreshed,
  // No server answered, or the client is about to stop.
  kUnreachable,
  // An answer came and was refused: it was not signed by the trusted keys, or
  // is older than what is known, or was made ahead of this machine's clock.
  kUpdateRefused,
  // The fault is here: no memory, no algorithm.
  kFailed,

  // --- What is so with the set in use; noticed by the next verification or ---
  // --- refresh ---------------------------------------------------------------

  // The set in use has become STALE.
  kStale,
  // The set in use has become EXPIRED.
  kExpired,
  // Two different files of one version were found, both properly signed:
  // somebody who has the key signs two different texts.
  kEquivocation,
  // This machine's clock is behind what the server or the anchors say; beside
  // kUpdateRefused, or in place of kVerificationRefused.
  kClockSuspect,

  // --- A verification that did not accept: one of these, or kClockSuspect ----

  // Any reason but those of kSignerUnknown.
  kVerificationRefused,
  // The key that signed is no anchor: AWS has a key that this client does not
  // know, or somebody else signed.
  kSignerUnknown,

  kMaxValue = kSignerUnknown,
};

// Returns the stable name, such as "SIGNER_UNKNOWN".
std::string_view NameOf(EventName name);

// Returns all names, in the order of the list.
absl::Span<const EventName> AllEventNames();

// Returns which event tells that a refresh ended so.
EventName EventOfRefresh(const absl::Status& ended);

// Returns which event tells of evidence for anchors of `kind` that was not
// accepted for `reason`.
EventName EventOfRefusal(verify::Reason reason, verify::AnchorKind kind);

struct Event {
  EventName name = EventName::kFailed;
  // NameOf(verify::Reason) or NameOf(TufReason); empty where there is none.
  // Lives as long as the program.
  std::string_view reason;
  // Of a verification: the check that failed.
  std::string check;
  // One line, as verify::Printable() shows it.
  std::string message;
  // The slot of evidence, as far as it is known: a region only if anchors are
  // known for it.
  std::string partition;
  std::string region;
  std::optional<verify::AnchorKind> kind;
  // Of the set that is in use.
  std::uint64_t sequence = 0;
  // How many events of the same name, reason and slot were left out since the
  // last one.
  std::uint64_t left_out = 0;
};

using EventCallback = std::function<void(const Event&)>;

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_NOTIFY_EVENT_H_

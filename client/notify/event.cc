#include "client/notify/event.h"

#include "anchors/tuf/tuf_error.h"
#include "verify/enum_table.h"

namespace anchorage::client {
namespace {

using anchors::tuf::TufReason;
using verify::Reason;

struct Row {
  EventName value;
  std::string_view name;
};

using enum EventName;

constexpr Row kRows[] = {
    {kRefreshed, "REFRESHED"},
    {kUnreachable, "UNREACHABLE"},
    {kUpdateRefused, "UPDATE_REFUSED"},
    {kFailed, "FAILED"},
    {kStale, "STALE"},
    {kExpired, "EXPIRED"},
    {kEquivocation, "EQUIVOCATION"},
    {kClockSuspect, "CLOCK_SUSPECT"},
    {kVerificationRefused, "VERIFICATION_REFUSED"},
    {kSignerUnknown, "SIGNER_UNKNOWN"},
};

using Events = verify::EnumTable<kRows>;

}  // namespace

std::string_view NameOf(EventName name) { return Events::Of(name).name; }

absl::Span<const EventName> AllEventNames() { return Events::All(); }

EventName EventOfRefresh(const absl::Status& ended) {
  if (ended.ok()) return kRefreshed;
  if (const auto reason = verify::ReasonOf(ended); reason.has_value()) {
    return verify::FamilyOf(*reason) == verify::Family::kUndecided
               ? kFailed
               : kUpdateRefused;
  }
  const auto reason = anchors::tuf::TufReasonOf(ended);
  if (!reason.has_value()) return kFailed;
  return *reason == TufReason::kFetchFailed ||
                 *reason == TufReason::kFileNotOnServer
             ? kUnreachable
             : kUpdateRefused;
}

EventName EventOfRefusal(Reason reason, verify::AnchorKind kind) {
  switch (reason) {
    case Reason::kClockSuspect:
      return kClockSuspect;
    case Reason::kRegionUnknown:
    case Reason::kRootNotPinned:
    case Reason::kNoUsableAnchors:
      return kSignerUnknown;
    case Reason::kSignatureMismatch:
      // An attestation's is that of its leaf, whose chain was good.
      return kind == verify::AnchorKind::kNitroRoot ? kVerificationRefused
                                                    : kSignerUnknown;
    default:
      return kVerificationRefused;
  }
}

}  // namespace anchorage::client

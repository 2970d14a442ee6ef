#include "client/notify/notifier.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "anchors/tuf/tuf_error.h"
#include "verify/printable.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

using anchors::tuf::TufReason;
using verify::Freshness;
using verify::Reason;

std::string_view ReasonNameOf(const absl::Status& status) {
  if (const auto reason = verify::ReasonOf(status); reason.has_value()) {
    return verify::NameOf(*reason);
  }
  if (const auto reason = anchors::tuf::TufReasonOf(status);
      reason.has_value()) {
    return anchors::tuf::NameOf(*reason);
  }
  return absl::IsResourceExhausted(status)
             ? verify::NameOf(Reason::kResourcesExhausted)
             : "";
}

Event EventFor(EventName name, const absl::Status& status,
               std::uint64_t sequence) {
  Event event;
  event.name = name;
  event.sequence = sequence;
  if (status.ok()) return event;
  event.reason = ReasonNameOf(status);
  const absl::string_view message = status.message();
  event.message = verify::Printable({message.data(), message.size()},
                                    verify::kMaxSentenceBytes);
  return event;
}

// 0 for a set that is not old.
std::uint64_t AgeOf(Freshness freshness) {
  switch (freshness) {
    case Freshness::kStale:
      return 1;
    case Freshness::kExpired:
      return 2;
    case Freshness::kFresh:
    case Freshness::kBakedIn:
      return 0;
  }
  return 0;
}

}  // namespace

template <typename Make>
void Notifier::Tell(Make make) noexcept {
  if (!on_event_) return;
  (void)anchors::NoThrow([&] {
    on_event_(make());
    return absl::OkStatus();
  });
}

void Notifier::Verified(const absl::Status& verdict, const verify::Slot& slot,
                        std::string_view check,
                        std::uint64_t sequence) noexcept {
  if (verdict.ok()) {
    counters_.Count(slot, std::nullopt);
    return;
  }
  // To read a reason takes memory, too.
  Reason reason = Reason::kResourcesExhausted;
  (void)anchors::NoThrow([&] {
    reason = verify::ReasonOf(verdict).value_or(reason);
    return absl::OkStatus();
  });
  Counters::Cell& cell = counters_.Count(slot, reason);
  std::uint64_t left_out = 0;
  if (!tells_refusals_ || !cell.Tell(clock_(), kTellPause, left_out)) return;
  Tell([&] {
    Event event =
        EventFor(EventOfRefusal(reason, slot.kind), verdict, sequence);
    event.reason = verify::NameOf(reason);
    event.check = check;
    event.partition = slot.partition;
    event.region = slot.region;
    event.kind = slot.kind;
    event.left_out = left_out;
    return event;
  });
}

void Notifier::InUse(const verify::AnchorProvenance& set,
                     Freshness freshness) noexcept {
  const auto as_of = static_cast<std::uint64_t>(absl::ToUnixSeconds(set.as_of));
  const std::uint64_t age = AgeOf(freshness);
  const std::uint64_t found = as_of << 2 | age;
  std::uint64_t before = in_use_.load(std::memory_order_relaxed);
  do {
    // A set does not become younger: a clock that was set back is no news.
    if (before >> 2 == found >> 2 && age <= (before & 3)) return;
  } while (
      !in_use_.compare_exchange_weak(before, found, std::memory_order_relaxed));
  if (age == 0) return;
  Tell([&] {
    Event event;
    event.name = age == 1 ? EventName::kStale : EventName::kExpired;
    if (age == 2) event.reason = verify::NameOf(Reason::kAnchorsExpired);
    event.message =
        absl::StrCat("the anchors were fresh until ",
                     absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", set.fresh_until,
                                      absl::UTCTimeZone()));
    event.sequence = set.sequence;
    return event;
  });
}

void Notifier::Refreshed(const absl::Status& ended,
                         std::uint64_t sequence) noexcept {
  Tell([&] { return EventFor(EventOfRefresh(ended), ended, sequence); });
  (void)anchors::NoThrow([&] {
    if (anchors::tuf::TufReasonOf(ended) == TufReason::kClockSuspect) {
      Tell([&] { return EventFor(EventName::kClockSuspect, ended, sequence); });
    }
    return absl::OkStatus();
  });
}

void Notifier::Equivocations(std::uint64_t count,
                             std::uint64_t sequence) noexcept {
  if (equivocations_.exchange(count) == count) return;
  Tell([&] {
    Event event;
    event.name = EventName::kEquivocation;
    event.message =
        "two different files of one version were found, both properly signed: "
        "somebody who has the key signs two different texts";
    event.sequence = sequence;
    return event;
  });
}

}  // namespace anchorage::client

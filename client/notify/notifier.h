// Counts what a client does, and tells the program of it.
//
//   Notifier notifier(options.on_event);
//   notifier.Verified(identity.status(), slot, trace.failed_check(), anchors);
//
// A callback is called by the thread that did or noticed what it is told of,
// and no lock is held. Evidence that is refused again and again is told of once
// in kTellPause for each reason and slot. What a callback throws is dropped.
// Thread-safe; no call throws or fails.

#ifndef ANCHORAGE_CLIENT_NOTIFY_NOTIFIER_H_
#define ANCHORAGE_CLIENT_NOTIFY_NOTIFIER_H_

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "client/notify/counters.h"
#include "client/notify/event.h"
#include "verify/anchor_set.h"

namespace anchorage::client {

class Notifier {
 public:
  static constexpr absl::Duration kTellPause = absl::Minutes(1);

  // `on_event` may be null: then everything is only counted; so are, without
  // `tells_refusals`, verifications.
  explicit Notifier(EventCallback on_event, bool tells_refusals = true,
                    anchors::SteadyClock clock = &anchors::SteadyNow)
      : on_event_(std::move(on_event)),
        tells_refusals_(on_event_ && tells_refusals),
        clock_(std::move(clock)) {}

  // A verification ended. `slot`: as far as it is known. `check`: that which
  // failed. `sequence`: of the set that it was made with.
  void Verified(const absl::Status& verdict, const verify::Slot& slot,
                std::string_view check, std::uint64_t sequence) noexcept;

  // A set was found in use, and as fresh as that.
  void InUse(const verify::AnchorProvenance& set,
             verify::Freshness freshness) noexcept;

  // A refresh ended. `sequence`: of the set that is in use now.
  void Refreshed(const absl::Status& ended, std::uint64_t sequence) noexcept;

  // So many equivocations were found since the start.
  void Equivocations(std::uint64_t count, std::uint64_t sequence) noexcept;

  const Counters& counters() const { return counters_; }

 private:
  // Calls back with what `make` returns.
  template <typename Make>
  void Tell(Make make) noexcept;

  const EventCallback on_event_;
  const bool tells_refusals_;
  const anchors::SteadyClock clock_;
  Counters counters_;
  // The set that was last found in use, by its as_of, and how old it was found:
  // see InUse().
  std::atomic<std::uint64_t> in_use_ = ~std::uint64_t{0};
  std::atomic<std::uint64_t> equivocations_ = 0;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_NOTIFY_NOTIFIER_H_

// Detects when somebody sets this machine's clock.
//
//   ClockWatch watch(clock, &anchors::SteadyNow);
//   if (const auto jump = watch.TakeJump()) Alert(*jump);   // at times
//   watch.SawDate("aws-docs", date, now);                   // of each answer
//   if (watch.suspicious()) return;  // publish nothing without people
//
// If the time of day parts from the steady clock, the clock was set or this
// machine was suspended. Which of the two is right is not known here: until
// servers of two families of sources agree with its date, it is suspicious.
// A clock that is wrong at the start and stays so is not detected; after a
// jump, a restart believes the clock as it finds it. Thread-safe; calls nothing
// under its lock but the clocks.

#ifndef ANCHORAGE_TRUSTD_BASE_CLOCK_WATCH_H_
#define ANCHORAGE_TRUSTD_BASE_CLOCK_WATCH_H_

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"

namespace anchorage::trustd {

class ClockWatch {
 public:
  // By how much the two clocks may diverge, or a server's date may differ.
  static constexpr absl::Duration kTolerance = absl::Minutes(5);
  // How many families of sources must agree with the clock's date.
  static constexpr std::size_t kFamilies = 2;

  ClockWatch(std::function<absl::Time()> clock, anchors::SteadyClock uptime);

  // Returns how far the clock has jumped (back: negative) since the start or
  // the last jump, once for each jump; nullopt for none. Small steps add up.
  std::optional<absl::Duration> TakeJump();

  // Notes that a server of a source of `family` gave the date `date` when the
  // clock read `now`.
  void SawDate(const std::string& family, absl::Time date, absl::Time now);

  // Whether the clock has jumped, and the dates of kFamilies families have not
  // agreed with it since. Reads the clocks itself.
  bool suspicious();

 private:
  void Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<absl::Time()> clock_;
  const anchors::SteadyClock uptime_;
  absl::Mutex mutex_;
  // The time of day at which the steady clock was zero, by the clock as it was
  // before any jump since.
  absl::Time zero_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Duration> jump_ ABSL_GUARDED_BY(mutex_);
  bool suspicious_ ABSL_GUARDED_BY(mutex_) = false;
  // The families that agree, since the jump.
  std::set<std::string> agreeing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_CLOCK_WATCH_H_

// Time by a clock that nobody sets: for how long something lasts, how often it
// may happen, and for waits. Dates on the record are of the other clock.
//
// abseil's own waits (20220623) end at a time of day: when the clock is set
// back by a year while one of them lasts, it lasts for a year.

#ifndef ANCHORAGE_ANCHORS_BASE_STEADY_CLOCK_H_
#define ANCHORAGE_ANCHORS_BASE_STEADY_CLOCK_H_

#include <algorithm>
#include <condition_variable>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace anchorage::anchors {

// How long since some moment before this process. Not a time: only differences
// mean anything, and nobody can compare one with a date by mistake. Stands
// still while the machine is suspended.
absl::Duration SteadyNow();

using SteadyClock = std::function<absl::Duration()>;

// What lets threads wait for a condition for so long. Thread-safe.
class SteadyCondition {
 public:
  // Wakes who waits. To be called after what they wait for, which their mutex
  // guards, has changed.
  void NotifyAll() { changed_.notify_all(); }

  // Waits until `is_true`, which is called with `mutex` held, or until
  // `timeout` is over; returns what it is then.
  template <typename Predicate>
  bool AwaitFor(absl::Mutex& mutex, absl::Duration timeout, Predicate is_true)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Lock lock{mutex};
    if (timeout == absl::InfiniteDuration()) {
      changed_.wait(lock, is_true);
      return true;
    }
    return changed_.wait_for(
        lock, absl::ToChronoNanoseconds(std::min(timeout, kLongest)), is_true);
  }

 private:
  // Nanoseconds must not overflow.
  static constexpr absl::Duration kLongest = absl::Hours(24 * 3652);

  // A mutex under the names that the standard library calls.
  struct Lock {
    absl::Mutex& mutex;
    void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex.Lock(); }
    void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex.Unlock(); }
  };

  std::condition_variable_any changed_;
};

// Says once that it is time to stop. Thread-safe.
class StopSignal {
 public:
  void Notify() ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasBeenNotified() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits for Notify(), and no longer than `timeout`; returns whether it was.
  bool WaitFor(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  SteadyCondition changed_;
};

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_STEADY_CLOCK_H_

// Time by a clock that nobody can set: for how long something lasts, for how
// often it may happen, and for waits. Dates on the record are of the wall
// clock.
//
// abseil's own timed waits (20220623) end at a time of day: if the clock is set
// back by a year during one of them, it lasts for a year.

#ifndef ANCHORAGE_ANCHORS_BASE_STEADY_CLOCK_H_
#define ANCHORAGE_ANCHORS_BASE_STEADY_CLOCK_H_

#include <algorithm>
#include <condition_variable>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace anchorage::anchors {

// Returns the time since some moment before this process started. A duration,
// not a time: only differences mean anything, and nobody can compare one with a
// date by mistake. Stands still while the machine is suspended.
absl::Duration SteadyNow();

using SteadyClock = std::function<absl::Duration()>;

// Lets threads wait for a condition, for at most a given duration. Thread-safe.
class SteadyCondition {
 public:
  // Wakes all waiting threads. Call it after the condition, which their mutex
  // guards, has changed.
  void NotifyAll() { changed_.notify_all(); }

  // Waits until `is_true`, which is called with `mutex` held, or until
  // `timeout` has passed; returns the last value of `is_true`.
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
  // The longest wait: more nanoseconds could overflow.
  static constexpr absl::Duration kLongest = absl::Hours(24 * 3652);

  // Gives absl::Mutex the names that the standard library calls.
  struct Lock {
    absl::Mutex& mutex;
    void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex.Lock(); }
    void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex.Unlock(); }
  };

  std::condition_variable_any changed_;
};

// Tells threads, once, that it is time to stop. Thread-safe.
class StopSignal {
 public:
  void Notify() ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasBeenNotified() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits for Notify(), but no longer than `timeout`; returns whether it was
  // called.
  bool WaitFor(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  SteadyCondition changed_;
};

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_STEADY_CLOCK_H_

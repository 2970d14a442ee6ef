#include "anchors/base/steady_clock.h"

#include <chrono>

namespace anchorage::anchors {

absl::Duration SteadyNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

void StopSignal::Notify() {
  // Notifies under the lock: a waiter may destroy this object as soon as the
  // lock is free.
  const absl::MutexLock lock(&mutex_);
  notified_ = true;
  changed_.NotifyAll();
}

bool StopSignal::HasBeenNotified() const {
  const absl::MutexLock lock(&mutex_);
  return notified_;
}

bool StopSignal::WaitFor(absl::Duration timeout) {
  const absl::MutexLock lock(&mutex_);
  return changed_.AwaitFor(
      mutex_, timeout,
      [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return notified_; });
}

}  // namespace anchorage::anchors

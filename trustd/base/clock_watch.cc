#include "trustd/base/clock_watch.h"

#include <utility>

namespace anchorage::trustd {

ClockWatch::ClockWatch(std::function<absl::Time()> clock,
                       anchors::SteadyClock uptime)
    : clock_(std::move(clock)),
      uptime_(std::move(uptime)),
      zero_(clock_() - uptime_()) {}

void ClockWatch::Look() {
  const absl::Time zero = clock_() - uptime_();
  const absl::Duration parted = zero - zero_;
  if (absl::AbsDuration(parted) <= kTolerance) return;
  zero_ = zero;
  jump_ = jump_.value_or(absl::ZeroDuration()) + parted;
  suspicious_ = true;
  agreeing_.clear();
}

std::optional<absl::Duration> ClockWatch::TakeJump() {
  const absl::MutexLock lock(&mutex_);
  Look();
  return std::exchange(jump_, std::nullopt);
}

void ClockWatch::SawDate(const std::string& family, absl::Time date,
                         absl::Time now) {
  const absl::MutexLock lock(&mutex_);
  Look();
  if (!suspicious_) return;
  if (absl::AbsDuration(date - now) > kTolerance) {
    agreeing_.erase(family);
    return;
  }
  agreeing_.insert(family);
  if (agreeing_.size() < kFamilies) return;
  suspicious_ = false;
  agreeing_.clear();
}

bool ClockWatch::suspicious() {
  const absl::MutexLock lock(&mutex_);
  Look();
  return suspicious_;
}

}  // namespace anchorage::trustd

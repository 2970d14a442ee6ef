#include "client/refresh_schedule.h"

#include <algorithm>

namespace anchorage::client {

absl::Duration RefreshSchedule::First(bool has_fresh_set, double chance) const {
  if (!has_fresh_set) return absl::ZeroDuration();
  return std::min(interval_ / 10, kMaxFirst) * chance;
}

absl::Duration RefreshSchedule::After(bool ok, absl::Duration retry_after,
                                      double chance) {
  failures_ = ok ? 0 : std::min(failures_ + 1, 17);
  const absl::Duration pause =
      ok ? interval_
         : std::min(
               {interval_, kMaxRetry, kFirstRetry * (1 << (failures_ - 1))});
  const absl::Duration jittered = pause * (0.9 + 0.2 * chance);
  if (ok) return jittered;
  return std::max(jittered,
                  std::min(retry_after, kMaxRetryAfter) * (1 + 0.2 * chance));
}

}  // namespace anchorage::client

#include "trustd/base/poll_times.h"

#include <algorithm>

namespace anchorage::trustd {
namespace {

absl::Duration BackOff(const PollTimes& times, int failures) {
  absl::Duration wait = std::min(kFirstRetry, times.interval);
  for (int i = 1; i < failures && wait < times.max_backoff; ++i) wait *= 2;
  return std::min(wait, times.max_backoff);
}

}  // namespace

absl::Duration UntilNextPoll(const PollTimes& times, const PollHistory& history,
                             double random) {
  if (history.failures == 0) return times.interval + random * times.jitter;
  const absl::Duration wait =
      BackOff(times, history.failures) * (1 - random / 4);
  const absl::Duration asked = std::min(
      history.retry_after.value_or(absl::ZeroDuration()), kMaxRetryAfter);
  return std::max(wait, asked);
}

}  // namespace anchorage::trustd

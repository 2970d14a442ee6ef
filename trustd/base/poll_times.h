// When a source is polled next, or a webhook retried.
//
//   const absl::Time next = now + UntilNextPoll(times, after, random);
//
// Pure: the randomness is an argument.

#ifndef ANCHORAGE_TRUSTD_BASE_POLL_TIMES_H_
#define ANCHORAGE_TRUSTD_BASE_POLL_TIMES_H_

#include <optional>

#include "absl/time/time.h"

namespace anchorage::trustd {

// The first wait after a failure, unless the interval is shorter.
inline constexpr absl::Duration kFirstRetry = absl::Minutes(1);
// The longest Retry-After that is obeyed: nobody may blind a mirror with one
// header.
inline constexpr absl::Duration kMaxRetryAfter = absl::Hours(6);

struct PollTimes {
  // The wait between two polls that succeed.
  absl::Duration interval = absl::Hours(1);
  // Up to this much is added to the interval, at random, so that a fleet does
  // not poll in step.
  absl::Duration jitter = absl::Minutes(6);
  // The longest wait between two polls that fail, except for Retry-After.
  absl::Duration max_backoff = absl::Hours(1);

  friend bool operator==(const PollTimes&, const PollTimes&) = default;
};

// The results of the polls so far.
struct PollHistory {
  // How many polls failed since the last success.
  int failures = 0;
  // What the server asked for with the last failure.
  std::optional<absl::Duration> retry_after = std::nullopt;
};

// Returns how long to wait after a poll; `random` is from [0, 1).
//
// After a success: the interval and its jitter. After the n-th failure in a
// row: kFirstRetry, or the interval if that is shorter (a webhook's 5 s),
// doubled n - 1 times, up to `max_backoff`, of which a random quarter is left
// out; but at least as long as Retry-After asks for, up to kMaxRetryAfter.
absl::Duration UntilNextPoll(const PollTimes& times, const PollHistory& history,
                             double random);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_POLL_TIMES_H_

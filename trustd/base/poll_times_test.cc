#include "trustd/base/poll_times.h"

#include <gtest/gtest.h>

#include <limits>

namespace anchorage::trustd {
namespace {

constexpr PollTimes kTimes = {.interval = absl::Hours(1),
                              .jitter = absl::Minutes(6),
                              .max_backoff = absl::Minutes(30)};

absl::Duration AfterFailures(int failures, double random = 0) {
  return UntilNextPoll(kTimes, {.failures = failures}, random);
}

TEST(PollTimes, SpreadTheIntervalAfterASuccess) {
  EXPECT_EQ(UntilNextPoll(kTimes, {}, 0), absl::Hours(1));
  EXPECT_EQ(UntilNextPoll(kTimes, {}, 0.5), absl::Minutes(63));
  EXPECT_LT(UntilNextPoll(kTimes, {}, 0.999), absl::Minutes(66));
}

TEST(PollTimes, DoubleAfterEachFailureUpToALimit) {
  EXPECT_EQ(AfterFailures(1), absl::Minutes(1));
  EXPECT_EQ(AfterFailures(2), absl::Minutes(2));
  EXPECT_EQ(AfterFailures(5), absl::Minutes(16));
  EXPECT_EQ(AfterFailures(6), absl::Minutes(30));
  EXPECT_EQ(AfterFailures(std::numeric_limits<int>::max()), absl::Minutes(30));
}

TEST(PollTimes, SpreadFailuresToo) {
  EXPECT_EQ(AfterFailures(3, 0.5), absl::Minutes(3.5));
  EXPECT_GT(AfterFailures(3, 0.999), absl::Minutes(3));
}

TEST(PollTimes, NeverRetryLaterThanAShortIntervalAtFirst) {
  const PollTimes often = {.interval = absl::Seconds(10),
                           .jitter = absl::ZeroDuration(),
                           .max_backoff = absl::Minutes(1)};
  EXPECT_EQ(UntilNextPoll(often, {.failures = 1}, 0), absl::Seconds(10));
  EXPECT_EQ(UntilNextPoll(often, {.failures = 9}, 0), absl::Minutes(1));
}

TEST(PollTimes, StayAwayAsLongAsTheServerAsksWithinLimits) {
  const auto asked = [](absl::Duration retry_after) {
    return UntilNextPoll(kTimes, {.failures = 1, .retry_after = retry_after},
                         0.5);
  };
  EXPECT_EQ(asked(absl::Hours(2)), absl::Hours(2));
  EXPECT_EQ(asked(absl::Hours(9999)), kMaxRetryAfter);
  EXPECT_EQ(asked(absl::InfiniteDuration()), kMaxRetryAfter);
  // Sooner than our own pace is no command.
  EXPECT_EQ(asked(absl::ZeroDuration()), AfterFailures(1, 0.5));
  // After a success nobody asks for anything.
  EXPECT_EQ(
      UntilNextPoll(kTimes, {.failures = 0, .retry_after = absl::Hours(2)}, 0),
      absl::Hours(1));
}

}  // namespace
}  // namespace anchorage::trustd

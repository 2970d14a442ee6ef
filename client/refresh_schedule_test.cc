#include "client/refresh_schedule.h"

#include <gtest/gtest.h>

namespace anchorage::client {
namespace {

constexpr absl::Duration kInterval = absl::Hours(1);
constexpr absl::Duration kNone = absl::ZeroDuration();

TEST(RefreshSchedule, AFleetWithFreshSetsDoesNotStartTogether) {
  const RefreshSchedule schedule(kInterval);
  EXPECT_EQ(schedule.First(true, 0), kNone);
  EXPECT_EQ(schedule.First(true, 0.5), absl::Seconds(150));
  EXPECT_EQ(RefreshSchedule(absl::Seconds(10)).First(true, 0.5),
            absl::Milliseconds(500));
}

TEST(RefreshSchedule, WhoHasNoFreshSetAsksAtOnce) {
  EXPECT_EQ(RefreshSchedule(kInterval).First(false, 0.9), kNone);
}

TEST(RefreshSchedule, AsksAboutEveryInterval) {
  RefreshSchedule schedule(kInterval);
  EXPECT_EQ(schedule.After(true, kNone, 0), absl::Minutes(54));
  EXPECT_EQ(schedule.After(true, kNone, 0.5), kInterval);
}

TEST(RefreshSchedule, EachFailureDoublesThePauseUpToTheInterval) {
  RefreshSchedule schedule(absl::Seconds(30));
  for (const int seconds : {5, 10, 20, 30, 30}) {
    EXPECT_EQ(schedule.After(false, kNone, 0.5), absl::Seconds(seconds));
  }
  for (int i = 0; i < 100; ++i) (void)schedule.After(false, kNone, 0.5);
  EXPECT_EQ(schedule.After(false, kNone, 0.5), absl::Seconds(30));
  (void)schedule.After(true, kNone, 0.5);
  EXPECT_EQ(schedule.After(false, kNone, 0.5), absl::Seconds(5));
}

TEST(RefreshSchedule, AFailureCostsNoMoreThanAnHour) {
  RefreshSchedule schedule(absl::Hours(6));
  for (int i = 0; i < 100; ++i) (void)schedule.After(false, kNone, 0.5);
  EXPECT_EQ(schedule.After(false, kNone, 0.5), RefreshSchedule::kMaxRetry);
}

TEST(RefreshSchedule, AServerCanOnlyMakeThePauseLonger) {
  RefreshSchedule schedule(kInterval);
  EXPECT_EQ(schedule.After(false, absl::Minutes(10), 0), absl::Minutes(10));
  EXPECT_EQ(schedule.After(false, absl::Minutes(10), 0.5), absl::Minutes(11));
  EXPECT_EQ(schedule.After(false, absl::Seconds(1), 0.5), absl::Seconds(20));
}

TEST(RefreshSchedule, AServerCanNotKeepAClientAway) {
  RefreshSchedule schedule(absl::Seconds(10));
  EXPECT_EQ(schedule.After(false, absl::InfiniteDuration(), 0), absl::Hours(1));
  EXPECT_EQ(schedule.After(true, absl::InfiniteDuration(), 0.5),
            absl::Seconds(10));
}

}  // namespace
}  // namespace anchorage::client

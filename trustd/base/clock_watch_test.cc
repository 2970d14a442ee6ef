#include "trustd/base/clock_watch.h"

#include <gtest/gtest.h>

#include <optional>

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kYear = absl::Hours(24 * 365);

class ClockWatchTest : public ::testing::Test {
 protected:
  void Pass(absl::Duration time) {
    now_ += time;
    uptime_ += time;
  }
  void SawDate(const std::string& source, absl::Time date) {
    watch_.SawDate(source, date, now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  absl::Duration uptime_ = absl::Hours(100);
  ClockWatch watch_{[this] { return now_; }, [this] { return uptime_; }};
};

TEST_F(ClockWatchTest, TimeThatPassesIsNoJump) {
  for (int i = 0; i < 100; ++i) {
    Pass(absl::Hours(24));
    EXPECT_EQ(watch_.TakeJump(), std::nullopt);
  }
  EXPECT_FALSE(watch_.suspicious());
}

TEST_F(ClockWatchTest, AJumpEitherWayIsToldOfOnce) {
  for (const absl::Duration jump : {-kYear, kYear}) {
    now_ += jump;
    Pass(absl::Seconds(30));
    EXPECT_EQ(watch_.TakeJump(), jump);
    EXPECT_EQ(watch_.TakeJump(), std::nullopt);
    Pass(absl::Hours(24));
    EXPECT_EQ(watch_.TakeJump(), std::nullopt);
    EXPECT_TRUE(watch_.suspicious());
  }
}

TEST_F(ClockWatchTest, WhoAsksFirstTakesTheJumpFromNobody) {
  now_ -= kYear;
  EXPECT_TRUE(watch_.suspicious());
  EXPECT_EQ(watch_.TakeJump(), -kYear);
}

TEST_F(ClockWatchTest, FiveMinutesAreNoJumpAndSmallStepsAddUp) {
  now_ += absl::Minutes(5);
  EXPECT_EQ(watch_.TakeJump(), std::nullopt);
  EXPECT_FALSE(watch_.suspicious());
  now_ += absl::Seconds(1);
  EXPECT_EQ(watch_.TakeJump(), absl::Seconds(301));
}

TEST_F(ClockWatchTest, TwoSourcesThatAgreeEndIt) {
  now_ += kYear;
  ASSERT_TRUE(watch_.suspicious());
  SawDate("one", now_ - kYear);
  SawDate("two", now_ - kYear);
  EXPECT_TRUE(watch_.suspicious()) << "they say that it is wrong";
  SawDate("one", now_ + absl::Minutes(5));
  SawDate("one", now_);
  EXPECT_TRUE(watch_.suspicious()) << "one alone";
  SawDate("two", now_ - absl::Minutes(5));
  EXPECT_FALSE(watch_.suspicious());
}

TEST_F(ClockWatchTest, OneThatNoLongerAgreesCountsNoMore) {
  now_ += kYear;
  ASSERT_TRUE(watch_.suspicious());
  SawDate("one", now_);
  SawDate("one", now_ + absl::Seconds(301));
  SawDate("two", now_);
  EXPECT_TRUE(watch_.suspicious());
}

TEST_F(ClockWatchTest, DatesFromBeforeAJumpCountNoMore) {
  SawDate("one", now_);
  now_ += kYear;
  ASSERT_TRUE(watch_.suspicious());
  SawDate("two", now_);
  EXPECT_TRUE(watch_.suspicious());
  // And another jump begins again.
  now_ -= kYear;
  SawDate("one", now_);
  EXPECT_TRUE(watch_.suspicious());
}

}  // namespace
}  // namespace anchorage::trustd

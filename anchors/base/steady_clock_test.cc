#include "anchors/base/steady_clock.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/time/clock.h"
#include "test/support/set_clock.h"

namespace anchorage::anchors {
namespace {

constexpr absl::Duration kYear = absl::Hours(24 * 365);
constexpr absl::Duration kShort = absl::Milliseconds(20);

class SteadyClockTest : public ::testing::Test {
 protected:
  ~SteadyClockTest() override { test::SetClockAhead(absl::ZeroDuration()); }
};

TEST_F(SteadyClockTest, GoesOnWhateverTheClockIsSetTo) {
  const absl::Duration before = SteadyNow();
  const absl::Time date = absl::Now();
  test::SetClockAhead(-kYear);
  EXPECT_LT(absl::Now(), date) << "the clock is not set";
  EXPECT_GE(SteadyNow(), before);
  test::SetClockAhead(kYear);
  EXPECT_LT(SteadyNow() - before, kYear);
}

// Hung for a year with abseil's waits.
TEST_F(SteadyClockTest, AClockThatIsSetBackProlongsNoWait) {
  StopSignal stop;
  test::SetClockAhead(kYear);
  EXPECT_FALSE(stop.WaitFor(kShort));
}

TEST_F(SteadyClockTest, AClockThatIsSetAheadCutsNoWaitShort) {
  StopSignal stop;
  test::SetClockAhead(-kYear);
  const absl::Duration begin = SteadyNow();
  EXPECT_FALSE(stop.WaitFor(kShort));
  EXPECT_GE(SteadyNow() - begin, kShort);
}

TEST_F(SteadyClockTest, AWaitEndsWithWhatItIsFor) {
  StopSignal stop;
  EXPECT_FALSE(stop.HasBeenNotified());
  std::thread other([&] { stop.Notify(); });
  EXPECT_TRUE(stop.WaitFor(absl::InfiniteDuration()));
  EXPECT_TRUE(stop.HasBeenNotified());
  other.join();
  // The longest there are.
  EXPECT_TRUE(stop.WaitFor(absl::Nanoseconds(1) * 9e18 * 1e6));
}

}  // namespace
}  // namespace anchorage::anchors

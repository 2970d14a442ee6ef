#include "trustd/admin/rate_limit.h"

#include <gtest/gtest.h>

#include <string>

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kNow = absl::Hours(1);

// How many of 100 calls at one time pass.
int Passing(RateLimit& limit, const std::string& name, absl::Duration now) {
  int passing = 0;
  for (int i = 0; i < 100; ++i) passing += limit.Take(name, now) ? 1 : 0;
  return passing;
}

TEST(RateLimit, LetsABurstThroughAndThenSomeMore) {
  RateLimit limit({.burst = 20, .refill = absl::Seconds(6)});
  EXPECT_EQ(Passing(limit, "a", kNow), 20);
  EXPECT_EQ(Passing(limit, "a", kNow + absl::Seconds(5)), 0);
  EXPECT_EQ(Passing(limit, "a", kNow + absl::Seconds(6)), 1);
  EXPECT_EQ(Passing(limit, "a", kNow + absl::Seconds(66)), 10);
}

TEST(RateLimit, NeverHoldsMoreThanTheBurst) {
  RateLimit limit({.burst = 20, .refill = absl::Seconds(6)});
  EXPECT_EQ(Passing(limit, "a", kNow), 20);
  EXPECT_EQ(Passing(limit, "a", kNow + absl::Hours(24)), 20);
}

TEST(RateLimit, CountsEachNameForItself) {
  RateLimit limit({.burst = 3, .refill = absl::Seconds(6)});
  EXPECT_EQ(Passing(limit, "a", kNow), 3);
  EXPECT_EQ(Passing(limit, "b", kNow), 3);
}

TEST(RateLimit, ForgetsManyNamesOnlyOnceTheirBucketsAreFull) {
  RateLimit limit({.burst = 1, .refill = absl::Seconds(6)});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(limit.Take(std::to_string(i), kNow));
  }
  EXPECT_FALSE(limit.Take("7", kNow + absl::Seconds(5)));
  EXPECT_TRUE(limit.Take("7", kNow + absl::Seconds(6)));
}

TEST(RateLimit, BeginsFullAtOnceAfterTheMachineHasStarted) {
  RateLimit limit({.burst = 3, .refill = absl::Seconds(6)});
  EXPECT_EQ(Passing(limit, "a", absl::ZeroDuration()), 3);
  EXPECT_EQ(Passing(limit, "a", absl::ZeroDuration()), 0);
}

}  // namespace
}  // namespace anchorage::trustd

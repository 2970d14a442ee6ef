#include "trustd/fleet/sender_count.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "trustd/fleet/sender_limit.h"
#include "trustd/fleet/senders_by_value.h"

namespace anchorage::trustd {
namespace {

// SplitMix64: like a keyed hash of the numbers from 0 on.
std::uint64_t HashOf(std::uint64_t number) {
  std::uint64_t z = (number + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

SenderCount CountOf(std::uint64_t begin, std::uint64_t end) {
  SenderCount count;
  for (std::uint64_t i = begin; i < end; ++i) count.Add(HashOf(i));
  return count;
}

TEST(SenderCount, IsExactForFew) {
  SenderCount count;
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t i = 0; i < SenderCount::kMostExact; ++i) {
      count.Add(HashOf(i));
      EXPECT_EQ(count.size(), round == 0 ? i + 1 : SenderCount::kMostExact);
    }
  }
  EXPECT_EQ(count.size(), SenderCount::kMostExact);
  EXPECT_TRUE(CountOf(0, 1).IsOne());
  EXPECT_FALSE(CountOf(0, 2).IsOne());
}

TEST(SenderCount, IsWithinFiveHundredthsForMany) {
  for (const std::uint64_t senders :
       {513u, 1000u, 5000u, 10'000u, 20'000u, 100'000u, 1'000'000u}) {
    const auto size = static_cast<double>(CountOf(0, senders).size());
    const auto true_size = static_cast<double>(senders);
    EXPECT_NEAR(size, true_size, 0.05 * true_size);
  }
}

TEST(SenderCount, CountsAnotherTimeForNothing) {
  SenderCount count = CountOf(0, 10'000);
  const std::uint64_t size = count.size();
  for (std::uint64_t i = 0; i < 10'000; ++i) count.Add(HashOf(i));
  EXPECT_EQ(count.size(), size);
}

TEST(SenderCount, MergesWhateverTheSizes) {
  for (const auto& [a, b] : std::vector<std::pair<int, int>>{
           {100, 200}, {100, 20'000}, {20'000, 100}, {20'000, 30'000}}) {
    const auto first = static_cast<std::uint64_t>(a);
    const auto all = static_cast<std::uint64_t>(a + b);
    SenderCount merged = CountOf(0, first);
    // Half of the first come again.
    merged.Merge(CountOf(first / 2, all));
    EXPECT_EQ(merged.size(), CountOf(0, all).size());
  }
}

TEST(SendersByValue, OneSenderKeepsNoValueOutThatSeveralSay) {
  SendersByValue versions(4);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    versions.Add("made-up-" + std::to_string(i), HashOf(0));
  }
  for (std::uint64_t i = 1; i <= 3; ++i) versions.Add("1.0.0", HashOf(i));
  for (std::uint64_t i = 0; i < 1000; ++i) {
    versions.Add("made-up-" + std::to_string(i), HashOf(0));
  }
  const auto top = versions.Top(4);
  ASSERT_EQ(top.size(), 5u);
  EXPECT_EQ(top.front(), (std::pair<std::string, std::uint64_t>("1.0.0", 3)));
  // Of all that has no place, the one sender.
  EXPECT_EQ(top.back(), (std::pair<std::string, std::uint64_t>("other", 1)));
}

TEST(SendersByValue, WhatIsNotAmongTheFirstIsOther) {
  SendersByValue versions(8);
  std::uint64_t sender = 0;
  for (int value = 1; value <= 3; ++value) {
    for (int i = 0; i < value; ++i) {
      versions.Add(std::to_string(value), HashOf(sender++));
    }
  }
  const std::vector<std::pair<std::string, std::uint64_t>> expected = {
      {"3", 3}, {"other", 3}};
  EXPECT_EQ(versions.Top(1), expected);
}

TEST(SenderLimit, GivesFiveAtOnceAndThenOneAMinute) {
  SenderLimit limit;
  const absl::Duration now = absl::Hours(1);
  for (int i = 0; i < SenderLimit::kBurst; ++i) {
    EXPECT_EQ(limit.Take(HashOf(1), now), absl::ZeroDuration());
  }
  EXPECT_EQ(limit.Take(HashOf(1), now), absl::Minutes(1));
  EXPECT_EQ(limit.Take(HashOf(1), now + absl::Seconds(20)), absl::Seconds(40));
  EXPECT_EQ(limit.Take(HashOf(2), now), absl::ZeroDuration());
  EXPECT_EQ(limit.Take(HashOf(1), now + absl::Minutes(1)),
            absl::ZeroDuration());
  EXPECT_GT(limit.Take(HashOf(1), now + absl::Minutes(1)),
            absl::ZeroDuration());
}

TEST(SenderLimit, AMillionSendersKeepNoneOut) {
  SenderLimit limit;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    ASSERT_EQ(limit.Take(HashOf(i), absl::Hours(1)), absl::ZeroDuration());
  }
}

}  // namespace
}  // namespace anchorage::trustd

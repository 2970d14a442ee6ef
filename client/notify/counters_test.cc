#include "client/notify/counters.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace anchorage::client {
namespace {

using verify::AnchorKind;
using verify::Reason;
using verify::Slot;

const Slot kOregon{
    .partition = "aws", .region = "us-west-2", .kind = AnchorKind::kIidRsa2048};
const Slot kUnknown{
    .partition = "", .region = "", .kind = AnchorKind::kIidRsa2048};

std::uint64_t Of(const Counters& counters, const Slot& slot,
                 std::optional<Reason> reason) {
  for (const OutcomeCount& each : counters.Snapshot()) {
    if (each.slot == slot && each.reason == reason) return each.count;
  }
  return 0;
}

TEST(Counters, CountBySlotAndReason) {
  Counters counters;
  Slot dsa = kOregon;
  dsa.kind = AnchorKind::kIidDsa;
  counters.Count(kOregon, std::nullopt);
  counters.Count(kOregon, std::nullopt);
  counters.Count(kOregon, Reason::kMaxValue);
  counters.Count(dsa, Reason::kInputTooLarge);
  counters.Count(kUnknown, std::nullopt);
  EXPECT_EQ(Of(counters, kOregon, std::nullopt), 2u);
  EXPECT_EQ(Of(counters, kOregon, Reason::kMaxValue), 1u);
  EXPECT_EQ(Of(counters, dsa, Reason::kInputTooLarge), 1u);
  EXPECT_EQ(Of(counters, kUnknown, std::nullopt), 1u);
  EXPECT_EQ(counters.Snapshot().size(), 4u);
}

TEST(Counters, SlotsBeyondTheLimitAreCountedAsUnknown) {
  Counters counters;
  Slot slot = kOregon;
  constexpr std::size_t kMore = 3;
  for (std::size_t i = 0; i < Counters::kMaxSlots + kMore; ++i) {
    slot.region = "region-of-a-long-name-" + std::to_string(i);
    counters.Count(slot, std::nullopt);
  }
  EXPECT_EQ(counters.Snapshot().size(), Counters::kMaxSlots + 1);
  EXPECT_EQ(Of(counters, kUnknown, std::nullopt), kMore);
  slot.region = "region-of-a-long-name-0";
  counters.Count(slot, std::nullopt);
  EXPECT_EQ(Of(counters, slot, std::nullopt), 2u);
}

TEST(Counters, ThreadsThatMeetASlotForTheFirstTimeShareItsRow) {
  constexpr int kThreads = 8;
  constexpr int kSlots = 64;
  Counters counters;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&counters] {
      Slot slot = kOregon;
      for (int j = 0; j < kSlots; ++j) {
        slot.region = std::to_string(j);
        counters.Count(slot, std::nullopt);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto all = counters.Snapshot();
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kSlots));
  for (const OutcomeCount& each : all) EXPECT_EQ(each.count, kThreads);
}

TEST(Counters, TellOfARefusalOnceInAPause) {
  constexpr absl::Duration kPause = absl::Minutes(1);
  Counters counters;
  absl::Duration now = absl::Hours(1);
  std::uint64_t left_out = 99;
  const auto refuse = [&] {
    return counters.Count(kOregon, Reason::kTooOld).Tell(now, kPause, left_out);
  };
  ASSERT_TRUE(refuse());
  EXPECT_EQ(left_out, 0u);
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(refuse());
  now += kPause - absl::Nanoseconds(1);
  ASSERT_FALSE(refuse());
  now += absl::Nanoseconds(1);
  ASSERT_TRUE(refuse());
  EXPECT_EQ(left_out, 1001u);
  now += kPause;
  ASSERT_TRUE(refuse());
  EXPECT_EQ(left_out, 0u);
  EXPECT_TRUE(
      counters.Count(kOregon, Reason::kMaxValue).Tell(now, kPause, left_out));
}

}  // namespace
}  // namespace anchorage::client

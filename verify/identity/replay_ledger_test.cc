#include "verify/identity/replay_ledger.h"

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

const absl::Time kLaunch = absl::FromUnixSeconds(1'700'000'000);
const ReplayFacts kFacts = {.pending_time = kLaunch, .binding = ""};

std::optional<Reason> Admit(ReplayLedger& ledger, std::string_view key,
                            const ReplayFacts& facts, ReplayMode mode) {
  return ReasonOf(ledger.Admit(key, facts, mode));
}

TEST(InMemoryReplayLedger, AdmitsASingleUseOnce) {
  InMemoryReplayLedger ledger(10);
  EXPECT_EQ(Admit(ledger, "a", kFacts, ReplayMode::kSingleUse), std::nullopt);
  EXPECT_EQ(Admit(ledger, "b", kFacts, ReplayMode::kSingleUse), std::nullopt);
  EXPECT_EQ(Admit(ledger, "a", kFacts, ReplayMode::kSingleUse),
            Reason::kReplayed);
}

TEST(InMemoryReplayLedger, BindsAtFirstUse) {
  InMemoryReplayLedger ledger(10);
  const ReplayFacts mine = {.pending_time = kLaunch, .binding = "mine"};
  const ReplayFacts yours = {.pending_time = kLaunch, .binding = "yours"};
  constexpr auto kMode = ReplayMode::kFirstUseBinds;
  EXPECT_EQ(Admit(ledger, "i", mine, kMode), std::nullopt);
  EXPECT_EQ(Admit(ledger, "i", mine, kMode), std::nullopt);
  EXPECT_EQ(Admit(ledger, "i", yours, kMode), Reason::kReplayed);
  EXPECT_EQ(Admit(ledger, "i", mine, kMode), std::nullopt);
  EXPECT_EQ(Admit(ledger, "j", yours, kMode), std::nullopt);
}

TEST(InMemoryReplayLedger, KeepsTheNewestPendingTime) {
  InMemoryReplayLedger ledger(10);
  const ReplayFacts newer = {.pending_time = kLaunch + absl::Seconds(1),
                             .binding = ""};
  constexpr auto kMode = ReplayMode::kNewestPendingTime;
  EXPECT_EQ(Admit(ledger, "i", kFacts, kMode), std::nullopt);
  EXPECT_EQ(Admit(ledger, "i", kFacts, kMode), std::nullopt);
  EXPECT_EQ(Admit(ledger, "i", newer, kMode), std::nullopt);
  EXPECT_EQ(Admit(ledger, "i", kFacts, kMode), Reason::kPendingTimeRegressed);
  EXPECT_EQ(Admit(ledger, "i", newer, kMode), std::nullopt);
  EXPECT_EQ(Admit(ledger, "j", kFacts, kMode), std::nullopt);
}

TEST(InMemoryReplayLedger, RefusesANewKeyWhenItIsFull) {
  InMemoryReplayLedger ledger(1);
  constexpr auto kMode = ReplayMode::kNewestPendingTime;
  EXPECT_EQ(Admit(ledger, "a", kFacts, kMode), std::nullopt);
  EXPECT_EQ(Admit(ledger, "b", kFacts, kMode), Reason::kLedgerUnavailable);
  EXPECT_EQ(Admit(ledger, "a", kFacts, kMode), std::nullopt);
  EXPECT_EQ(ledger.size(), 1u);
}

TEST(InMemoryReplayLedger, ForgetsWhatIsTooOldToBeAccepted) {
  InMemoryReplayLedger ledger(10);
  const ReplayFacts newer = {.pending_time = kLaunch + absl::Seconds(1),
                             .binding = ""};
  ASSERT_EQ(Admit(ledger, "a", kFacts, ReplayMode::kSingleUse), std::nullopt);
  ASSERT_EQ(Admit(ledger, "b", newer, ReplayMode::kSingleUse), std::nullopt);
  EXPECT_EQ(ledger.ForgetBefore(newer.pending_time), 1u);
  EXPECT_EQ(ledger.size(), 1u);
  EXPECT_EQ(Admit(ledger, "b", newer, ReplayMode::kSingleUse),
            Reason::kReplayed);
}

// Many threads show the same evidence first.
TEST(InMemoryReplayLedger, LetsExactlyOneOfManyFirstUsesWin) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 200;
  InMemoryReplayLedger ledger(kRounds * 2);
  std::atomic<int> used = 0;
  std::atomic<int> bound = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&ledger, &used, &bound, thread] {
      const std::string name = std::to_string(thread);
      const ReplayFacts facts = {.pending_time = kLaunch, .binding = name};
      for (int round = 0; round < kRounds; ++round) {
        const std::string key = std::to_string(round);
        if (ledger.Admit("once/" + key, facts, ReplayMode::kSingleUse).ok()) {
          ++used;
        }
        if (ledger.Admit("bind/" + key, facts, ReplayMode::kFirstUseBinds)
                .ok()) {
          ++bound;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(used, kRounds);
  EXPECT_EQ(bound, kRounds);
}

TEST(ReplayMode, HasAStableName) {
  EXPECT_EQ(NameOf(ReplayMode::kSingleUse), "SINGLE_USE");
  EXPECT_EQ(NameOf(ReplayMode::kFirstUseBinds), "FIRST_USE_BINDS");
  EXPECT_EQ(NameOf(ReplayMode::kNewestPendingTime), "NEWEST_PENDING_TIME");
}

}  // namespace
}  // namespace anchorage::verify

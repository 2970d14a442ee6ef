#include "verify/identity/replay_ledger.h"

#include <sys/wait.h>
#include <unistd.h>

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
// 2023-11-15T00:00:00Z
const absl::Time kNow = absl::FromUnixSeconds(1'700'006'400);
const ReplayFacts kFacts = {.pending_time = kLaunch, .binding = ""};

std::optional<Reason> Admit(ReplayLedger& ledger, std::string_view key,
                            const ReplayFacts& facts, ReplayMode mode) {
  return ReasonOf(ledger.Admit(key, facts, mode).status());
}

std::string WhyNot(ReplayLedger& ledger, std::string_view key,
                   const ReplayFacts& facts, ReplayMode mode) {
  return std::string(ledger.Admit(key, facts, mode).status().message());
}

bool Says(const std::string& text, std::string_view words) {
  return text.find(words) != text.npos;
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

TEST(InMemoryReplayLedger, SaysWhoHoldsTheBindingAndSinceWhen) {
  InMemoryReplayLedger ledger(10);
  constexpr auto kMode = ReplayMode::kFirstUseBinds;
  ReplayFacts mine = {.pending_time = kLaunch, .binding = "mine\n", .at = kNow};
  ASSERT_EQ(Admit(ledger, "i", mine, kMode), std::nullopt);
  mine.at += absl::Hours(1);
  ASSERT_EQ(Admit(ledger, "i", mine, kMode), std::nullopt);
  const ReplayFacts yours = {
      .pending_time = kLaunch, .binding = "yours", .at = kNow + absl::Hours(2)};
  const std::string why = WhyNot(ledger, "i", yours, kMode);
  EXPECT_TRUE(Says(why, "\"mine\\n\"")) << why;
  EXPECT_TRUE(Says(why, "first at 2023-11-15T00:00:00Z")) << why;
  EXPECT_TRUE(Says(why, "last at 2023-11-15T01:00:00Z")) << why;
  const BindingHolder holder = {"mine\n", kNow, kNow + absl::Hours(1)};
  EXPECT_EQ(ledger.HolderOf("i"), holder);
  EXPECT_EQ(ledger.HolderOf("j"), std::nullopt);
}

TEST(InMemoryReplayLedger, SaysWhenADocumentWasUsed) {
  InMemoryReplayLedger ledger(10);
  const ReplayFacts facts = {
      .pending_time = kLaunch, .binding = "", .at = kNow};
  ASSERT_EQ(Admit(ledger, "a", facts, ReplayMode::kSingleUse), std::nullopt);
  EXPECT_TRUE(Says(WhyNot(ledger, "a", facts, ReplayMode::kSingleUse),
                   "2023-11-15T00:00:00Z"));
}

TEST(InMemoryReplayLedger, ForgetsOneKey) {
  InMemoryReplayLedger ledger(10);
  ASSERT_EQ(Admit(ledger, "a", kFacts, ReplayMode::kSingleUse), std::nullopt);
  ASSERT_EQ(Admit(ledger, "b", kFacts, ReplayMode::kSingleUse), std::nullopt);
  EXPECT_TRUE(ledger.Forget("a"));
  EXPECT_FALSE(ledger.Forget("a"));
  EXPECT_EQ(Admit(ledger, "a", kFacts, ReplayMode::kSingleUse), std::nullopt);
  EXPECT_EQ(Admit(ledger, "b", kFacts, ReplayMode::kSingleUse),
            Reason::kReplayed);
}

// Bound to "mine", last seen at kNow; what "yours" gets.
struct Takeover {
  const char* name;
  absl::Duration newer_by;
  absl::Duration silence;
  absl::Duration rebind_after;
  bool is_admitted;
};

class Rebinding : public ::testing::TestWithParam<Takeover> {};

TEST_P(Rebinding, NeedsANewerDocumentAndASilentHolder) {
  constexpr auto kMode = ReplayMode::kFirstUseBinds;
  InMemoryReplayLedger ledger(10);
  const ReplayFacts mine = {
      .pending_time = kLaunch, .binding = "mine", .at = kNow};
  ASSERT_EQ(Admit(ledger, "i", mine, kMode), std::nullopt);
  const ReplayFacts yours = {.pending_time = kLaunch + GetParam().newer_by,
                             .binding = "yours",
                             .at = kNow + GetParam().silence,
                             .rebind_after = GetParam().rebind_after};
  const auto admission = ledger.Admit("i", yours, kMode);
  EXPECT_EQ(admission.ok(), GetParam().is_admitted) << admission.status();
  if (!admission.ok()) {
    EXPECT_EQ(ReasonOf(admission.status()), Reason::kReplayed);
    EXPECT_EQ(ledger.HolderOf("i"), (BindingHolder{"mine", kNow, kNow}));
    return;
  }
  EXPECT_EQ(admission->replaced, (BindingHolder{"mine", kNow, kNow}));
  EXPECT_EQ(ledger.HolderOf("i"), (BindingHolder{"yours", yours.at, yours.at}));
  // The old holder's document is older now, however long it waits.
  ReplayFacts again = mine;
  again.at = yours.at + absl::Hours(24 * 365);
  again.rebind_after = yours.rebind_after;
  EXPECT_EQ(Admit(ledger, "i", again, kMode), Reason::kReplayed);
}

constexpr absl::Duration kWeek = absl::Hours(24 * 7);

INSTANTIATE_TEST_SUITE_P(
    Replay, Rebinding,
    ::testing::Values(
        Takeover{"Off", absl::Hours(1), 10 * kWeek, absl::InfiniteDuration(),
                 false},
        Takeover{"OffAtAllTimes", absl::Hours(1), absl::InfiniteDuration(),
                 absl::InfiniteDuration(), false},
        Takeover{"SameDocument", absl::ZeroDuration(), 10 * kWeek, kWeek,
                 false},
        Takeover{"OlderDocument", absl::Hours(-1), 10 * kWeek, kWeek, false},
        Takeover{"HolderSeenLately", absl::Hours(1), kWeek - absl::Seconds(1),
                 kWeek, false},
        Takeover{"ClockWentBack", absl::Hours(1), -kWeek, kWeek, false},
        Takeover{"NewerAndSilent", absl::Seconds(1), kWeek, kWeek, true}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(InMemoryReplayLedger, CountsTheHoldersSilenceFromItsLatestUse) {
  constexpr auto kMode = ReplayMode::kFirstUseBinds;
  InMemoryReplayLedger ledger(10);
  ReplayFacts mine = {.pending_time = kLaunch, .binding = "mine", .at = kNow};
  ASSERT_EQ(Admit(ledger, "i", mine, kMode), std::nullopt);
  mine.at = kNow + kWeek;
  ASSERT_EQ(Admit(ledger, "i", mine, kMode), std::nullopt);
  const ReplayFacts yours = {.pending_time = kLaunch + absl::Hours(1),
                             .binding = "yours",
                             .at = kNow + kWeek + absl::Hours(1),
                             .rebind_after = kWeek};
  EXPECT_EQ(Admit(ledger, "i", yours, kMode), Reason::kReplayed);
}

TEST(ReplayKey, DiffersByModeAndByWhatItNames) {
  EXPECT_EQ(InstanceReplayKey(ReplayMode::kFirstUseBinds, "aws", "eu-west-1",
                              "i-1234567890abcdef0"),
            "FIRST_USE_BINDS/aws/eu-west-1/i-1234567890abcdef0");
  EXPECT_NE(DocumentReplayKey("a"), DocumentReplayKey("b"));
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

// A child waited for ever for a lock that a thread of its parent held.
TEST(InMemoryReplayLedgerTest, IsFreeInAForkedChild) {
  InMemoryReplayLedger ledger(1000);
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) (void)ledger.size();
  });
  for (int i = 0; i < 300; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      ::_exit(ledger.Forget("a") ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0) << i;
  }
  stop = true;
  other.join();
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

#include "test/fleet/fleet.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/time/time.h"
#include "test/fleet/memo.h"

namespace anchorage::fleet {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);

std::string Text(const Outcome& outcome) {
  std::string text;
  for (const auto& [property, failures] : outcome.failures) {
    text += property + " " + std::to_string(failures.count) + ": " +
            failures.first + "\n";
  }
  for (const auto& [what, count] : outcome.counts) {
    text += what + ": " + std::to_string(count) + "\n";
  }
  return text + absl::FormatDuration(outcome.longest_to_converge) + " " +
         std::to_string(outcome.worst_requests);
}

// Small enough for a second, large enough for every incident.
Options Small() { return {.seed = 1, .clients = 30, .span = 150 * kDay}; }

TEST(FleetTest, ThreeHundredClientsKeepEveryRule) {
  Outcome outcome = RunFleet({.seed = 1, .clients = 300, .span = 60 * kDay});
  EXPECT_TRUE(outcome.ok()) << Text(outcome);
  // It could have failed.
  for (const char* what :
       {"refreshes", "refreshes that failed", "starts", "publications",
        "power cuts while writing", "damaged files", "documents accepted",
        "documents refused", "weather: forger", "weather: replay",
        "weather: roots alone"}) {
    EXPECT_GT(outcome.counts[what], 3u) << what;
  }
  EXPECT_GT(Memos().remembered, Memos().asked / 2);
}

TEST(FleetTest, OneSeedIsOneRun) {
  const std::string first = Text(RunFleet(Small()));
  EXPECT_EQ(Text(RunFleet(Small())), first);
  UseMemos(false);
  EXPECT_EQ(Text(RunFleet(Small())), first);
  UseMemos(true);
}

// Each property fails for the client, or the world, that breaks its rule.
TEST(FleetTest, EachPropertyCanFail) {
  const struct {
    Mutation mutation;
    std::string property;
  } cases[] = {
      {Mutation::kRefusesExpired, "GENUINE"},
      {Mutation::kBelievesAnySignature, "FALSE"},
      {Mutation::kForgets, "REVOKED"},
      {Mutation::kForgets, "SEQUENCE"},
      {Mutation::kNoRetry, "CONVERGE"},
      {Mutation::kNoJitter, "HERD"},
      {Mutation::kMisread, "AGREE"},
  };
  for (const auto& [mutation, property] : cases) {
    Options options = Small();
    options.clients = 100;
    options.mutation = mutation;
    const Outcome outcome = RunFleet(options);
    EXPECT_TRUE(outcome.failures.contains(property)) << property << "\n"
                                                     << Text(outcome);
  }
}

}  // namespace
}  // namespace anchorage::fleet

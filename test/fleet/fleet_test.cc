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

TEST(FleetTest, ThreeHundredClientsKeepEveryRule) {
  Options options{.seed = 1, .clients = 300, .span = 40 * kDay};
  options.incidents.erase(Incident::kOutage);
  Outcome outcome = RunFleet(options);
  EXPECT_TRUE(outcome.ok()) << Text(outcome);
  // It could have failed.
  for (const char* what :
       {"refreshes", "refreshes that failed", "starts", "publications",
        "power cuts while writing", "damaged files", "documents accepted",
        "documents refused", "weather: forger", "weather: replay",
        "weather: roots alone", "weather: thief"}) {
    EXPECT_GT(outcome.counts[what], 2u) << what;
  }
  EXPECT_GT(Memos().remembered, Memos().asked / 2);
}

TEST(FleetTest, FortyDaysWithoutTrustdRefuseNothing) {
  const Outcome outcome =
      RunFleet({.seed = 2, .clients = 10, .span = 150 * kDay});
  EXPECT_TRUE(outcome.ok()) << Text(outcome);
}

TEST(FleetTest, OneSeedIsOneRunWhateverIsRemembered) {
  Options options{.seed = 3, .clients = 6, .span = 40 * kDay};
  options.incidents.erase(Incident::kOutage);
  const std::string first = Text(RunFleet(options));
  EXPECT_EQ(Text(RunFleet(options)), first);
  UseMemos(false);
  EXPECT_EQ(Text(RunFleet(options)), first);
  UseMemos(true);
  options.seed = 4;
  EXPECT_NE(Text(RunFleet(options)), first);
}

// Each property fails for the client, or the world, that breaks its rule.
TEST(FleetTest, EachPropertyCanFail) {
  const struct {
    std::string property;
    Options options;
  } cases[] = {
      {"GENUINE",
       {.clients = 10,
        .span = 100 * kDay,
        .incidents = {Incident::kOutage},
        .mutation = Mutation::kRefusesExpired}},
      {"FALSE",
       {.clients = 60,
        .span = 40 * kDay,
        .incidents = {},
        .mutation = Mutation::kBelievesAnySignature}},
      {"REVOKED",
       {.clients = 30,
        .span = 60 * kDay,
        .incidents = {Incident::kAwsKeyTheft},
        .mutation = Mutation::kForgets}},
      {"SEQUENCE",
       {.clients = 30,
        .span = 60 * kDay,
        .incidents = {Incident::kAwsKeyTheft},
        .mutation = Mutation::kGoesBack}},
      {"CONVERGE",
       {.clients = 30,
        .span = 40 * kDay,
        .incidents = {},
        .mutation = Mutation::kNoRetry}},
      {"HERD",
       {.clients = 200,
        .span = 10 * kDay,
        .incidents = {Incident::kPowerCut},
        .mutation = Mutation::kNoJitter}},
      {"AGREE",
       {.clients = 10,
        .span = 60 * kDay,
        .incidents = {Incident::kAwsKeyTheft},
        .mutation = Mutation::kMisread}},
  };
  for (const auto& [property, options] : cases) {
    const Outcome outcome = RunFleet(options);
    EXPECT_TRUE(outcome.failures.contains(property)) << property << "\n"
                                                     << Text(outcome);
    // And holds where the rule is kept.
    Options kept = options;
    kept.mutation = Mutation::kNone;
    const Outcome good = RunFleet(kept);
    EXPECT_TRUE(good.ok()) << property << "\n" << Text(good);
  }
}

}  // namespace
}  // namespace anchorage::fleet

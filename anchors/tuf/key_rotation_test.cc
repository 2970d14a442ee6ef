// Which signatures make a new root, and new metadata of the other roles,
// trusted: by keys, threshold and signers of one version after the other.

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"

namespace anchorage::anchors::tuf {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Numbers of test keys far from those that the simulator hands out.
constexpr int kFirstKey = 1000;

struct Version {
  std::vector<int> keys;
  int threshold;
  std::vector<int> signers;
};

struct Case {
  std::string name;
  std::vector<Version> versions;
  // Why the last version is refused; nullopt if it is not.
  std::optional<TufReason> refused;
};

void SetKeys(RepositorySimulator& repository, const std::string& role,
             const Version& version) {
  RoleSpec& spec = repository.RootRole(role);
  spec.keys.clear();
  spec.threshold = version.threshold;
  repository.signers[role].clear();
  for (const int key : version.keys) {
    spec.keys.push_back(TestKey(kFirstKey + key)->public_key());
  }
  for (const int key : version.signers) {
    repository.signers[role].push_back(TestKey(kFirstKey + key));
  }
}

std::string NameOfCase(const ::testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

class RootRotationTest : public ::testing::TestWithParam<Case> {};

TEST_P(RootRotationTest, NeedsTheOldAndTheNewThreshold) {
  RepositorySimulator repository(kNow);
  repository.root.version = 0;
  for (const Version& version : GetParam().versions) {
    SetKeys(repository, "root", version);
    repository.Publish({"root"});
  }
  const std::int64_t last = repository.root.version;
  MemoryStore store;
  auto updater = Updater::Create(repository.published("root", 1), kNow,
                                 &repository, &store);
  ASSERT_THAT(updater, IsOk());
  const absl::Status refreshed = updater->Refresh();
  if (GetParam().refused.has_value()) {
    EXPECT_THAT(refreshed, RejectedFor(*GetParam().refused));
    EXPECT_EQ(store.files["root.json"], repository.published("root", last - 1));
  } else {
    EXPECT_THAT(refreshed, IsOk());
    EXPECT_EQ(store.files["root.json"], repository.published("root", last));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Roots, RootRotationTest,
    ::testing::Values(
        Case{"OneOfOneRotates",
             {{{1}, 1, {1}}, {{2}, 1, {2, 1}}, {{2}, 1, {2}}},
             {}},
        Case{"OneOfOneRotatesWithUnusedSignatures",
             {{{1}, 1, {3, 1, 4}}, {{2}, 1, {3, 2, 1, 4}}, {{2}, 1, {3, 2, 4}}},
             {}},
        Case{"ThreeOfFiveInAnyCombination",
             {{{0, 1, 2, 3, 4}, 3, {0, 2, 4}},
              {{0, 1, 2, 3, 4}, 3, {0, 4, 1}},
              {{0, 1, 2, 3, 4}, 3, {0, 1, 3}},
              {{0, 1, 2, 3, 4}, 3, {0, 1, 3}}},
             {}},
        Case{"ThreeOfFiveOneKeyRotates",
             {{{0, 1, 2, 3, 4}, 3, {0, 2, 4}}, {{0, 1, 3, 4, 5}, 3, {0, 4, 1}}},
             {}},
        Case{"ThreeOfFiveOneKeyRotatesInTwoSteps",
             {{{0, 1, 2, 3, 4}, 3, {0, 2, 4}},
              {{0, 1, 3, 4, 5}, 3, {0, 2, 4, 5}},
              {{0, 1, 3, 4, 5}, 3, {0, 4, 5}}},
             {}},
        Case{"ThreeOfFiveAllKeysRotateInTwoSteps",
             {{{0, 1, 2, 3, 4}, 3, {0, 2, 4}},
              {{5, 6, 7, 8, 9}, 3, {0, 2, 4, 5, 6, 7}},
              {{5, 6, 7, 8, 9}, 3, {5, 6, 7}}},
             {}},
        Case{"ThresholdGrows",
             {{{1, 2, 3}, 1, {1}}, {{1, 2, 3}, 2, {1, 2}}},
             {}},
        Case{"ThresholdShrinks",
             {{{1, 2, 3}, 2, {1, 2}},
              {{1, 2, 3}, 1, {1, 2}},
              {{1, 2, 3}, 1, {1}}},
             {}},
        Case{"KeysAndThresholdGrow", {{{1}, 1, {1}}, {{1, 2}, 2, {1, 2}}}, {}},
        Case{"NotSignedWithTheOldKey",
             {{{1}, 1, {1}}, {{2}, 1, {2, 3, 4}}},
             TufReason::kThresholdNotMet},
        Case{"NotSignedWithTheNewKey",
             {{{1}, 1, {1}}, {{2}, 1, {1, 3, 4}}},
             TufReason::kRootNotSelfSigned},
        Case{"NotSignedWithThreeNewKeys",
             {{{0, 1, 2, 3, 4}, 3, {0, 2, 4}}, {{0, 1, 3, 4, 5}, 3, {0, 2, 4}}},
             TufReason::kRootNotSelfSigned},
        Case{"NotSignedWithThreeOldKeys",
             {{{0, 1, 2, 3, 4}, 3, {0, 2, 4}}, {{0, 1, 3, 4, 5}, 3, {0, 4, 5}}},
             TufReason::kThresholdNotMet},
        Case{"NewThresholdNotReached",
             {{{1, 2, 3}, 1, {1}}, {{1, 2, 3}, 2, {2}}},
             TufReason::kRootNotSelfSigned},
        Case{"OldThresholdNotReached",
             {{{1, 2, 3}, 2, {1, 2}}, {{1, 2, 3}, 1, {1}}},
             TufReason::kThresholdNotMet}),
    NameOfCase);

class RoleRotationTest : public ::testing::TestWithParam<Case> {};

TEST_P(RoleRotationTest, NeedsTheThresholdThatTheRootNames) {
  RepositorySimulator repository(kNow);
  const std::string baked_in = repository.published("root", 1);
  MemoryStore store;
  for (const std::string role : {"timestamp", "snapshot", "targets"}) {
    SCOPED_TRACE(role);
    SetKeys(repository, role, GetParam().versions[0]);
    repository.Publish({"root", "targets", "snapshot", "timestamp"});
    auto updater = Updater::Create(baked_in, kNow, &repository, &store);
    ASSERT_THAT(updater, IsOk());
    const absl::Status refreshed = updater->Refresh();
    if (GetParam().refused.has_value()) {
      EXPECT_THAT(refreshed, RejectedFor(*GetParam().refused));
      EXPECT_FALSE(store.files.contains(role + ".json"));
    } else {
      EXPECT_THAT(refreshed, IsOk());
      EXPECT_EQ(store.files[role + ".json"],
                repository.metadata[role + ".json"]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Roles, RoleRotationTest,
    ::testing::Values(
        Case{"OneOfOne", {{{2}, 1, {2}}}, {}},
        Case{"UnusedSignatures", {{{1}, 1, {3, 1, 4}}}, {}},
        Case{"NotSignedWithTheNewKey",
             {{{2}, 1, {1, 3, 4}}},
             TufReason::kThresholdNotMet},
        Case{"OneSignatureByAnotherKey",
             {{{0, 1, 3, 4, 5}, 3, {0, 2, 4}}},
             TufReason::kThresholdNotMet},
        Case{"OneSignatureMissing",
             {{{0, 1, 3, 4, 5}, 3, {0, 4}}},
             TufReason::kThresholdNotMet},
        Case{"ThreeOfFiveFirst", {{{0, 1, 2, 3, 4}, 3, {0, 2, 4}}}, {}},
        Case{"ThreeOfFiveSecond", {{{0, 1, 2, 3, 4}, 3, {0, 4, 1}}}, {}},
        Case{"ThreeOfFiveThird", {{{0, 1, 2, 3, 4}, 3, {0, 1, 3}}}, {}},
        Case{"ThreeOfFiveFourth", {{{0, 1, 2, 3, 4}, 3, {1, 2, 3}}}, {}},
        Case{"ThreeOfFiveFifth", {{{0, 1, 2, 3, 4}, 3, {2, 3, 4}}}, {}}),
    NameOfCase);

}  // namespace
}  // namespace anchorage::anchors::tuf

// Searching through delegated roles against an in-process repository.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"

namespace anchorage::anchors::tuf {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// One line of a graph: who delegates what to whom.
struct Line {
  std::string delegator;
  std::string role;
  bool terminating = false;
  std::vector<std::string> paths = {"*"};
};

class UpdaterDelegationTest : public ::testing::Test {
 protected:
  void Add(const Line& line) {
    DelegationSpec delegation;
    delegation.name = line.role;
    delegation.paths = line.paths;
    delegation.terminating = line.terminating;
    repository_.AddDelegation(line.delegator, delegation);
  }

  // Publishes every targets role, and what is above.
  void PublishAll() {
    std::vector<std::string> names;
    for (const auto& [name, role] : repository_.roles) names.push_back(name);
    repository_.Publish(names);
    repository_.Publish({"snapshot", "timestamp"});
  }

  // One updater, refreshed; what it asked for then is forgotten.
  Updater Refreshed() {
    auto updater = Updater::Create(repository_.published("root", 1), kNow,
                                   &repository_, &store_);
    EXPECT_THAT(updater->Refresh(), IsOk());
    repository_.requests.clear();
    return *std::move(updater);
  }

  RepositorySimulator repository_{kNow};
  MemoryStore store_;
};

struct Graph {
  std::string name;
  std::vector<Line> lines;
  std::vector<std::string> visited;
};

class TraversalTest : public UpdaterDelegationTest,
                      public ::testing::WithParamInterface<Graph> {};

TEST_P(TraversalTest, AsksRolesInPreOrder) {
  for (const Line& line : GetParam().lines) Add(line);
  PublishAll();
  Updater updater = Refreshed();
  EXPECT_THAT(updater.FindTarget("missingpath"),
              RejectedFor(TufReason::kTargetNotFound));
  std::vector<std::string> expected;
  for (const std::string& role : GetParam().visited) {
    expected.push_back(absl::StrCat("1.", role, ".json"));
  }
  EXPECT_THAT(repository_.requests, ElementsAreArray(expected));
  for (const std::string& role : GetParam().visited) {
    EXPECT_TRUE(store_.files.contains(role + ".json")) << role;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Graphs, TraversalTest,
    ::testing::Values(
        Graph{"OneRole", {{"targets", "A"}}, {"A"}},
        Graph{"TwoRoles", {{"targets", "A"}, {"targets", "B"}}, {"A", "B"}},
        Graph{"TwoLevels",
              {{"targets", "A"}, {"targets", "B"}, {"B", "C"}},
              {"A", "B", "C"}},
        Graph{"TwoLevelsDepthFirst",
              {{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"A", "D"}},
              {"A", "C", "D", "B"}},
        Graph{"ThreeLevelsDepthFirst",
              {{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"C", "D"}},
              {"A", "C", "D", "B"}},
        Graph{
            "TerminatingEndsTheSearch",
            {{"targets", "A"}, {"targets", "B"}, {"A", "C", true}, {"A", "D"}},
            {"A", "C"}},
        Graph{
            "TerminatingGoesOnBelow",
            {{"targets", "A"}, {"targets", "B"}, {"A", "C", true}, {"C", "D"}},
            {"A", "C", "D"}},
        Graph{"TerminatingElsewhereDoesNotMatter",
              {{"targets", "A", true, {"*.py"}}, {"targets", "B"}},
              {"B"}},
        Graph{"OtherPathsAreNotAsked",
              {{"targets", "A", false, {"*.py"}}, {"targets", "B"}, {"A", "C"}},
              {"B"}},
        Graph{"OtherPathsAreNotAskedBelow",
              {{"targets", "A"},
               {"targets", "B"},
               {"A", "C", false, {"*.py"}},
               {"C", "D"}},
              {"A", "B"}},
        Graph{"Cycle",
              {{"targets", "A"},
               {"targets", "B"},
               {"B", "C"},
               {"C", "D"},
               {"D", "B"}},
              {"A", "B", "C", "D"}},
        Graph{"ARoleIsAskedOnce",
              {{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"A", "C"}},
              {"A", "C", "B"}},
        Graph{"ARoleIsAskedThroughWhomCoversThePath",
              {{"targets", "A"},
               {"targets", "B"},
               {"B", "C"},
               {"A", "C", false, {"*.py"}}},
              {"A", "B", "C"}}),
    [](const auto& info) { return info.param.name; });

TEST_F(UpdaterDelegationTest, FindsTargetsInTheRolesThatCoverThem) {
  Add({"targets", "A", false, {"*.doc", "*.md"}});
  Add({"targets", "B", false, {"releases/*/*"}});
  Add({"B", "C", false, {"releases/x/*"}});
  Add({"B", "D", false, {"releases/y/*.zip"}});
  repository_.AddTarget("targets", "targetfile", "by targets");
  repository_.AddTarget("A", "README.md", "by A");
  repository_.AddTarget("C", "releases/x/x_v1", "by C");
  repository_.AddTarget("D", "releases/y/y_v1.zip", "by D");
  repository_.AddTarget("D", "releases/z/z_v1.zip", "by D, but not its own");
  PublishAll();
  const std::pair<std::string, std::string> found[] = {
      {"targetfile", "by targets"},
      {"README.md", "by A"},
      {"releases/x/x_v1", "by C"},
      {"releases/y/y_v1.zip", "by D"}};
  for (const auto& [path, bytes] : found) {
    SCOPED_TRACE(path);
    Updater updater = Refreshed();
    const auto target = updater.FindTarget(path);
    ASSERT_THAT(target, IsOk());
    const auto downloaded = updater.DownloadTarget(path, *target);
    ASSERT_THAT(downloaded, IsOk());
    EXPECT_EQ(*downloaded, bytes);
  }
  EXPECT_THAT(Refreshed().FindTarget("releases/z/z_v1.zip"),
              RejectedFor(TufReason::kTargetNotFound));
}

TEST_F(UpdaterDelegationTest, FindsTargetsByTheHashOfTheirPath) {
  DelegationSpec delegation;
  delegation.name = "bin";
  const std::string hash = verify::Sha256Hex("file");
  delegation.path_hash_prefixes = {{"zz", hash.substr(0, 3)}};
  repository_.AddDelegation("targets", delegation);
  repository_.AddTarget("bin", "file", "bytes");
  repository_.AddTarget("bin", "other", "bytes");
  PublishAll();
  EXPECT_THAT(Refreshed().FindTarget("file"), IsOk());
  EXPECT_THAT(Refreshed().FindTarget("other"),
              RejectedFor(TufReason::kTargetNotFound));
}

TEST_F(UpdaterDelegationTest, EncodesUnusualRoleNames) {
  const std::pair<std::string, std::string> cases[] = {
      {"?", "%3F"},
      {"#", "%23"},
      {"/delegatedrole", "%2Fdelegatedrole"},
      {"../delegatedrole", "..%2Fdelegatedrole"},
      {"..", ".."},
      {"a b~c_d-e", "a%20b~c_d-e"}};
  for (const auto& [role, encoded] : cases) {
    SCOPED_TRACE(role);
    repository_ = RepositorySimulator(kNow);
    store_ = MemoryStore();
    Add({"targets", role});
    PublishAll();
    EXPECT_THAT(Refreshed().FindTarget("missing"),
                RejectedFor(TufReason::kTargetNotFound));
    EXPECT_THAT(repository_.requests, ElementsAre("1." + encoded + ".json"));
    EXPECT_TRUE(store_.files.contains(encoded + ".json"));
  }
}

TEST_F(UpdaterDelegationTest, DoesNotAskForARoleThatTheSnapshotDoesNotList) {
  Add({"targets", "A"});
  repository_.Publish({"targets", "snapshot", "timestamp"});
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kRoleMissing));
  EXPECT_TRUE(repository_.requests.empty());
}

TEST_F(UpdaterDelegationTest, UsesStoredRolesWithoutAskingAgain) {
  Add({"targets", "A"});
  repository_.AddTarget("A", "file", "bytes");
  PublishAll();
  ASSERT_THAT(Refreshed().FindTarget("file"), IsOk());
  EXPECT_THAT(Refreshed().FindTarget("file"), IsOk());
  EXPECT_TRUE(repository_.requests.empty());
}

TEST_F(UpdaterDelegationTest, RemembersARoleThatItHasVerified) {
  Add({"targets", "A"});
  repository_.AddTarget("A", "file", "bytes");
  PublishAll();
  Updater updater = Refreshed();
  ASSERT_THAT(updater.FindTarget("file"), IsOk());
  store_.files.clear();
  repository_.requests.clear();
  EXPECT_THAT(updater.FindTarget("file"), IsOk());
  EXPECT_TRUE(repository_.requests.empty());
}

TEST_F(UpdaterDelegationTest, AsksAgainForADamagedStoredRole) {
  Add({"targets", "A"});
  repository_.AddTarget("A", "file", "bytes");
  PublishAll();
  ASSERT_THAT(Refreshed().FindTarget("file"), IsOk());
  store_.files["A.json"][40] ^= 1;
  EXPECT_THAT(Refreshed().FindTarget("file"), IsOk());
  EXPECT_THAT(repository_.requests, ElementsAre("1.A.json"));
}

// b18: the checks of a delegated role are those of targets.

TEST_F(UpdaterDelegationTest, RefusesARoleThatItsDelegatorsKeysDidNotSign) {
  Add({"targets", "A"});
  repository_.signers["A"] = repository_.signers["targets"];
  PublishAll();
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kThresholdNotMet));
  EXPECT_FALSE(store_.files.contains("A.json"));
}

TEST_F(UpdaterDelegationTest, RefusesAnExpiredRole) {
  Add({"targets", "A"});
  repository_.roles["A"].expires = kNow;
  PublishAll();
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kDelegatedExpired));
}

TEST_F(UpdaterDelegationTest, RefusesARoleOfAnotherVersionThanListed) {
  Add({"targets", "A"});
  PublishAll();
  repository_.Publish({"A"});
  repository_.metadata["1.A.json"] = repository_.published("A", 2);
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kTargetsVersionMismatch));
}

TEST_F(UpdaterDelegationTest, RefusesARoleWithAnotherHashThanListed) {
  Add({"targets", "A"});
  repository_.list_hashes = true;
  PublishAll();
  const std::string listed = repository_.published("A", 1);
  repository_.roles["A"].expires += absl::Hours(1);
  repository_.PublishAgain({"A"});
  ASSERT_EQ(repository_.published("A", 1).size(), listed.size());
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kHashMismatch));
}

TEST_F(UpdaterDelegationTest, RefusesARoleThatIsLongerThanListed) {
  Add({"targets", "A"});
  repository_.list_hashes = true;
  PublishAll();
  repository_.metadata["1.A.json"] += " ";
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kLengthMismatch));
}

TEST_F(UpdaterDelegationTest, FailsIfARoleIsNotThere) {
  Add({"targets", "A"});
  PublishAll();
  repository_.metadata.erase("1.A.json");
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kFileNotOnServer));
}

TEST_F(UpdaterDelegationTest, AsksOnlySoManyRoles) {
  for (int i = 0; i < kMaxDelegations; ++i) {
    Add({"targets", absl::StrCat("R", i)});
  }
  PublishAll();
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kTargetNotFound));
  store_ = MemoryStore();
  Add({"targets", "OneMore"});
  PublishAll();
  EXPECT_THAT(Refreshed().FindTarget("file"),
              RejectedFor(TufReason::kDelegationLimit));
  EXPECT_EQ(repository_.requests.size(),
            static_cast<std::size_t>(kMaxDelegations));
}

// Two roles delegate to a third, each with a key of its own.
class DiamondTest : public UpdaterDelegationTest {
 protected:
  DiamondTest() {
    Add({"targets", "A", false, {"a/*"}});
    Add({"targets", "B", false, {"b/*"}});
    Add({"A", "C", false, {"a/*"}});
    Add({"B", "C", false, {"b/*"}});
    repository_.AddTarget("C", "a/file", "bytes");
    repository_.AddTarget("C", "b/file", "bytes");
  }
};

TEST_F(DiamondTest, AcceptsARoleThatBothDelegatorsKeysSigned) {
  PublishAll();
  Updater updater = Refreshed();
  EXPECT_THAT(updater.FindTarget("a/file"), IsOk());
  EXPECT_THAT(updater.FindTarget("b/file"), IsOk());
  EXPECT_THAT(repository_.requests,
              ElementsAre("1.A.json", "1.C.json", "1.B.json"));
}

TEST_F(DiamondTest, RefusesAKnownRoleThroughADelegatorWhoseKeysDidNotSign) {
  repository_.signers["C"].pop_back();  // B's key
  PublishAll();
  Updater updater = Refreshed();
  EXPECT_THAT(updater.FindTarget("a/file"), IsOk());
  EXPECT_THAT(updater.FindTarget("b/file"),
              RejectedFor(TufReason::kThresholdNotMet));
  // And not another time either, nor from the store.
  EXPECT_THAT(updater.FindTarget("a/file"), IsOk());
  EXPECT_THAT(updater.FindTarget("b/file"),
              RejectedFor(TufReason::kThresholdNotMet));
  EXPECT_THAT(Refreshed().FindTarget("b/file"),
              RejectedFor(TufReason::kThresholdNotMet));
}

}  // namespace
}  // namespace anchorage::anchors::tuf

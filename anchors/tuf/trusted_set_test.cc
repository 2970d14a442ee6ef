// The trusted set by itself: the order of its steps, and that a failed step
// changes nothing. What each check refuses is in updater_test.cc.

#include "anchors/tuf/trusted_set.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "anchors/tuf/tuf_error.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"

namespace anchorage::anchors::tuf {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class TrustedSetTest : public ::testing::Test {
 protected:
  TrustedSetTest() {
    repository_.AddTarget("targets", "file", "bytes");
    DelegationSpec delegation;
    delegation.name = "d";
    delegation.paths = {{"*"}};
    repository_.AddDelegation("targets", delegation);
    repository_.Publish({"root", "d", "targets", "snapshot", "timestamp"});
  }

  std::string File(const std::string& role, std::int64_t version) {
    return repository_.published(role, version);
  }

  TrustedSet NewSet() { return *TrustedSet::FromRoot(File("root", 1), kNow); }

  // Through all steps.
  TrustedSet Good() {
    TrustedSet set = NewSet();
    EXPECT_THAT(set.UpdateRoot(File("root", 2)), IsOk());
    EXPECT_THAT(set.FinishRoots(), IsOk());
    EXPECT_THAT(set.UpdateTimestamp(File("timestamp", 2)), IsOk());
    EXPECT_THAT(set.UpdateSnapshot(File("snapshot", 2)), IsOk());
    EXPECT_THAT(set.UpdateTargets(File("targets", 2)), IsOk());
    return set;
  }

  RepositorySimulator repository_{kNow};
};

TEST_F(TrustedSetTest, TakesAWholeRepository) {
  const TrustedSet set = Good();
  EXPECT_TRUE(set.complete());
  EXPECT_EQ(set.root().envelope.bytes, File("root", 2));
  EXPECT_EQ(set.timestamp()->envelope.bytes, File("timestamp", 2));
  EXPECT_EQ(set.snapshot()->envelope.bytes, File("snapshot", 2));
  EXPECT_EQ(set.targets()->envelope.bytes, File("targets", 2));
  EXPECT_EQ(set.expires(), kNow + absl::Hours(24 * 30));
  EXPECT_THAT(set.Lookup("file"), IsOk());
  EXPECT_THAT(set.Lookup("other"), RejectedFor(TufReason::kTargetNotFound));
  EXPECT_THAT(set.VerifyTarget("file", "bytes"), IsOk());
  EXPECT_THAT(set.VerifyTarget("file", "bytez"),
              RejectedFor(TufReason::kTargetHashMismatch));
}

TEST_F(TrustedSetTest, ExpiresWhenItsFirstFileDoes) {
  repository_.snapshot.expires = kNow + absl::Hours(1);
  repository_.PublishAgain({"snapshot"});
  EXPECT_EQ(Good().expires(), kNow + absl::Hours(1));
}

TEST_F(TrustedSetTest, AllowsNoStepOutOfOrder) {
  const auto refused = RejectedFor(TufReason::kOutOfOrder);
  TrustedSet set = NewSet();
  EXPECT_THAT(set.UpdateTimestamp(File("timestamp", 2)), refused);
  EXPECT_THAT(set.UpdateSnapshot(File("snapshot", 2)), refused);
  EXPECT_THAT(set.UpdateTargets(File("targets", 2)), refused);
  EXPECT_THAT(set.Lookup("file"), refused);
  EXPECT_THAT(set.VerifyTarget("file", "bytes"), refused);
  EXPECT_EQ(set.timestamp(), nullptr);
  ASSERT_THAT(set.FinishRoots(), IsOk());
  EXPECT_THAT(set.UpdateRoot(File("root", 2)), refused);
  EXPECT_THAT(set.FinishRoots(), refused);
  EXPECT_THAT(set.UpdateSnapshot(File("snapshot", 2)), refused);
  EXPECT_THAT(set.UseHeldTimestamp(), refused);
  ASSERT_THAT(set.UpdateTimestamp(File("timestamp", 2)), IsOk());
  EXPECT_THAT(set.UpdateTimestamp(File("timestamp", 2)), refused);
  EXPECT_THAT(set.UpdateTargets(File("targets", 2)), refused);
  EXPECT_THAT(set.UseHeldSnapshot(), refused);
  ASSERT_THAT(set.UpdateSnapshot(File("snapshot", 2)), IsOk());
  EXPECT_THAT(set.UseHeldTargets(), refused);
  EXPECT_EQ(set.targets(), nullptr);
  auto top = std::make_shared<const Targets>(*ParseTargets(File("targets", 2)));
  EXPECT_THAT(set.UpdateDelegated(top, "d", File("d", 1)), refused);
}

TEST_F(TrustedSetTest, StaysAsItWasAfterEachFailedStep) {
  TrustedSet set = NewSet();
  const auto reject = [](const absl::Status& status) {
    EXPECT_FALSE(status.ok());
  };
  reject(set.UpdateRoot(File("root", 1)));
  reject(set.UpdateRoot("junk"));
  EXPECT_EQ(set.root().envelope.version, 1);
  EXPECT_THAT(set.UpdateRoot(File("root", 2)), IsOk());
  EXPECT_THAT(set.FinishRoots(), IsOk());
  reject(set.UpdateTimestamp(File("snapshot", 2)).status());
  EXPECT_EQ(set.timestamp(), nullptr);
  EXPECT_THAT(set.UpdateTimestamp(File("timestamp", 2)), IsOk());
  reject(set.UpdateSnapshot(File("snapshot", 1)));
  EXPECT_EQ(set.snapshot(), nullptr);
  EXPECT_THAT(set.UpdateSnapshot(File("snapshot", 2)), IsOk());
  reject(set.UpdateTargets(File("targets", 1)));
  EXPECT_EQ(set.targets(), nullptr);
  EXPECT_THAT(set.UpdateTargets(File("targets", 2)), IsOk());
}

TEST_F(TrustedSetTest, GoesOnFromItsOwnFilesInTheNextRefresh) {
  TrustedSet set = Good();
  set.Begin(kNow + absl::Hours(1));
  EXPECT_FALSE(set.complete());
  EXPECT_EQ(set.now(), kNow + absl::Hours(1));
  ASSERT_THAT(set.FinishRoots(), IsOk());
  EXPECT_THAT(set.UpdateTimestamp(File("timestamp", 1)),
              RejectedFor(TufReason::kTimestampRollback));
  const auto update = set.UpdateTimestamp(File("timestamp", 2));
  ASSERT_THAT(update, IsOk());
  EXPECT_EQ(*update, TimestampUpdate::kUnchanged);
  EXPECT_THAT(set.UseHeldSnapshot(), IsOk());
  EXPECT_THAT(set.UseHeldTargets(), IsOk());
  EXPECT_TRUE(set.complete());
}

TEST_F(TrustedSetTest, CopiesAreIndependent) {
  const TrustedSet set = Good();
  TrustedSet copy = set;
  copy.Begin(kNow);
  EXPECT_TRUE(set.complete());
  EXPECT_NE(set.targets(), nullptr);
}

TEST_F(TrustedSetTest, HoldsNothingThatIsNotSigned) {
  RepositorySimulator other(kNow);
  for (const char* role : {"timestamp", "snapshot", "targets"}) {
    other.RotateKeys(role);
  }
  other.Publish({"targets", "snapshot", "timestamp"});
  TrustedSet set = NewSet();
  ASSERT_THAT(set.FinishRoots(), IsOk());
  set.HoldTimestamp(other.published("timestamp", 2));
  set.HoldTimestamp("junk");
  EXPECT_THAT(set.UseHeldTimestamp(), RejectedFor(TufReason::kOutOfOrder));
  ASSERT_THAT(set.UpdateTimestamp(File("timestamp", 1)), IsOk());
  set.HoldSnapshot(other.published("snapshot", 2));
  set.HoldSnapshot("junk");
  EXPECT_THAT(set.UseHeldSnapshot(), RejectedFor(TufReason::kOutOfOrder));
  ASSERT_THAT(set.UpdateSnapshot(File("snapshot", 1)), IsOk());
  set.HoldTargets(other.published("targets", 2));
  set.HoldTargets("junk");
  EXPECT_THAT(set.UseHeldTargets(), RejectedFor(TufReason::kOutOfOrder));
}

TEST_F(TrustedSetTest, DoesNotUseAHeldFileThatIsNotTheOneAskedFor) {
  TrustedSet set = NewSet();
  ASSERT_THAT(set.FinishRoots(), IsOk());
  set.HoldSnapshot(File("snapshot", 1));
  set.HoldTargets(File("targets", 1));
  ASSERT_THAT(set.UpdateTimestamp(File("timestamp", 2)), IsOk());
  EXPECT_THAT(set.UseHeldSnapshot(),
              RejectedFor(TufReason::kSnapshotVersionMismatch));
  ASSERT_THAT(set.UpdateSnapshot(File("snapshot", 2)), IsOk());
  EXPECT_THAT(set.UseHeldTargets(),
              RejectedFor(TufReason::kTargetsVersionMismatch));
}

TEST_F(TrustedSetTest, DoesNotUseHeldFilesThatHaveExpired) {
  TrustedSet set = Good();
  const absl::Time later = kNow + absl::Hours(24 * 40);
  repository_.root.expires = later + absl::Hours(1);
  repository_.Publish({"root"});
  repository_.timestamp.expires = later + absl::Hours(1);
  repository_.Publish({"timestamp"});
  set.Begin(later);
  ASSERT_THAT(set.UpdateRoot(File("root", 3)), IsOk());
  ASSERT_THAT(set.FinishRoots(), IsOk());
  EXPECT_THAT(set.UseHeldTimestamp(),
              RejectedFor(TufReason::kTimestampExpired));
  ASSERT_THAT(set.UpdateTimestamp(File("timestamp", 3)), IsOk());
  EXPECT_THAT(set.UseHeldSnapshot(), RejectedFor(TufReason::kSnapshotExpired));
}

TEST_F(TrustedSetTest, DropsHeldFilesWhoseKeysANewRootRevokes) {
  TrustedSet set = Good();
  repository_.RotateKeys("timestamp");
  repository_.RotateKeys("snapshot");
  repository_.RotateKeys("targets");
  repository_.Publish({"root"});
  set.Begin(kNow);
  ASSERT_THAT(set.UpdateRoot(File("root", 3)), IsOk());
  ASSERT_THAT(set.FinishRoots(), IsOk());
  EXPECT_THAT(set.UseHeldTimestamp(), RejectedFor(TufReason::kOutOfOrder));
}

TEST_F(TrustedSetTest, KeepsDelegatedRolesByDelegator) {
  TrustedSet set = Good();
  const auto top = set.targets();
  EXPECT_EQ(set.delegated(top, "d"), nullptr);
  EXPECT_THAT(set.UpdateDelegated(top, "e", File("d", 1)),
              RejectedFor(TufReason::kRoleMissing));
  const auto role = set.UpdateDelegated(top, "d", File("d", 1));
  ASSERT_THAT(role, IsOk());
  EXPECT_EQ(set.delegated(top, "d"), *role);
  EXPECT_EQ(set.delegated(*role, "d"), nullptr);
  EXPECT_THAT(set.UpdateDelegated(*role, "d", File("d", 1)),
              RejectedFor(TufReason::kRoleMissing));
}

}  // namespace
}  // namespace anchorage::anchors::tuf

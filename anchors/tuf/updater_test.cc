// The whole workflow against an in-process repository: what a refresh accepts,
// what it refuses and why, what it asks the server for, and what it leaves in
// the store.

#include "anchors/tuf/updater.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/repository_simulator.h"
#include "test/support/tuf_test_matchers.h"

namespace anchorage::anchors::tuf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kDay = absl::Hours(24);

// A client with its baked-in root, its store and a clock.
class UpdaterTest : public ::testing::Test {
 protected:
  absl::StatusOr<Updater> NewUpdater() {
    return Updater::Create(baked_in_root_, now_, &repository_, &store_);
  }

  absl::Status Refresh() {
    repository_.requests.clear();
    auto updater = NewUpdater();
    if (!updater.ok()) return updater.status();
    const absl::Status status = updater->Refresh();
    equivocation_seen_ = updater->equivocation_seen();
    return status;
  }

  absl::StatusOr<std::string> Download(const std::string& path) {
    repository_.requests.clear();
    auto updater = NewUpdater();
    if (!updater.ok()) return updater.status();
    const absl::Status refreshed = updater->Refresh();
    if (!refreshed.ok()) return refreshed;
    const auto target = updater->FindTarget(path);
    if (!target.ok()) return target.status();
    return updater->DownloadTarget(path, *target);
  }

  // Expects these versions in the store; 0 stands for no file.
  void ExpectStored(std::int64_t root, std::int64_t timestamp,
                    std::int64_t snapshot, std::int64_t targets) {
    EXPECT_EQ(StoredVersion("root.json"), root);
    EXPECT_EQ(StoredVersion("timestamp.json"), timestamp);
    EXPECT_EQ(StoredVersion("snapshot.json"), snapshot);
    EXPECT_EQ(StoredVersion("targets.json"), targets);
  }

  std::int64_t StoredVersion(const std::string& name) {
    const auto file = store_.files.find(name);
    if (file == store_.files.end()) return 0;
    const std::string& bytes = file->second;
    if (name == "root.json") return ParseRoot(bytes)->envelope.version;
    if (name == "timestamp.json") {
      return ParseTimestamp(bytes)->envelope.version;
    }
    if (name == "snapshot.json") return ParseSnapshot(bytes)->envelope.version;
    return ParseTargets(bytes)->envelope.version;
  }

  // Another repository and an empty store, for the next of several cases.
  void StartAgain() {
    repository_ = RepositorySimulator(kNow);
    store_ = MemoryStore();
  }

  void PublishAll() {
    repository_.Publish({"root", "targets", "snapshot", "timestamp"});
  }

  RepositorySimulator repository_{kNow};
  std::string baked_in_root_ = repository_.published("root", 1);
  MemoryStore store_;
  absl::Time now_ = kNow;
  bool equivocation_seen_ = false;
};

// --- Basic -----------------------------------------------------------------

TEST_F(UpdaterTest, RefreshesARepositorySeenForTheFirstTime) {
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_THAT(repository_.requests,
              ElementsAre("2.root.json", "timestamp.json", "1.snapshot.json",
                          "1.targets.json"));
  ExpectStored(1, 1, 1, 1);
}

TEST_F(UpdaterTest, AsksForNothingThatItHas) {
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_THAT(repository_.requests,
              ElementsAre("2.root.json", "timestamp.json"));
}

TEST_F(UpdaterTest, ContinuesFromTheNewestRootInItsStore) {
  repository_.Publish({"root"});
  repository_.Publish({"root"});
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_EQ(StoredVersion("root.json"), 3);
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_THAT(repository_.requests,
              ElementsAre("4.root.json", "timestamp.json"));
}

TEST_F(UpdaterTest, StoresEachFileAfterItsOwnChecksInOrder) {
  repository_.Publish({"root"});
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_THAT(store_.saved,
              ElementsAre("root.json", "root_history/2.root.json", "root.json",
                          "timestamp.json", "snapshot.json", "targets.json"));
}

TEST_F(UpdaterTest, StoresTheBytesThatItReceived) {
  std::string& served = repository_.metadata["timestamp.json"];
  served += " \n";
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_EQ(store_.files["timestamp.json"], served);
}

TEST_F(UpdaterTest, RefusesAMalformedBakedInRootBeforeAskingForAnything) {
  baked_in_root_ = "{}";
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kMetadataMalformed));
  EXPECT_THAT(repository_.requests, IsEmpty());
}

TEST_F(UpdaterTest, RefusesAnUnsignedBakedInRootBeforeAskingForAnything) {
  baked_in_root_ = *WriteRoot(repository_.root);
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kRootNotSelfSigned));
  EXPECT_THAT(repository_.requests, IsEmpty());
}

TEST_F(UpdaterTest, KeepsWhatCameBeforeAnUnsignedRole) {
  struct Case {
    std::string role;
    std::int64_t root, timestamp, snapshot, targets;
    TufReason reason;
  };
  const Case cases[] = {
      {"root", 1, 0, 0, 0, TufReason::kThresholdNotMet},
      {"timestamp", 2, 0, 0, 0, TufReason::kThresholdNotMet},
      {"snapshot", 2, 2, 0, 0, TufReason::kThresholdNotMet},
      {"targets", 2, 2, 2, 0, TufReason::kThresholdNotMet},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.role);
    StartAgain();
    repository_.signers[c.role] = {TestKey(99)};
    PublishAll();
    EXPECT_THAT(Refresh(), RejectedFor(c.reason));
    ExpectStored(c.root, c.timestamp, c.snapshot, c.targets);
  }
}

TEST_F(UpdaterTest, KeepsWhatCameBeforeAFileOfAnotherVersionThanItsName) {
  repository_.root.version = 2;
  repository_.Publish({"root"});  // version 3
  repository_.metadata["2.root.json"] = repository_.published("root", 3);
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kRootVersionNotNext));
  ExpectStored(1, 0, 0, 0);
}

TEST_F(UpdaterTest, RefusesASnapshotOfAnotherVersionThanTheTimestampSays) {
  ASSERT_THAT(Refresh(), IsOk());
  repository_.Publish({"snapshot", "timestamp"});
  repository_.metadata["2.snapshot.json"] =
      repository_.published("snapshot", 1);
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kSnapshotVersionMismatch));
  ExpectStored(1, 2, 1, 1);
}

TEST_F(UpdaterTest, RefusesTargetsOfAnotherVersionThanTheSnapshotSays) {
  ASSERT_THAT(Refresh(), IsOk());
  PublishAll();
  repository_.metadata["2.targets.json"] = repository_.published("targets", 1);
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTargetsVersionMismatch));
  ExpectStored(2, 2, 2, 1);
}

TEST_F(UpdaterTest, IgnoresTargetsThatNoSnapshotNames) {
  ASSERT_THAT(Refresh(), IsOk());
  repository_.Publish({"targets"});
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_EQ(StoredVersion("targets.json"), 1);
}

TEST_F(UpdaterTest, KeepsItsTimestampAndSaysSoIfTheSameVersionChanges) {
  ASSERT_THAT(Refresh(), IsOk());
  EXPECT_FALSE(equivocation_seen_);
  const std::string before = store_.files["timestamp.json"];
  repository_.timestamp.snapshot.version = 100;
  repository_.PublishAgain({"timestamp"});
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_TRUE(equivocation_seen_);
  EXPECT_THAT(repository_.requests,
              ElementsAre("2.root.json", "timestamp.json"));
  EXPECT_EQ(store_.files["timestamp.json"], before);
}

TEST_F(UpdaterTest, GoesOnWithItsTimestampAfterASnapshotThatCouldNotBeHad) {
  repository_.failures["1.snapshot.json"] = absl::UnavailableError("down");
  ASSERT_THAT(Refresh(), RejectedFor(TufReason::kFetchFailed));
  repository_.failures.clear();
  EXPECT_THAT(Refresh(), IsOk());
  ExpectStored(1, 1, 1, 1);
}

TEST_F(UpdaterTest, AcceptsListedHashesAndLengths) {
  repository_.list_hashes = true;
  PublishAll();
  EXPECT_THAT(Refresh(), IsOk());
  ExpectStored(2, 2, 2, 2);
}

TEST_F(UpdaterTest, RefusesTargetsWithAnotherHashThanListed) {
  repository_.list_hashes = true;
  PublishAll();
  ASSERT_THAT(Refresh(), IsOk());
  repository_.Publish({"targets"});
  repository_.snapshot.files["targets.json"].hashes[0].hex[0] ^= 1;
  repository_.Publish({"snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kHashMismatch));
  ExpectStored(2, 3, 3, 2);
}

TEST_F(UpdaterTest, RefusesASnapshotThatIsLongerThanListed) {
  repository_.list_hashes = true;
  PublishAll();
  repository_.metadata["2.snapshot.json"] += " ";
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kLengthMismatch));
}

TEST_F(UpdaterTest, RefusesASnapshotThatIsShorterThanListed) {
  repository_.list_hashes = true;
  repository_.Publish({"targets", "snapshot"});
  *repository_.timestamp.snapshot.length += 1;
  repository_.Publish({"timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kLengthMismatch));
}

TEST_F(UpdaterTest, RefusesMetadataOfAnotherType) {
  // A snapshot that could be read as a timestamp, signed by its key.
  const KeyPtr key = repository_.signers["timestamp"][0];
  repository_.metadata["timestamp.json"] =
      SignJson(R"({"_type":"snapshot","spec_version":"1.0.31","version":2,)"
               R"("expires":"2099-01-01T00:00:00Z",)"
               R"("meta":{"snapshot.json":{"version":1}}})",
               {key});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kWrongType));
  ExpectStored(1, 0, 0, 0);
}

TEST_F(UpdaterTest, KeepsUnknownMembersUnderTheSignature) {
  const KeyPtr key = repository_.signers["timestamp"][0];
  repository_.metadata["timestamp.json"] = SignJson(
      R"({"_type":"timestamp","spec_version":"1.0.31","version":2,)"
      R"("expires":"2099-01-01T00:00:00Z","x":{"b":[null,"\u00e9"],"a":-1},)"
      R"("meta":{"snapshot.json":{"version":1,"y":true}}})",
      {key});
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_EQ(StoredVersion("timestamp.json"), 2);
}

TEST_F(UpdaterTest, WorksWithoutConsistentSnapshots) {
  repository_.root.consistent_snapshot = false;
  repository_.AddTarget("targets", "dir/file", "bytes");
  PublishAll();
  EXPECT_THAT(Download("dir/file"), IsOk());
  EXPECT_THAT(repository_.requests,
              ElementsAre("2.root.json", "3.root.json", "timestamp.json",
                          "snapshot.json", "targets.json", "targets/dir/file"));
}

// --- Not there, and no answer ----------------------------------------------

TEST_F(UpdaterTest, TakesNoAnswerForANewerRootAsNoRoot) {
  // b06: an error on the next root would otherwise be a way to freeze us.
  for (const auto code :
       {absl::StatusCode::kUnavailable, absl::StatusCode::kDeadlineExceeded,
        absl::StatusCode::kPermissionDenied, absl::StatusCode::kInternal}) {
    repository_.failures["2.root.json"] = absl::Status(code, "");
    EXPECT_THAT(Refresh(), RejectedFor(TufReason::kFetchFailed));
    EXPECT_THAT(repository_.requests, ElementsAre("2.root.json"));
  }
}

TEST_F(UpdaterTest, FailsIfThereIsNoTimestamp) {
  ASSERT_THAT(Refresh(), IsOk());
  repository_.metadata.erase("timestamp.json");
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kFileNotOnServer));
  ExpectStored(1, 1, 1, 1);
}

TEST_F(UpdaterTest, KeepsTheTimestampIfItsSnapshotIsNotThere) {
  ASSERT_THAT(Refresh(), IsOk());
  ++repository_.timestamp.snapshot.version;
  repository_.Publish({"timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kFileNotOnServer));
  EXPECT_EQ(repository_.requests.back(), "2.snapshot.json");
  ExpectStored(1, 2, 1, 1);
}

TEST_F(UpdaterTest, KeepsTheSnapshotIfItsTargetsAreNotThere) {
  ASSERT_THAT(Refresh(), IsOk());
  ++repository_.snapshot.files["targets.json"].version;
  repository_.Publish({"snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kFileNotOnServer));
  EXPECT_EQ(repository_.requests.back(), "2.targets.json");
  ExpectStored(1, 2, 2, 1);
}

TEST_F(UpdaterTest, FailsIfTheSnapshotListsNoTargets) {
  repository_.snapshot.files.clear();
  repository_.Publish({"snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kRoleMissing));
}

// --- Expiry ----------------------------------------------------------------

TEST_F(UpdaterTest, StoresAnExpiredRootButGoesNoFurther) {
  ASSERT_THAT(Refresh(), IsOk());
  repository_.root.expires = kNow - kDay;
  PublishAll();
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kRootExpired));
  ExpectStored(2, 1, 1, 1);
}

TEST_F(UpdaterTest, GoesThroughExpiredRootsToOneThatIsNot) {
  // b14: a device that was off for months.
  for (int i = 0; i < 5; ++i) {
    repository_.root.expires = kNow - kDay * (10 - i);
    repository_.Publish({"root"});
  }
  repository_.root.expires = kNow + kDay;
  repository_.Publish({"root"});
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_EQ(StoredVersion("root.json"), 7);
}

TEST_F(UpdaterTest, UpdatesThoughAllItHasExpired) {
  // b14 again: two months offline, everything in the store is out of date.
  ASSERT_THAT(Refresh(), IsOk());
  now_ = kNow + kDay * 60;
  ASSERT_THAT(Refresh(), RejectedFor(TufReason::kRootExpired));
  const absl::Time later = now_ + kDay * 30;
  repository_.root.expires = later;
  repository_.timestamp.expires = later;
  repository_.snapshot.expires = later;
  repository_.targets().expires = later;
  PublishAll();
  EXPECT_THAT(Refresh(), IsOk());
  ExpectStored(2, 2, 2, 2);
}

TEST_F(UpdaterTest, DoesNotStoreAnExpiredTimestamp) {
  ASSERT_THAT(Refresh(), IsOk());
  repository_.timestamp.expires = kNow - kDay;
  repository_.Publish({"timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTimestampExpired));
  ExpectStored(1, 1, 1, 1);
}

TEST_F(UpdaterTest, DoesNotStoreAnExpiredSnapshot) {
  ASSERT_THAT(Refresh(), IsOk());
  repository_.snapshot.expires = kNow - kDay;
  repository_.Publish({"snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kSnapshotExpired));
  ExpectStored(1, 2, 1, 1);
}

TEST_F(UpdaterTest, DoesNotStoreExpiredTargets) {
  ASSERT_THAT(Refresh(), IsOk());
  repository_.targets().expires = kNow - kDay;
  PublishAll();
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTargetsExpired));
  ExpectStored(2, 2, 2, 1);
}

TEST_F(UpdaterTest, TakesTheSecondOfExpiryAsExpired) {
  repository_.timestamp.expires = kNow;
  repository_.Publish({"timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTimestampExpired));
  now_ = kNow - absl::Seconds(1);
  EXPECT_THAT(Refresh(), IsOk());
}

TEST_F(UpdaterTest, RefusesAReplayedTimestampAfterItsExpiry) {
  // b06: whoever is between us and the server replays what was once true.
  ASSERT_THAT(Refresh(), IsOk());
  repository_.root.expires = kNow + kDay * 365;
  repository_.Publish({"root"});
  now_ = kNow + kDay * 31;
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTimestampExpired));
}

TEST_F(UpdaterTest, KeepsAnExpiredTimestampAsWhatItMustNotGoBackBehind) {
  repository_.timestamp.version = 5;
  repository_.timestamp.expires = kNow + kDay;
  repository_.Publish({"timestamp"});  // 6
  ASSERT_THAT(Refresh(), IsOk());
  now_ = kNow + kDay * 2;
  repository_.timestamp.version = 4;
  repository_.timestamp.expires = kNow + kDay * 30;
  repository_.Publish({"timestamp"});  // 5
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTimestampRollback));
  repository_.Publish({"timestamp"});  // 6, the same version, not the same
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTimestampExpired));
  repository_.Publish({"timestamp"});  // 7
  EXPECT_THAT(Refresh(), IsOk());
}

// --- Rollback --------------------------------------------------------------

TEST_F(UpdaterTest, RefusesAnOlderTimestamp) {
  repository_.Publish({"timestamp"});
  ASSERT_THAT(Refresh(), IsOk());
  repository_.metadata["timestamp.json"] =
      repository_.published("timestamp", 1);
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTimestampRollback));
  ExpectStored(1, 2, 1, 1);
}

TEST_F(UpdaterTest, RefusesATimestampOfAnOlderSnapshot) {
  for (const bool hashes : {false, true}) {
    SCOPED_TRACE(hashes);
    StartAgain();
    repository_.list_hashes = hashes;
    repository_.Publish({"snapshot", "timestamp"});
    ASSERT_THAT(Refresh(), IsOk());
    repository_.timestamp.snapshot =
        DescribeMetaFile(1, repository_.published("snapshot", 1));
    repository_.Publish({"timestamp"});
    EXPECT_THAT(Refresh(), RejectedFor(TufReason::kSnapshotEntryRollback));
    ExpectStored(1, 2, 2, 1);
  }
}

TEST_F(UpdaterTest, RefusesASnapshotOfOlderTargets) {
  for (const bool hashes : {false, true}) {
    SCOPED_TRACE(hashes);
    StartAgain();
    repository_.list_hashes = hashes;
    repository_.Publish({"targets", "snapshot", "timestamp"});
    ASSERT_THAT(Refresh(), IsOk());
    repository_.snapshot.files["targets.json"] =
        DescribeMetaFile(1, repository_.published("targets", 1));
    repository_.Publish({"snapshot", "timestamp"});
    EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTargetsEntryRollback));
    ExpectStored(1, 3, 2, 2);
  }
}

TEST_F(UpdaterTest, RefusesASnapshotWithoutARoleThatItHad) {
  DelegationSpec delegation;
  delegation.name = "a";
  delegation.paths = {{"*"}};
  repository_.AddDelegation("targets", delegation);
  repository_.Publish({"a", "targets", "snapshot", "timestamp"});
  ASSERT_THAT(Refresh(), IsOk());
  repository_.snapshot.files.erase("a.json");
  repository_.Publish({"snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kSnapshotEntryRemoved));
}

TEST_F(UpdaterTest, RefusesAnOlderSnapshotThoughTheTimestampIsNew) {
  // The timestamp's key was replaced, the snapshot's was not.
  repository_.Publish({"snapshot", "timestamp"});
  ASSERT_THAT(Refresh(), IsOk());
  repository_.RotateKeys("timestamp");
  repository_.timestamp.snapshot.version = 1;
  repository_.Publish({"root", "timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kSnapshotRollback));
}

TEST_F(UpdaterTest, RefusesTwoSnapshotsOfOneVersion) {
  // b10.
  repository_.list_hashes = true;
  PublishAll();
  ASSERT_THAT(Refresh(), IsOk());
  repository_.snapshot.expires += kDay;
  repository_.PublishAgain({"snapshot"});
  repository_.Publish({"timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kEquivocation));
  ExpectStored(2, 3, 2, 2);
}

TEST_F(UpdaterTest, RefusesTwoTargetsOfOneVersion) {
  // b10.
  repository_.list_hashes = true;
  PublishAll();
  ASSERT_THAT(Refresh(), IsOk());
  repository_.AddTarget("targets", "evil", "evil");
  repository_.PublishAgain({"targets"});
  repository_.Publish({"snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kEquivocation));
}

TEST_F(UpdaterTest, AcceptsMoreSignaturesOnOneVersion) {
  repository_.list_hashes = true;
  repository_.AddKey("targets", repository_.NewKey());
  PublishAll();
  repository_.signers["targets"].pop_back();
  repository_.PublishAgain({"targets", "snapshot", "timestamp"});
  ASSERT_THAT(Refresh(), IsOk());
  repository_.signers["targets"] = {repository_.signers["targets"][0],
                                    TestKey(4)};
  repository_.PublishAgain({"targets"});
  repository_.Publish({"snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_EQ(store_.files["targets.json"], repository_.published("targets", 2));
}

// --- Fast-forward and recovery (b09) ---------------------------------------

TEST_F(UpdaterTest, RecoversFromATimestampFastForward) {
  repository_.timestamp.version = (1LL << 53) - 2;
  repository_.Publish({"timestamp"});  // 2^53 - 1: nothing can follow
  ASSERT_THAT(Refresh(), IsOk());
  repository_.timestamp.version = 1;
  repository_.Publish({"timestamp"});
  ASSERT_THAT(Refresh(), RejectedFor(TufReason::kTimestampRollback));
  repository_.RotateKeys("timestamp");
  repository_.Publish({"root"});
  repository_.PublishAgain({"timestamp"});
  EXPECT_THAT(Refresh(), IsOk());
  ExpectStored(2, 2, 1, 1);
}

TEST_F(UpdaterTest, RecoversFromASnapshotFastForward) {
  repository_.snapshot.version = 99'998;
  repository_.Publish({"snapshot", "timestamp"});
  ASSERT_THAT(Refresh(), IsOk());
  repository_.RotateKeys("snapshot");
  repository_.RotateKeys("timestamp");
  repository_.snapshot.version = 1;
  repository_.Publish({"root", "snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_EQ(StoredVersion("snapshot.json"), 2);
}

TEST_F(UpdaterTest, RecoversFromATargetsFastForward) {
  repository_.targets().version = 99'998;
  repository_.Publish({"targets", "snapshot", "timestamp"});
  ASSERT_THAT(Refresh(), IsOk());
  repository_.RotateKeys("snapshot");
  repository_.targets().version = 1;
  repository_.Publish({"root", "targets", "snapshot", "timestamp"});
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_EQ(StoredVersion("targets.json"), 2);
}

TEST_F(UpdaterTest, StaysProtectedWhenARootOnlyAddsAKey) {
  repository_.Publish({"timestamp"});
  repository_.Publish({"timestamp"});
  ASSERT_THAT(Refresh(), IsOk());
  repository_.AddKey("timestamp", repository_.NewKey());
  repository_.timestamp.version = 1;
  repository_.Publish({"root", "timestamp"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kTimestampRollback));
}

TEST_F(UpdaterTest, RefusesAVersionThatJavaScriptCannotCount) {
  const KeyPtr key = repository_.signers["timestamp"][0];
  repository_.metadata["timestamp.json"] =
      SignJson(R"({"_type":"timestamp","spec_version":"1.0.31",)"
               R"("version":9007199254740991,"expires":"2099-01-01T00:00:00Z",)"
               R"("meta":{"snapshot.json":{"version":1}}})",
               {key});
  std::string& served = repository_.metadata["timestamp.json"];
  served.replace(served.find("9007199254740991"), 16, "9223372036854775807");
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kNumberNotCanonical));
}

// --- Roots -----------------------------------------------------------------

TEST_F(UpdaterTest, RefusesARootThatSkipsAVersion) {
  // b04.
  repository_.root.version = 2;
  repository_.Publish({"root"});  // 3
  repository_.metadata["2.root.json"] = repository_.published("root", 3);
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kRootVersionNotNext));
}

TEST_F(UpdaterTest, RefusesTheSameRootAsTheNext) {
  // b05.
  repository_.metadata["2.root.json"] = repository_.published("root", 1);
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kRootVersionNotNext));
}

TEST_F(UpdaterTest, StopsAfterSoManyRootsAndGoesOnNextTime) {
  // b11: an endless chain of roots.
  for (int i = 0; i < kMaxRootRotations + 3; ++i) repository_.Publish({"root"});
  EXPECT_THAT(Refresh(), RejectedFor(TufReason::kRootLimit));
  EXPECT_EQ(repository_.requests.size(),
            static_cast<std::size_t>(kMaxRootRotations));
  EXPECT_EQ(StoredVersion("root.json"), 1 + kMaxRootRotations);
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_EQ(StoredVersion("root.json"), 4 + kMaxRootRotations);
}

TEST_F(UpdaterTest, RefusesFilesThatAreTooLong) {
  // b11.
  const std::pair<std::string, std::size_t> cases[] = {
      {"2.root.json", kMaxRootBytes},
      {"timestamp.json", kMaxTimestampBytes},
      {"1.snapshot.json", kMaxSnapshotBytes},
      {"1.targets.json", kMaxTargetsBytes}};
  for (const auto& [name, limit] : cases) {
    SCOPED_TRACE(name);
    StartAgain();
    repository_.metadata[name] = std::string(limit + 1, ' ');
    EXPECT_THAT(Refresh(), RejectedFor(TufReason::kMetadataTooLarge));
  }
}

TEST_F(UpdaterTest, AcceptsAFileOfExactlyTheLimit) {
  std::string& timestamp = repository_.metadata["timestamp.json"];
  timestamp.resize(kMaxTimestampBytes, ' ');
  EXPECT_THAT(Refresh(), IsOk());
}

// --- The store is untrusted input ------------------------------------------

TEST_F(UpdaterTest, TakesADamagedStoreAsAnEmptyOne) {
  // b08.
  repository_.Publish({"root"});
  ASSERT_THAT(Refresh(), IsOk());
  for (auto& [name, bytes] : store_.files) bytes[bytes.size() / 2] ^= 1;
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_THAT(repository_.requests,
              ElementsAre("2.root.json", "3.root.json", "timestamp.json",
                          "1.snapshot.json", "1.targets.json"));
  ExpectStored(2, 1, 1, 1);
}

TEST_F(UpdaterTest, TakesHalfWrittenFilesAsAbsent) {
  // b17, as far as the store lets half a file through.
  ASSERT_THAT(Refresh(), IsOk());
  for (auto& [name, bytes] : store_.files) bytes.resize(bytes.size() / 2);
  EXPECT_THAT(Refresh(), IsOk());
  ExpectStored(1, 1, 1, 1);
}

TEST_F(UpdaterTest, DoesNotBelieveAForeignRootInItsStore) {
  // b08: a whole other repository, consistent in itself.
  RepositorySimulator other(kNow);
  other.RotateKeys("root");
  other.Publish({"root"});
  store_.files["root_history/2.root.json"] = other.published("root", 2);
  store_.files["root.json"] = other.published("root", 2);
  EXPECT_THAT(Refresh(), IsOk());
  ExpectStored(1, 1, 1, 1);
}

TEST_F(UpdaterTest, StartsFromTheBakedInRootIfThatIsNewerThanTheStore) {
  // b15.
  ASSERT_THAT(Refresh(), IsOk());
  repository_.Publish({"root"});
  repository_.Publish({"root"});
  baked_in_root_ = repository_.published("root", 3);
  EXPECT_THAT(Refresh(), IsOk());
  EXPECT_THAT(repository_.requests,
              ElementsAre("4.root.json", "timestamp.json"));
  EXPECT_EQ(StoredVersion("root.json"), 3);
}

TEST_F(UpdaterTest, GoesOnAfterACrashBetweenAnyTwoSaves) {
  // b07, b17: what is stored so far is always a state to start from.
  repository_.Publish({"root"});
  for (int saves = 0; saves < 6; ++saves) {
    SCOPED_TRACE(saves);
    store_ = MemoryStore();
    store_.saves_left = saves;
    EXPECT_THAT(Refresh(), RejectedFor(TufReason::kStoreFailed));
    store_.saves_left.reset();
    EXPECT_THAT(Refresh(), IsOk());
    ExpectStored(2, 1, 1, 1);
  }
}

// --- Targets ---------------------------------------------------------------

TEST_F(UpdaterTest, DownloadsATarget) {
  repository_.AddTarget("targets", "path/to/file", "content");
  PublishAll();
  const auto bytes = Download("path/to/file");
  ASSERT_THAT(bytes, IsOk());
  EXPECT_EQ(*bytes, "content");
  const Target target = DescribeTarget("content");
  EXPECT_EQ(repository_.requests.back(),
            absl::StrCat("targets/path/to/", target.hashes[0].hex, ".file"));
}

TEST_F(UpdaterTest, RefusesATargetWithOtherBytes) {
  repository_.AddTarget("targets", "file", "content");
  PublishAll();
  for (auto& [name, bytes] : repository_.files) bytes = "c0ntent";
  EXPECT_THAT(Download("file"), RejectedFor(TufReason::kTargetHashMismatch));
}

TEST_F(UpdaterTest, RefusesATargetOfAnotherLength) {
  repository_.AddTarget("targets", "file", "content");
  PublishAll();
  for (auto& [name, bytes] : repository_.files) bytes = "content, and more";
  EXPECT_THAT(Download("file"), RejectedFor(TufReason::kTargetLengthMismatch));
  for (auto& [name, bytes] : repository_.files) bytes = "cont";
  EXPECT_THAT(Download("file"), RejectedFor(TufReason::kTargetLengthMismatch));
}

TEST_F(UpdaterTest, FailsForATargetThatNobodyLists) {
  EXPECT_THAT(Download("nonexistent artifact"),
              RejectedFor(TufReason::kTargetNotFound));
  ExpectStored(1, 1, 1, 1);
}

TEST_F(UpdaterTest, FailsForATargetThatIsNotThere) {
  repository_.AddTarget("targets", "file", "content");
  PublishAll();
  repository_.files.clear();
  EXPECT_THAT(Download("file"), RejectedFor(TufReason::kFileNotOnServer));
  repository_.failures[repository_.requests.back()] =
      absl::UnavailableError("down");
  EXPECT_THAT(Download("file"), RejectedFor(TufReason::kFetchFailed));
}

TEST_F(UpdaterTest, NeverAsksForATargetOutsideTheFolder) {
  // b12.
  for (const char* path :
       {"../a", "a/../b", "/a", "a//b", "a/", "./a", "a/..", "a\\b", "a\nb"}) {
    SCOPED_TRACE(path);
    auto updater = NewUpdater();
    EXPECT_THAT(updater->DownloadTarget(path, DescribeTarget("x")),
                RejectedFor(TufReason::kTargetPathUnsafe));
  }
  EXPECT_THAT(repository_.requests, IsEmpty());
}

TEST_F(UpdaterTest, FindsNothingBeforeARefresh) {
  EXPECT_THAT(NewUpdater()->FindTarget("file"),
              RejectedFor(TufReason::kOutOfOrder));
}

// --- What is refused is named ------------------------------------------------

// A mirror's operator mends one file, and must be told which.
TEST_F(UpdaterTest, SaysWhichFileWasRefused) {
  const auto text = [&] { return std::string(Refresh().message()); };
  const auto good = repository_.metadata;
  repository_.metadata["timestamp.json"] = "<html>";
  EXPECT_THAT(text(), ::testing::HasSubstr("timestamp.json: "));
  repository_.metadata = good;
  repository_.metadata["1.snapshot.json"] = "<html>";
  EXPECT_THAT(text(), ::testing::HasSubstr("1.snapshot.json: "));
  repository_.metadata = good;
  repository_.metadata["2.root.json"] = "<html>";
  EXPECT_THAT(text(), ::testing::HasSubstr("2.root.json: "));
  repository_.metadata = good;
  // A mirror without the root that replaced the key of the timestamp.
  repository_.RotateKeys("timestamp");
  repository_.Publish({"root", "timestamp"});
  repository_.metadata.erase("2.root.json");
  EXPECT_THAT(text(), ::testing::HasSubstr("timestamp.json: 0 of 1"));
}

}  // namespace
}  // namespace anchorage::anchors::tuf

// Files that the owners of the keys did sign, in an order that they did not
// mean: older ones, skipped ones, two of one version, and versions that leave
// no room.

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "absl/strings/str_replace.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/channel/channel_test.h"

namespace anchorage::test {
namespace {

namespace tuf = anchors::tuf;
using tuf::TufReason;

constexpr std::int64_t kLastVersion = (std::int64_t{1} << 53) - 1;

TEST_P(ChannelTest, b04ARootThatSkipsAVersion) {
  Begin();
  repository().root.version = 2;
  repository().Publish({"root"});  // 3
  // Nobody asks for 3 before 2.
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
  held_ = client_->anchors();
  repository().metadata["2.root.json"] = repository().published("root", 3);
  ExpectRefused(TufReason::kRootVersionNotNext);
}

TEST_P(ChannelTest, b05AnOlderTimestamp) {
  const std::string older = servers_->Newest("timestamp");
  Begin();
  servers_->Serve("timestamp", older);
  ExpectRefused(TufReason::kTimestampRollback);
}

TEST_P(ChannelTest, b05ATimestampOfAnOlderSnapshot) {
  const tuf::MetaFile older = repository().timestamp.snapshot;
  Begin();
  repository().timestamp.snapshot = older;
  repository().Publish({"timestamp"});
  ExpectRefused(TufReason::kSnapshotEntryRollback);
}

TEST_P(ChannelTest, b05ASnapshotOfOlderTargets) {
  const tuf::MetaFile older = repository().snapshot.files["targets.json"];
  Begin();
  repository().snapshot.files["targets.json"] = older;
  repository().Publish({"snapshot", "timestamp"});
  ExpectRefused(TufReason::kTargetsEntryRollback, Signed({"timestamp"}));
}

TEST_P(ChannelTest, b05AnOlderCatalogUnderNewerVersions) {
  Begin();
  servers_->PublishCatalog(kSequence - 1);
  ExpectRefused(TufReason::kSequenceRollback,
                Signed({"timestamp", "snapshot", "targets"}));
}

TEST_P(ChannelTest, b05AnOlderRoot) {
  repository().Publish({"root"});
  Begin();
  repository().metadata["3.root.json"] = repository().published("root", 1);
  ExpectRefused(TufReason::kRootVersionNotNext);
}

TEST_P(ChannelTest, b09AVersionBeyondWhatOthersCount) {
  Begin();
  const std::string version = "\"version\":7777777";
  repository().timestamp.version = 7'777'776;
  repository().Publish({"timestamp"});
  servers_->Serve("timestamp",
                  absl::StrReplaceAll(servers_->Newest("timestamp"),
                                      {{version,
                                        "\"version\":9223372036854775"
                                        "807"}}));
  ExpectRefused(TufReason::kNumberNotCanonical);
}

// A thief of the timestamp key leaves no room for ours; a root that names
// another key is the way back.
TEST_P(ChannelTest, b09AFastForwardAndTheWayBack) {
  Begin();
  const std::int64_t ours = repository().timestamp.version;
  repository().timestamp.version = kLastVersion - 1;
  repository().Publish({"timestamp"});
  absl::Status status = Refresh();
  ASSERT_TRUE(status.ok()) << status;
  held_ = client_->anchors();
  files_ = FilesIn(folder_);

  repository().timestamp.version = ours;
  repository().Publish({"timestamp"});
  ExpectRefused(TufReason::kTimestampRollback);

  repository().RotateKeys("timestamp");
  repository().Publish({"root"});
  servers_->PublishCatalog(kSequence + 1);
  status = Refresh();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(client_->state().provenance.sequence, kSequence + 1);
  EXPECT_EQ(Make()->state().provenance.sequence, kSequence + 1);
}

TEST_P(ChannelTest, b10AnotherTimestampOfTheSameVersionIsIgnoredAndTold) {
  Begin();
  repository().timestamp.expires += kDay;
  repository().PublishAgain({"timestamp"});
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(client_->state().equivocations, 1u);
  EXPECT_EQ(client_->state().provenance.fresh_until,
            held_->provenance().fresh_until);
  held_ = client_->anchors();
  ExpectKept({});
}

TEST_P(ChannelTest, b10AnotherSnapshotOfTheSameVersion) {
  Begin();
  repository().snapshot.expires += kDay;
  repository().PublishAgain({"snapshot"});
  repository().Publish({"timestamp"});
  // The held one is of that version, so a client with files asks for no other.
  const absl::Status status = Refresh();
  EXPECT_TRUE(status.ok()) << status;
  const Files now = FilesIn(folder_);
  EXPECT_EQ(now.at("snapshot.json"), files_.at("snapshot.json"));
  // Where the timestamp says which of the two it means, the other is refused.
  repository().list_hashes = true;
  repository().PublishAgain({"snapshot"});
  repository().Publish({"timestamp"});
  held_ = client_->anchors();
  files_ = now;
  ExpectRefused(TufReason::kEquivocation, Signed({"timestamp"}));
}

TEST_P(ChannelTest, b10OtherTargetsOfTheSameVersion) {
  Begin();
  repository().targets().expires += kDay;
  repository().list_hashes = true;
  repository().PublishAgain({"targets"});
  repository().Publish({"snapshot", "timestamp"});
  ExpectRefused(TufReason::kEquivocation, Signed({"timestamp", "snapshot"}));
}

// --- Which of two verified bundles (b15) -----------------------------------

class PrecedenceTest : public ChannelTest {
 protected:
  // The options of a client that was built with what is served now.
  client::TrustClientOptions BuiltWithThis() {
    const std::string path(anchors::kCatalogTargetPath);
    client::TrustClientOptions options = Options();
    options.baked = {
        .root = servers_->first_root(),
        .files = {.roots = {},
                  .timestamp = servers_->Newest("timestamp"),
                  .snapshot = servers_->Newest("snapshot"),
                  .targets = servers_->Newest("targets"),
                  .target_files = {{path, repository().files.at(path)}}},
        .as_of = kNow};
    return options;
  }
};

TEST_P(PrecedenceTest, b15ABuiltInBundleThatIsNewerThanTheCache) {
  Begin();
  const tuf::RepositorySimulator older = repository();
  servers_->PublishCatalog(kSequence + 1);
  const auto client = Make(BuiltWithThis());
  EXPECT_EQ(client->state().provenance.origin, verify::Origin::kBakedIn);
  EXPECT_EQ(client->state().provenance.sequence, kSequence + 1);
  EXPECT_FALSE(client->state().cache.ok());
  // Nor does a server bring the older one back.
  repository() = older;
  EXPECT_EQ(client->Refresh().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(client->state().provenance.sequence, kSequence + 1);
}

TEST_P(PrecedenceTest, b15ACacheThatIsNewerThanTheBuiltInBundle) {
  servers_->PublishCatalog(kSequence - 1);
  const client::TrustClientOptions options = BuiltWithThis();
  Begin();
  client_ = Make(options);
  EXPECT_EQ(client_->state().provenance.origin, verify::Origin::kCache);
  EXPECT_EQ(client_->state().provenance.sequence, kSequence);
  // Newest counts among what verifies.
  client_.reset();
  std::fstream file(folder_ + "/last_verified.bundle",
                    std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(1000) << "XXXX";
  file.close();
  client_ = Make(options);
  EXPECT_EQ(client_->state().provenance.origin, verify::Origin::kBakedIn);
  EXPECT_EQ(client_->state().provenance.sequence, kSequence - 1);
}

// A bundle that is built in and that the keys of the newest root did not sign
// is no floor, and not the newer one.
TEST_P(PrecedenceTest, b15ABuiltInBundleOfKeysThatARootRemoved) {
  servers_->PublishCatalog(50);
  const client::TrustClientOptions options = BuiltWithThis();
  for (const char* role : {"targets", "snapshot", "timestamp"}) {
    repository().RotateKeys(role);
  }
  repository().Publish({"root"});
  servers_->PublishCatalog(8);
  client_ = Make(options);
  EXPECT_EQ(client_->state().provenance.sequence, 50u);
  const absl::Status status = Refresh();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(client_->state().provenance.sequence, 8u);
  client_.reset();
  EXPECT_EQ(Make(options)->state().provenance.sequence, 8u);
}

INSTANTIATE_TEST_SUITE_P(Channel, PrecedenceTest,
                         ::testing::Values(Transport::kHttp, Transport::kGrpc),
                         [](const auto& info) { return NameOf(info.param); });

}  // namespace
}  // namespace anchorage::test

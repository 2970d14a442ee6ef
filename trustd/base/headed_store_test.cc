#include "trustd/base/headed_store.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/merkle.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/publishing/signer.h"
#include "test/support/fake_store.h"
#include "test/support/repository_simulator.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;

// Gives one set of values to several stores, one after the other.
class SharedStore final : public Store {
 public:
  explicit SharedStore(FakeStore& store) : store_(store) {}
  absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const override {
    return store_.Get(key);
  }
  absl::Status Commit(const StoreBatch& batch) override {
    return store_.Commit(batch);
  }
  absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    return store_.Scan(prefix, visit);
  }

 private:
  FakeStore& store_;
};

class HeadedStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    ASSERT_TRUE(anchors::MakeFolder(folder_).ok());
    path_ = folder_ + "/store.head";
  }

  absl::Status Open() {
    store_.reset();
    auto store =
        HeadedStore::Open(std::make_unique<SharedStore>(engine_), path_);
    if (!store.ok()) return store.status();
    store_ = *std::move(store);
    return absl::OkStatus();
  }

  // One record more, and a higher sequence.
  absl::Status Commit(bool accepts = false) { return Commit(*store_, accepts); }
  absl::Status Commit(Store& store, bool accepts = false) {
    const std::string record = absl::StrCat("record ", ++made_);
    anchors::MerkleFrontier tree;
    std::uint64_t count = 0;
    (void)store.Scan(keys::kRecordPrefix,
                     [&](std::string_view, std::string_view value) {
                       anchors::MerkleHash leaf;
                       std::copy_n(value.begin(), leaf.size(), leaf.begin());
                       tree.Append(leaf);
                       ++count;
                       return true;
                     });
    const anchors::MerkleHash leaf = anchors::LeafHash(record);
    tree.Append(leaf);
    const auto text = [](const anchors::MerkleHash& hash) {
      return std::string(hash.begin(), hash.end());
    };
    StoreBatch batch;
    if (accepts) batch.AcceptStore();
    batch.Put(absl::StrFormat("%s%016x", keys::kRecordPrefix, count),
              text(leaf) + record);
    batch.Put(keys::kRecordHead,
              absl::StrFormat("%016x", count + 1) + text(tree.Root()));
    batch.Put("published/sequence", absl::StrCat(count + 1));
    return store.Commit(batch);
  }

  std::string folder_;
  std::string path_;
  FakeStore engine_;
  std::unique_ptr<HeadedStore> store_;
  int made_ = 0;
};

TEST_F(HeadedStoreTest, GoesOnWithWhatItWrote) {
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Commit().ok());
    ASSERT_TRUE(Open().ok());
    EXPECT_TRUE(store_->went_back().ok()) << store_->went_back();
  }
  EXPECT_EQ(store_->known().records, 5u);
  EXPECT_EQ(store_->known().sequences.Of("catalog"), 5u);
}

TEST_F(HeadedStoreTest, AStoreAheadOfItsHeadLostPower) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  const std::string head = *anchors::ReadFile(path_, kMaxHeadBytes);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Commit().ok());
  ASSERT_TRUE(anchors::WriteFileAtomically(path_, head).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->went_back().ok()) << store_->went_back();
  EXPECT_NE(*anchors::ReadFile(path_, kMaxHeadBytes), head)
      << "the head follows";
}

TEST_F(HeadedStoreTest, TheFirstCommitMayLosePowerToo) {
  ASSERT_TRUE(Open().ok());
  const std::string head = *anchors::ReadFile(path_, kMaxHeadBytes);
  ASSERT_TRUE(Commit().ok());
  ASSERT_TRUE(anchors::WriteFileAtomically(path_, head).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->went_back().ok()) << store_->went_back();
}

TEST_F(HeadedStoreTest, AStoreBehindItsHeadCommitsNothingUntilItIsAccepted) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  const auto old = engine_.values;
  ASSERT_TRUE(Commit().ok());
  engine_.values = old;
  const std::string head = *anchors::ReadFile(path_, kMaxHeadBytes);
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(Open().ok()) << "it is served";
    EXPECT_TRUE(IsStoreWentBack(store_->went_back())) << store_->went_back();
    EXPECT_TRUE(IsStoreWentBack(Commit()));
    EXPECT_EQ(store_->known().sequences.Of("catalog"), 2u);
    EXPECT_EQ(*anchors::ReadFile(path_, kMaxHeadBytes), head);
  }
  StoreBatch other;
  other.Put("source/aws-docs", "looked at");
  EXPECT_TRUE(store_->Commit(other).ok()) << "what moves no head may change";
  ASSERT_TRUE(Commit(/*accepts=*/true).ok());
  EXPECT_TRUE(store_->went_back().ok());
  ASSERT_TRUE(Commit().ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->went_back().ok()) << store_->went_back();
}

TEST_F(HeadedStoreTest, RecordsThatDoNotFollowAreAnotherStores) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  const auto old = engine_.values;
  ASSERT_TRUE(Commit().ok());
  // Restored, and gone on with by a program without a head, further than it
  // had come.
  engine_.values = old;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Commit(engine_).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(IsStoreWentBack(store_->went_back())) << store_->went_back();
}

TEST_F(HeadedStoreTest, NoHeadOrADamagedOneCountsAsGoneBack) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  const std::string head = *anchors::ReadFile(path_, kMaxHeadBytes);
  std::filesystem::remove(path_);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
  EXPECT_FALSE(std::filesystem::exists(path_)) << "it is not made again";
  for (std::size_t i = 0; i < head.size(); ++i) {
    std::string damaged = head;
    damaged[i] ^= 1;
    ASSERT_TRUE(anchors::WriteFileAtomically(path_, damaged).ok());
    ASSERT_TRUE(Open().ok());
    EXPECT_TRUE(IsStoreWentBack(store_->went_back())) << i;
  }
  ASSERT_TRUE(
      anchors::WriteFileAtomically(path_, std::string(10'000, 'x')).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
  ASSERT_TRUE(anchors::WriteFileAtomically(path_, head).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->went_back().ok());
}

TEST_F(HeadedStoreTest, AStoreOfBeforeGetsItsHeadOnce) {
  engine_.values[keys::kSchema] = "1";
  ASSERT_TRUE(Commit(engine_).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->went_back().ok());
  EXPECT_EQ(engine_.values[keys::kSchema], absl::StrCat(kSchemaVersion));
  std::filesystem::remove(path_);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
}

TEST_F(HeadedStoreTest, AnOldCopyOfBeforeDoesNotPassForAnUpgrade) {
  engine_.values[keys::kSchema] = "1";
  ASSERT_TRUE(Commit(engine_).ok());
  const auto old = engine_.values;
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  engine_.values = old;
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
}

TEST_F(HeadedStoreTest, AStoreThatIsGoneIsNotBegunAgain) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  engine_.values.clear();
  EXPECT_TRUE(absl::IsDataLoss(Open()));
}

TEST_F(HeadedStoreTest, ATimestampThatAClientShowsStopsItForGood) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  store_->NoteNewer(0);
  EXPECT_TRUE(store_->went_back().ok());
  store_->NoteNewer(7);
  for (int start = 0; start < 2; ++start) {
    EXPECT_TRUE(IsTimestampShown(store_->went_back()));
    EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
    EXPECT_TRUE(IsStoreWentBack(Commit()));
    EXPECT_EQ(store_->known().noted_timestamp, 7u);
    EXPECT_EQ(store_->known().timestamp_version, 0u) << "it is not ours";
    EXPECT_EQ(store_->known().records, 1u);
    ASSERT_TRUE(Open().ok());
  }
  // The highest counts, and only until people have said what it is.
  store_->NoteNewer(9);
  store_->NoteNewer(8);
  EXPECT_EQ(store_->known().noted_timestamp, 9u);
  ASSERT_TRUE(Commit(/*accepts=*/true).ok());
  EXPECT_EQ(store_->known().noted_timestamp, 0u);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->went_back().ok()) << store_->went_back();
}

TEST_F(HeadedStoreTest, WhatIsShownIsKeptWhileTheStoreIsBehind) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  const auto old = engine_.values;
  ASSERT_TRUE(Commit().ok());
  engine_.values = old;
  ASSERT_TRUE(Open().ok());
  for (int start = 0; start < 2; ++start) {
    store_->NoteNewer(7);
    EXPECT_FALSE(IsTimestampShown(store_->went_back()))
        << "a new key does not mend that";
    EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
    EXPECT_EQ(store_->known().noted_timestamp, 7u);
    EXPECT_EQ(store_->known().records, 2u);
    ASSERT_TRUE(Open().ok());
    EXPECT_EQ(store_->known().noted_timestamp, 7u);
  }
  // Who shows one does not make a head that is lost.
  std::filesystem::remove(path_);
  ASSERT_TRUE(Open().ok());
  store_->NoteNewer(7);
  EXPECT_EQ(store_->known().noted_timestamp, 7u);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_FALSE(IsTimestampShown(store_->went_back()));
}

std::string Root(std::int64_t version, int online) {
  tuf::RootSpec spec;
  spec.version = version;
  spec.expires = absl::FromUnixSeconds(2'000'000'000);
  spec.root.keys = spec.targets.keys = {tuf::TestKey(1)->public_key()};
  spec.snapshot.keys =
      spec.timestamp.keys = {tuf::TestKey(online)->public_key()};
  return *tuf::SignNew(*tuf::WriteRoot(spec), {tuf::TestKey(1).get()});
}

// Power is lost after the commit of the root and before its head is written.
TEST_F(HeadedStoreTest, ARootThatReplacesTheOnlineKeyEndsWhatWasShown) {
  for (const bool replaces : {false, true}) {
    engine_.values.clear();
    std::filesystem::remove(path_);
    ASSERT_TRUE(Open().ok());
    StoreBatch batch;
    batch.Put("tuf/root/0000000001", Root(1, 2));
    ASSERT_TRUE(store_->Commit(batch).ok());
    store_->NoteNewer(7);
    engine_.values["tuf/root/0000000002"] = Root(2, replaces ? 3 : 2);
    for (int start = 0; start < 2; ++start) {
      ASSERT_TRUE(Open().ok());
      EXPECT_EQ(store_->went_back().ok(), replaces);
      EXPECT_EQ(store_->known().noted_timestamp, replaces ? 0u : 7u);
    }
  }
}

TEST(ReplacesOnlineKeyTest, NoKeyOfEitherRoleMayStay) {
  EXPECT_TRUE(ReplacesOnlineKey(Root(1, 2), Root(2, 3)));
  EXPECT_FALSE(ReplacesOnlineKey(Root(1, 2), Root(2, 2)));
  EXPECT_FALSE(ReplacesOnlineKey(Root(1, 2), ""));
  tuf::RootSpec spec;
  spec.version = 2;
  spec.expires = absl::FromUnixSeconds(2'000'000'000);
  spec.root.keys = spec.targets.keys = {tuf::TestKey(1)->public_key()};
  spec.timestamp.keys = {tuf::TestKey(3)->public_key()};
  spec.snapshot.keys = {tuf::TestKey(2)->public_key()};
  EXPECT_FALSE(ReplacesOnlineKey(
      Root(1, 2),
      *tuf::SignNew(*tuf::WriteRoot(spec), {tuf::TestKey(1).get()})));
}

TEST_F(HeadedStoreTest, WithoutItsHeadNothingMoreIsCommitted) {
  ASSERT_TRUE(Open().ok());
  // A folder in its place: it cannot be written.
  std::filesystem::remove(path_);
  std::filesystem::create_directories(path_ + "/in the way");
  EXPECT_TRUE(Commit().ok()) << "this one was in the store already";
  EXPECT_FALSE(Commit().ok());
  std::filesystem::remove_all(path_);
  EXPECT_TRUE(Commit().ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->went_back().ok()) << store_->went_back();
  EXPECT_EQ(store_->known().records, 2u);
}

TEST_F(HeadedStoreTest, AFullDiskMovesNeither) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(Commit().ok());
  engine_.failure = absl::ResourceExhaustedError("no space");
  EXPECT_FALSE(Commit().ok());
  engine_.failure = absl::OkStatus();
  ASSERT_TRUE(Commit().ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->went_back().ok()) << store_->went_back();
}

// Numbers fall only with a newer root, which no older copy has.
TEST(CheckFollowsTest, ARecoveryFromStolenKeysIsNoWayBack) {
  const FakeStore store;
  StoreHead kept;
  kept.root_version = 1;
  kept.sequences.Set("catalog", std::uint64_t{1} << 62);
  kept.targets_version = 9;
  kept.timestamp_version = 4;
  StoreHead now = kept;
  now.sequences.Set("catalog", 8);
  now.targets_version = 3;
  now.timestamp_version = 5;
  EXPECT_FALSE(CheckFollows(store, now, kept).ok());
  now.root_version = 2;
  EXPECT_TRUE(CheckFollows(store, now, kept).ok());
  now.timestamp_version = 3;
  EXPECT_FALSE(CheckFollows(store, now, kept).ok());
  FakeStore with_roots;
  with_roots.values["tuf/root/0000000001"] = Root(1, 2);
  with_roots.values["tuf/root/0000000002"] = Root(2, 2);
  EXPECT_FALSE(CheckFollows(with_roots, now, kept).ok());
  with_roots.values["tuf/root/0000000002"] = Root(2, 3);
  EXPECT_TRUE(CheckFollows(with_roots, now, kept).ok())
      << "it replaces the online key";
}

TEST(CheckFollowsTest, OneVersionHasOneText) {
  const FakeStore store;
  StoreHead kept;
  kept.timestamp_version = 4;
  kept.timestamp_sha256 = "aa";
  StoreHead now = kept;
  EXPECT_TRUE(CheckFollows(store, now, kept).ok());
  now.timestamp_sha256 = "bb";
  EXPECT_FALSE(CheckFollows(store, now, kept).ok());
}

}  // namespace
}  // namespace anchorage::trustd

#include "trustd/record/ledger.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test/support/fake_store.h"

namespace anchorage::trustd {
namespace {

v1::LedgerRecord Record(const std::string& source) {
  v1::LedgerRecord record;
  record.mutable_source()->set_source(source);
  return record;
}

class LedgerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Ledger> Open() {
    read_.clear();
    auto ledger =
        Ledger::Open(store_, [&](std::uint64_t, const v1::LedgerRecord& r) {
          read_.push_back(r.source().source());
        });
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    return *std::move(ledger);
  }

  void AppendThree() {
    const auto ledger = Open();
    ASSERT_TRUE(ledger->Append({Record("a"), Record("b")}).ok());
    ASSERT_TRUE(ledger->Append({Record("c")}).ok());
  }

  std::string& Value(int index) {
    return store_
        .values["ledger/record/000000000000000" + std::to_string(index)];
  }

  FakeStore store_;
  std::vector<std::string> read_;
};

TEST_F(LedgerTest, GivesBackWhatWasAppended) {
  AppendThree();
  const auto ledger = Open();
  EXPECT_TRUE(ledger->health().ok()) << ledger->health();
  EXPECT_EQ(read_, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(ledger->head().size, 3u);
  EXPECT_EQ(ledger->Read(1)->source().source(), "b");
  EXPECT_TRUE(absl::IsNotFound(ledger->Read(3).status()));
  EXPECT_TRUE(ledger->Verify().ok());
}

TEST_F(LedgerTest, GivesTheBytesOfALeaf) {
  AppendThree();
  const auto ledger = Open();
  EXPECT_EQ(ledger->ReadBytes(2).value(), Record("c").SerializeAsString());
  EXPECT_TRUE(absl::IsNotFound(ledger->ReadBytes(3).status()));
  Value(2).back() ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(ledger->ReadBytes(2).status()));
}

TEST_F(LedgerTest, HasTheRootOfRfc6962) {
  AppendThree();
  std::vector<anchors::MerkleHash> leaves;
  for (const char* source : {"a", "b", "c"}) {
    leaves.push_back(anchors::LeafHash(Record(source).SerializeAsString()));
  }
  EXPECT_EQ(Open()->head().root, anchors::MerkleRoot(leaves));
}

TEST_F(LedgerTest, NothingIsAppendedIfTheCommitFails) {
  AppendThree();
  const auto ledger = Open();
  const auto root = ledger->head().root;
  store_.failure = absl::ResourceExhaustedError("full");
  EXPECT_TRUE(
      absl::IsResourceExhausted(ledger->Append({Record("d")}).status()));
  EXPECT_EQ(ledger->head().root, root);
  store_.failure = absl::OkStatus();
  EXPECT_EQ(*ledger->Append({Record("d")}), 3u);
  EXPECT_TRUE(Open()->health().ok());
}

TEST_F(LedgerTest, RecordsAndWhatGoesWithThemAreOneCommit) {
  const auto ledger = Open();
  StoreBatch also;
  also.Put("other", "value");
  ASSERT_TRUE(ledger->Append({Record("a")}, also).ok());
  EXPECT_EQ(store_.values["other"], "value");
}

TEST_F(LedgerTest, FindsAChangedRecord) {
  AppendThree();
  Value(1).back() ^= 1;
  const auto ledger = Open();
  EXPECT_TRUE(absl::IsDataLoss(ledger->health()));
  EXPECT_EQ(read_, (std::vector<std::string>{"a"}));
  EXPECT_TRUE(absl::IsDataLoss(ledger->Append({Record("d")}).status()));
}

TEST_F(LedgerTest, FindsACutRecord) {
  AppendThree();
  store_.values.erase("ledger/record/0000000000000002");
  EXPECT_TRUE(absl::IsDataLoss(Open()->health()));
}

TEST_F(LedgerTest, FindsAMissingRecord) {
  AppendThree();
  store_.values.erase("ledger/record/0000000000000001");
  EXPECT_TRUE(absl::IsDataLoss(Open()->health()));
}

TEST_F(LedgerTest, FindsMovedRecords) {
  AppendThree();
  std::swap(Value(0), Value(1));
  EXPECT_TRUE(absl::IsDataLoss(Open()->health()));
}

TEST_F(LedgerTest, FindsARecordThatWasPutIn) {
  AppendThree();
  const std::string bytes = Record("x").SerializeAsString();
  const auto leaf = anchors::LeafHash(bytes);
  Value(3) =
      std::string(reinterpret_cast<const char*>(leaf.data()), leaf.size()) +
      bytes;
  EXPECT_TRUE(absl::IsDataLoss(Open()->health()));
}

TEST_F(LedgerTest, FindsChangesWhileItRuns) {
  AppendThree();
  const auto ledger = Open();
  EXPECT_TRUE(ledger->Verify().ok());
  Value(2).back() ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(ledger->Verify()));
  EXPECT_TRUE(absl::IsDataLoss(ledger->Read(2).status()));
}

}  // namespace
}  // namespace anchorage::trustd

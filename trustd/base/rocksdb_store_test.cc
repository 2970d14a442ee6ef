#include "trustd/base/rocksdb_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {
namespace {

class RocksDbStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<RocksDbStore> Open() {
    auto store = RocksDbStore::Open(folder_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  std::string folder_;
};

StoreBatch Put(std::string_view key, std::string_view value) {
  StoreBatch batch;
  batch.Put(key, value);
  return batch;
}

TEST_F(RocksDbStoreTest, KeepsWhatWasCommittedOverAReopen) {
  {
    const auto store = Open();
    StoreBatch batch = Put("a/1", "one");
    batch.Put("a/2", std::string("t\0o", 3));
    batch.Put("b", "");
    ASSERT_TRUE(store->Commit(batch).ok());
  }
  const auto store = Open();
  EXPECT_EQ(store->Get("a/1").value(), "one");
  EXPECT_EQ(store->Get("a/2").value(), std::string("t\0o", 3));
  EXPECT_EQ(store->Get("b").value(), "");
  EXPECT_EQ(store->Get("c").value(), std::nullopt);
}

TEST_F(RocksDbStoreTest, ABatchAppliesInOrder) {
  const auto store = Open();
  StoreBatch batch = Put("k", "1");
  batch.Delete("k");
  batch.Put("k", "2");
  ASSERT_TRUE(store->Commit(batch).ok());
  EXPECT_EQ(store->Get("k").value(), "2");
}

TEST_F(RocksDbStoreTest, ScansOnePrefixInOrderUntilTold) {
  const auto store = Open();
  for (const char* key : {"r/2", "r/1", "s/1", "r/3", "q"}) {
    ASSERT_TRUE(store->Commit(Put(key, key)).ok());
  }
  std::vector<std::string> seen;
  ASSERT_TRUE(store
                  ->Scan("r/",
                         [&](std::string_view key, std::string_view value) {
                           EXPECT_EQ(key, value);
                           seen.emplace_back(key);
                           return seen.size() < 2;
                         })
                  .ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"r/1", "r/2"}));
}

TEST_F(RocksDbStoreTest, RefusesAStoreMadeByANewerProgram) {
  const std::string newer = absl::StrCat(kSchemaVersion + 1);
  { ASSERT_TRUE(Open()->Commit(Put("schema", newer)).ok()); }
  const absl::Status refused = RocksDbStore::Open(folder_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(refused.message().find("made by a newer trustd"),
            absl::string_view::npos)
      << refused;
  EXPECT_EQ(RocksDbStore::OpenForReading(folder_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  // Refusing changed nothing.
  EXPECT_EQ(RocksDbStore::Open(folder_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(RocksDbStoreTest, IsReadAsItIsWhileAnotherWritesIt) {
  const auto store = Open();
  ASSERT_TRUE(store->Commit(Put("k", "1")).ok());
  const auto reader = RocksDbStore::OpenForReading(folder_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_TRUE(store->Commit(Put("k", "2")).ok());
  EXPECT_EQ((*reader)->Get("k").value(), "1");
  EXPECT_FALSE((*reader)->Commit(Put("k", "3")).ok());
  EXPECT_EQ(store->Get("k").value(), "2");
  EXPECT_EQ(RocksDbStore::OpenForReading(folder_ + "/none").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RocksDbStoreTest, RefusesAnUnreadableSchema) {
  { ASSERT_TRUE(Open()->Commit(Put("schema", "x")).ok()); }
  EXPECT_EQ(RocksDbStore::Open(folder_).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(RocksDbStoreTest, RefusesASecondOwner) {
  const auto store = Open();
  EXPECT_EQ(RocksDbStore::Open(folder_).status().code(),
            absl::StatusCode::kAborted);
}

TEST_F(RocksDbStoreTest, SaysThatADamagedStoreIsDamaged) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->Commit(Put("k", std::string(1000, 'v'))).ok());
  }
  std::ofstream(folder_ + "/CURRENT") << "MANIFEST-999999\n";
  const auto reopened = RocksDbStore::Open(folder_);
  EXPECT_FALSE(reopened.ok());
}

}  // namespace
}  // namespace anchorage::trustd

// The life of a backup on real stores: made, read, written, cut, put back.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "trustd/backup/backup_error.h"
#include "trustd/backup/backup_folder.h"
#include "trustd/backup/backup_maker.h"
#include "trustd/backup/restore.h"
#include "trustd/base/headed_store.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/base/store_keys.h"
#include "trustd/config.h"
#include "trustd/record/ledger.h"
#include "trustd/service.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    Publish(data());
  }

  std::string data() const { return folder_ + "/data"; }
  std::string target() const { return folder_ + "/backup"; }

  // A trustd begins there, or goes on: in any case it signs something.
  absl::Status TryPublish(const std::string& data_dir) {
    now_ += absl::Hours(24);
    const auto config = ParseConfig(absl::StrCat("data_dir: ", data_dir,
                                                 "\nmode: MODE_ONLINE\n"
                                                 "listen_address: 127.0.0.1:0\n"
                                                 "shutdown_grace: 1s\n"),
                                    folder_ + "/trustd.yaml");
    if (!config.ok()) return config.status();
    const auto service = Service::Start(*config, [this] { return now_; });
    if (!service.ok()) return service.status();
    timestamp_ = (*service)->publication()->timestamp_version;
    return absl::OkStatus();
  }
  void Publish(const std::string& data_dir) {
    const absl::Status status = TryPublish(data_dir);
    ASSERT_TRUE(status.ok()) << status;
  }

  void OpenStore() {
    auto engine = RocksDbStore::Open(data() + "/store");
    ASSERT_TRUE(engine.ok()) << engine.status();
    auto store = HeadedStore::Open(*std::move(engine), data() + "/store.head");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    maker_ = std::make_unique<BackupMaker>(
        BackupMaker::Options{.data_dir = data(),
                             .clock = [this] { return now_; },
                             .uptime = [this] { return uptime_; }},
        *store_);
  }
  void CloseStore() {
    maker_.reset();
    store_.reset();
  }

  // A backup of `data()` at target().
  void MakeBackup() {
    OpenStore();
    auto backup = maker_->Begin();
    ASSERT_TRUE(backup.ok()) << backup.status();
    auto writer = BackupWriter::Begin(target());
    ASSERT_TRUE(writer.ok()) << writer.status();
    while (true) {
      const auto piece = (*backup)->Next();
      ASSERT_TRUE(piece.ok()) << piece.status();
      if (!piece->has_value()) break;
      const absl::Status taken = (*writer)->Take(**piece);
      ASSERT_TRUE(taken.ok()) << taken;
    }
    const auto facts = (*writer)->Finish();
    ASSERT_TRUE(facts.ok()) << facts.status();
    EXPECT_EQ(facts->head, store_->known());
    backup->reset();
    CloseStore();
  }

  std::optional<BackupReason> Verify() {
    return BackupReasonOf(VerifyBackup(target()).status());
  }

  absl::StatusOr<Restored> Restore(const std::string& data_dir) {
    return RestoreFrom(target(), data_dir);
  }
  absl::StatusOr<Restored> RestoreFrom(const std::string& backup,
                                       const std::string& data_dir) {
    return RestoreBackup(backup,
                         {.data_dir = data_dir,
                          .ceremony_dir = "",
                          .key_paths = {data_dir + "/keys/root.pem",
                                        data_dir + "/keys/targets.pem",
                                        data_dir + "/keys/online.pem"}},
                         "disk 3 died", now_);
  }
  std::optional<BackupReason> WhyNotRestored(const std::string& data_dir) {
    return BackupReasonOf(Restore(data_dir).status());
  }

  std::string SomeFile(const std::string& extension) {
    for (const auto& entry : fs::directory_iterator(target() + "/store")) {
      if (entry.path().extension() == extension) return entry.path();
    }
    ADD_FAILURE() << "no " << extension;
    return "";
  }

  std::string Bytes(const std::string& path) {
    return anchors::ReadFile(path, 16 << 20).value_or("");
  }

  std::string folder_;
  absl::Time now_ = kNow;
  absl::Duration uptime_ = absl::ZeroDuration();
  std::uint64_t timestamp_ = 0;
  std::unique_ptr<HeadedStore> store_;
  std::unique_ptr<BackupMaker> maker_;
};

TEST_F(BackupTest, WhatIsMadeVerifiesAndHoldsNoKey) {
  MakeBackup();
  const auto facts = VerifyBackup(target());
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->head.timestamp_version, timestamp_);
  EXPECT_EQ(facts->publication->catalog.sequence, 1u);
  struct stat status;
  ASSERT_EQ(::stat(target().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  for (const auto& entry : fs::recursive_directory_iterator(target())) {
    if (!entry.is_regular_file()) continue;
    EXPECT_EQ(Bytes(entry.path()).find("PRIVATE KEY"), std::string::npos);
  }
  EXPECT_FALSE(fs::exists(data() + "/backup.checkpoint"));
  // Verifying changes nothing, so it can be done again.
  EXPECT_TRUE(VerifyBackup(target()).ok());
}

TEST_F(BackupTest, ACutOrChangedBackupSaysSo) {
  MakeBackup();
  const std::string good = folder_ + "/good";
  fs::copy(target(), good, fs::copy_options::recursive);
  const auto put_back = [&] {
    fs::remove_all(target());
    fs::copy(good, target(), fs::copy_options::recursive);
  };
  const std::string table = SomeFile(".sst");
  fs::remove(table);
  EXPECT_EQ(Verify(), BackupReason::kCut);
  put_back();
  fs::resize_file(table, fs::file_size(table) - 1);
  EXPECT_EQ(Verify(), BackupReason::kCut);
  put_back();
  {
    std::fstream file(table, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(10);
    file.put('!');
  }
  EXPECT_EQ(Verify(), BackupReason::kChanged);
  put_back();
  std::ofstream(target() + "/store/000099.log") << "more";
  EXPECT_EQ(Verify(), BackupReason::kChanged);
  put_back();
  fs::remove(target() + "/store/CURRENT");
  fs::create_symlink("/dev/zero", target() + "/store/CURRENT");
  EXPECT_FALSE(VerifyBackup(target()).ok()) << "a link is not followed";
  put_back();
  fs::remove(target() + "/manifest.json");
  EXPECT_EQ(Verify(), BackupReason::kNoBackup);
  EXPECT_EQ(WhyNotRestored(data()), BackupReason::kNoBackup);
  put_back();
  EXPECT_EQ(Verify(), std::nullopt);
}

// Whoever puts both together makes the manifest as well.
TEST_F(BackupTest, AHeadOfAnotherMomentIsRefused) {
  MakeBackup();
  const std::string old_head = Bytes(target() + "/store.head");
  fs::remove_all(target());
  Publish(data());
  MakeBackup();
  ASSERT_TRUE(
      anchors::WriteFileAtomically(target() + "/store.head", old_head).ok());
  fs::remove(target() + "/manifest.json");
  const auto manifest = DescribeBackup(target(), now_);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  ASSERT_TRUE(anchors::WriteFileAtomically(target() + "/manifest.json",
                                           FormatManifest(*manifest))
                  .ok());
  EXPECT_EQ(Verify(), BackupReason::kHeadOfAnother);
}

TEST_F(BackupTest, ARecordThatWasChangedIsFound) {
  MakeBackup();
  {
    auto store = RocksDbStore::Open(target() + "/store");
    ASSERT_TRUE(store.ok()) << store.status();
    std::string key;
    std::string value;
    ASSERT_TRUE((*store)
                    ->Scan(keys::kRecordPrefix,
                           [&](std::string_view k, std::string_view v) {
                             key = k;
                             value = v;
                             return false;
                           })
                    .ok());
    ASSERT_FALSE(value.empty());
    value.back() ^= 1;
    StoreBatch batch;
    batch.Put(key, value);
    ASSERT_TRUE((*store)->Commit(batch).ok());
  }
  for (const char* name : {"LOCK", "LOG", "IDENTITY"}) {
    fs::remove(absl::StrCat(target(), "/store/", name));
  }
  fs::remove(target() + "/manifest.json");
  const auto manifest = DescribeBackup(target(), now_);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  ASSERT_TRUE(anchors::WriteFileAtomically(target() + "/manifest.json",
                                           FormatManifest(*manifest))
                  .ok());
  EXPECT_EQ(Verify(), BackupReason::kStoreDamaged);
}

// --- made, one at a time -------------------------------------------------------

TEST_F(BackupTest, OneAtATimeAndNoneIsLeftBehind) {
  OpenStore();
  auto first = maker_->Begin();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(fs::exists(data() + "/backup.checkpoint"));
  EXPECT_TRUE(absl::IsAlreadyExists(maker_->Begin().status()));
  // Its reader goes away in the middle.
  ASSERT_TRUE((*first)->Next().ok());
  first->reset();
  EXPECT_FALSE(fs::exists(data() + "/backup.checkpoint"));
  auto second = maker_->Begin();
  ASSERT_TRUE(second.ok()) << second.status();
  // It hangs: nothing is kept for it.
  uptime_ += BackupMaker::kStalledAfter;
  maker_->EndStalled();
  EXPECT_FALSE(fs::exists(data() + "/backup.checkpoint"));
  auto third = maker_->Begin();
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_TRUE(absl::IsDeadlineExceeded((*second)->Next().status()));
  second->reset();
  EXPECT_TRUE((*third)->Next().ok())
      << "the end of one is not that of the next";
  third->reset();
  // What a trustd that was killed left is removed by the next.
  CloseStore();
  fs::create_directories(data() + "/backup.checkpoint/store");
  OpenStore();
  EXPECT_FALSE(fs::exists(data() + "/backup.checkpoint"));
}

TEST_F(BackupTest, IsOfOneMomentWhateverIsWrittenMeanwhile) {
  OpenStore();
  const StoreHead before = store_->known();
  auto backup = maker_->Begin();
  ASSERT_TRUE(backup.ok()) << backup.status();
  auto writer = BackupWriter::Begin(target());
  ASSERT_TRUE(writer.ok()) << writer.status();
  std::uint64_t sequence = 100;
  while (true) {
    StoreBatch batch;
    batch.Put("published/sequence", absl::StrCat(++sequence));
    batch.Put("filler", std::string(200'000, 'x'));
    ASSERT_TRUE(store_->Commit(batch).ok());
    const auto piece = (*backup)->Next();
    ASSERT_TRUE(piece.ok()) << piece.status();
    if (!piece->has_value()) break;
    ASSERT_TRUE((*writer)->Take(**piece).ok());
  }
  const auto facts = (*writer)->Finish();
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->head, before);
  EXPECT_NE(store_->known(), before);
}

TEST_F(BackupTest, AStoreThatWentBackIsNotCopied) {
  fs::remove(data() + "/store.head");
  OpenStore();
  EXPECT_TRUE(IsStoreWentBack(maker_->Begin().status()));
  EXPECT_FALSE(fs::exists(data() + "/backup.checkpoint"));
}

// --- written -------------------------------------------------------------------

TEST_F(BackupTest, NothingIsOverwrittenAndNothingUnfinishedStays) {
  fs::create_directories(target());
  std::ofstream(target() + "/precious") << "data";
  EXPECT_TRUE(absl::IsAlreadyExists(BackupWriter::Begin(target()).status()));
  fs::remove(target() + "/precious");
  OpenStore();
  auto backup = maker_->Begin();
  ASSERT_TRUE(backup.ok());
  {
    auto writer = BackupWriter::Begin(target() + "/");
    ASSERT_TRUE(writer.ok()) << writer.status();
    // A file is missing.
    ASSERT_TRUE((*writer)->Take(**(*backup)->Next()).ok());
    EXPECT_EQ(BackupReasonOf((*writer)->Finish().status()), BackupReason::kCut);
  }
  EXPECT_TRUE(fs::is_empty(target()));
  for (const auto& entry : fs::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().string().find(".part-"), std::string::npos);
  }
  backup->reset();
  CloseStore();
  MakeBackup();  // An empty folder is taken.
}

TEST_F(BackupTest, APieceThatDoesNotFitIsRefused) {
  OpenStore();
  auto backup = maker_->Begin();
  ASSERT_TRUE(backup.ok());
  const v1::BackupResponse manifest = **(*backup)->Next();
  const v1::BackupResponse data = **(*backup)->Next();
  auto writer = BackupWriter::Begin(target());
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(BackupReasonOf((*writer)->Take(data)),
            BackupReason::kManifestInvalid);
  ASSERT_TRUE((*writer)->Take(manifest).ok());
  EXPECT_EQ(BackupReasonOf((*writer)->Take(manifest)),
            BackupReason::kManifestInvalid);
  v1::BackupResponse longer = data;
  longer.mutable_data()->append("!");
  EXPECT_EQ(BackupReasonOf((*writer)->Take(longer)), BackupReason::kChanged);
  EXPECT_EQ(BackupReasonOf((*writer)->Take(v1::BackupResponse())),
            BackupReason::kChanged);
  v1::BackupResponse huge = manifest;
  huge.mutable_manifest()->mutable_files(0)->set_bytes(kMaxBackupBytes / 2);
  auto another = BackupWriter::Begin(target());
  ASSERT_TRUE(another.ok());
  EXPECT_TRUE(absl::IsResourceExhausted((*another)->Take(huge)));
}

// --- put back ------------------------------------------------------------------

TEST_F(BackupTest, ARestoredStoreWaitsForPeopleWhateverItsHeadSays) {
  MakeBackup();
  // Nothing happened since: only the restored store itself can say so.
  const std::string head = Bytes(data() + "/store.head");
  const std::string key = Bytes(data() + "/keys/online.pem");
  const auto restored = Restore(data());
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(Bytes(data() + "/store.head"), head);
  EXPECT_EQ(Bytes(data() + "/keys/online.pem"), key);
  EXPECT_TRUE(fs::exists(restored->kept + "/store/CURRENT"));
  EXPECT_EQ(Bytes(restored->kept + "/store.head"), head);
  for (int start = 0; start < 2; ++start) {
    OpenStore();
    EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
    EXPECT_NE(store_->went_back().message().find("disk 3 died"),
              std::string::npos);
    StoreBatch batch;
    batch.Put("published/sequence", "5");
    EXPECT_TRUE(IsStoreWentBack(store_->Commit(batch)));
    CloseStore();
    EXPECT_EQ(Bytes(data() + "/store.head"), head);
  }
  OpenStore();
  StoreBatch accepting;
  accepting.AcceptStore();
  accepting.Put("published/sequence", "6");
  ASSERT_TRUE(store_->Commit(accepting).ok());
  CloseStore();
  OpenStore();
  EXPECT_TRUE(store_->went_back().ok()) << "it is accepted once";
}

TEST_F(BackupTest, AnOlderBackupLeavesTheNewerHead) {
  MakeBackup();
  Publish(data());
  const std::string head = Bytes(data() + "/store.head");
  const auto restored = Restore(data());
  ASSERT_TRUE(restored.ok()) << restored.status();
  ASSERT_EQ(restored->notes.size(), 1u);
  EXPECT_NE(restored->notes[0].find("had come to"), std::string::npos);
  EXPECT_EQ(Bytes(data() + "/store.head"), head);
  OpenStore();
  EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
  EXPECT_EQ(store_->known().timestamp_version, timestamp_);
  EXPECT_EQ(Bytes(data() + "/store.head"), head);
}

TEST_F(BackupTest, ANewerBackupThanTheHeadWaitsForPeopleToo) {
  const std::string old_data = folder_ + "/old";
  fs::copy(data(), old_data, fs::copy_options::recursive);
  Publish(data());
  MakeBackup();
  fs::remove_all(data());
  fs::rename(old_data, data());
  const auto restored = Restore(data());
  ASSERT_TRUE(restored.ok()) << restored.status();
  ASSERT_EQ(restored->notes.size(), 1u);
  EXPECT_NE(restored->notes[0].find("newer than what is here"),
            std::string::npos);
  OpenStore();
  EXPECT_TRUE(IsStoreWentBack(store_->went_back()));
}

TEST_F(BackupTest, AnEmptyPlaceIsServedOnceItsKeysAreThere) {
  MakeBackup();
  const std::string other = folder_ + "/other";
  fs::create_directories(other);
  fs::copy(data() + "/keys", other + "/keys", fs::copy_options::recursive);
  const auto restored = Restore(other);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->kept, "");
  const std::uint64_t before = timestamp_;
  Publish(other);
  EXPECT_EQ(timestamp_, before) << "nothing is signed";
  for (const auto& entry : fs::directory_iterator(other)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("restoring"));
    EXPECT_FALSE(entry.path().filename().string().starts_with("before"));
  }
}

TEST_F(BackupTest, ARestoreRemovesItsOwnWorkAlone) {
  MakeBackup();
  const auto copy = [&](const std::string& name) {
    fs::copy(target(), data() + "/" + name, fs::copy_options::recursive);
    return data() + "/" + name;
  };
  const std::string monday = copy("restoring-monday");
  const std::string part = copy("restoring.part-of-monday");
  const std::string left = copy("restoring.part-a1B2c3");
  const std::string work = copy("restoring");
  EXPECT_TRUE(absl::IsAlreadyExists(RestoreFrom(work, data()).status()));
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(VerifyBackup(work).ok()) << "the backup that it was given";
  const auto restored = RestoreFrom(monday, data());
  EXPECT_TRUE(restored.ok()) << restored.status();
  EXPECT_TRUE(VerifyBackup(monday).ok());
  EXPECT_TRUE(VerifyBackup(part).ok());
  EXPECT_FALSE(fs::exists(work));
}

TEST_F(BackupTest, EachRestoreKeepsWhatWasThereUnderANameOfItsOwn) {
  MakeBackup();
  const auto first = Restore(data());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Restore(data());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->kept, first->kept + "-2");
  // One that was cut off may have had either store.
  fs::rename(second->kept, second->kept + ".cut-off");
  const auto third = Restore(data());
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(third->kept, first->kept + "-3");
  for (const std::string& kept : {first->kept, third->kept}) {
    EXPECT_TRUE(fs::exists(kept + "/store/CURRENT")) << kept;
    EXPECT_FALSE(fs::exists(kept + ".cut-off"));
  }
}

TEST_F(BackupTest, AnotherRepositorysPlaceIsRefusedAndUntouched) {
  MakeBackup();
  const std::string other = folder_ + "/other";
  Publish(other);
  const std::string head = Bytes(other + "/store.head");
  EXPECT_EQ(WhyNotRestored(other), BackupReason::kOtherRepository);
  // Any of what is there tells.
  fs::remove_all(other + "/store");
  EXPECT_EQ(WhyNotRestored(other), BackupReason::kOtherRepository);
  fs::remove(other + "/1.root.json");
  fs::remove(other + "/store.head");
  EXPECT_EQ(WhyNotRestored(other), BackupReason::kOtherRepository)
      << "its keys are in no root";
  fs::copy(data() + "/1.root.json", other + "/1.root.json");
  EXPECT_TRUE(Restore(other).ok()) << "a person says that it is the same";
  for (const auto& entry : fs::directory_iterator(other)) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("restoring"));
  }
}

TEST_F(BackupTest, AHistoryThatWasGivenUpIsRefused) {
  const std::string first = folder_ + "/first";
  fs::copy(data(), first, fs::copy_options::recursive);
  // Two continuations of one store, each with records of its own.
  for (const std::string& data_dir : {data(), first}) {
    now_ += absl::Hours(1);
    auto store = RocksDbStore::Open(data_dir + "/store");
    ASSERT_TRUE(store.ok());
    auto headed =
        HeadedStore::Open(*std::move(store), data_dir + "/store.head");
    ASSERT_TRUE(headed.ok());
    auto ledger =
        Ledger::Open(**headed, [](std::uint64_t, const v1::LedgerRecord&) {});
    ASSERT_TRUE(ledger.ok());
    v1::LedgerRecord record;
    record.mutable_time()->set_seconds(absl::ToUnixSeconds(now_));
    ASSERT_TRUE((*ledger)->Append({record}).ok());
  }
  MakeBackup();
  EXPECT_EQ(WhyNotRestored(first), BackupReason::kOtherHistory);
  fs::remove_all(first + "/store");
  EXPECT_EQ(WhyNotRestored(first), BackupReason::kOtherHistory) << "the head";
  fs::remove(first + "/store.head");
  EXPECT_TRUE(Restore(first).ok());
}

TEST_F(BackupTest, APlaceInUseOrNoReasonIsRefused) {
  MakeBackup();
  {
    const auto lock = anchors::FolderLock::Take(data());
    ASSERT_TRUE(lock.ok());
    EXPECT_EQ(WhyNotRestored(data()), BackupReason::kInUse);
  }
  for (const std::string& why : {std::string(), std::string(1001, 'x')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        RestoreBackup(target(), {.data_dir = data()}, why, now_).status()));
  }
  fs::resize_file(SomeFile(".sst"), 10);
  const std::string before = Bytes(data() + "/store/CURRENT");
  EXPECT_EQ(WhyNotRestored(data()), BackupReason::kCut);
  EXPECT_EQ(Bytes(data() + "/store/CURRENT"), before);
}

}  // namespace
}  // namespace anchorage::trustd

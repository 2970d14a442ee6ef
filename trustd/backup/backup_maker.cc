#include "trustd/backup/backup_maker.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;

// While a copy is there the store may write all that it has anew, and free
// nothing.
absl::Status CheckSpaceForCopy(const std::string& store) {
  std::uint64_t size = 0;
  std::error_code error;
  for (auto at = fs::directory_iterator(store, error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code gone;
    const std::uint64_t bytes = at->file_size(gone);
    if (!gone) size += bytes;
  }
  const auto space = fs::space(store, error);
  const std::uint64_t needed = size + RocksDbStore::kMinFreeBytes;
  if (error || space.available >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "the disk of ", store, " has ", space.available >> 20,
      " MiB left, and a backup needs ", needed >> 20,
      " MiB there while it is read (free some space; nothing was changed)"));
}

}  // namespace

BackupMaker::BackupMaker(Options options, HeadedStore& store)
    : options_(std::move(options)),
      folder_(options_.data_dir + "/backup.checkpoint"),
      store_(store) {
  const absl::MutexLock lock(&mutex_);
  EndLocked();
}

BackupMaker::~BackupMaker() {
  const absl::MutexLock lock(&mutex_);
  EndLocked();
}

absl::StatusOr<std::unique_ptr<BackupMaker::Backup>> BackupMaker::Begin() {
  EndStalled();
  const absl::MutexLock lock(&mutex_);
  if (reader_ != nullptr) {
    return absl::AlreadyExistsError(
        "another backup is under way: wait for its end");
  }
  if (absl::Status s = Copy(); !s.ok()) {
    EndLocked();
    return s;
  }
  return std::make_unique<Backup>(*this, ++id_);
}

absl::Status BackupMaker::Copy() {
  if (absl::Status s = CheckSpaceForCopy(options_.data_dir + "/store");
      !s.ok()) {
    return s;
  }
  if (absl::Status s = anchors::MakeFolder(folder_); !s.ok()) return s;
  const auto head = store_.Copy(absl::StrCat(folder_, "/", kStoreFolder));
  if (!head.ok()) return head.status();
  if (absl::Status s = anchors::WriteFileAtomically(
          absl::StrCat(folder_, "/", kHeadFile), FormatHead(*head),
          anchors::FileAccess::kPrivate);
      !s.ok()) {
    return s;
  }
  auto manifest = DescribeBackup(folder_, options_.clock());
  if (!manifest.ok()) return manifest.status();
  reader_ = std::make_unique<BackupReader>(folder_, *std::move(manifest));
  last_read_ = options_.uptime();
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::BackupResponse>> BackupMaker::Next(
    std::uint64_t id) {
  const absl::MutexLock lock(&mutex_);
  if (reader_ == nullptr || id != id_) {
    return absl::DeadlineExceededError(
        "the backup was ended, because nobody read it for too long");
  }
  last_read_ = options_.uptime();
  return reader_->Next();
}

void BackupMaker::End(std::uint64_t id) {
  const absl::MutexLock lock(&mutex_);
  if (id == id_) EndLocked();
}

void BackupMaker::EndLocked() {
  reader_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void BackupMaker::EndStalled() {
  const absl::MutexLock lock(&mutex_);
  if (reader_ != nullptr && options_.uptime() - last_read_ >= kStalledAfter) {
    EndLocked();
  }
}

}  // namespace anchorage::trustd

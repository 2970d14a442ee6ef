#include "trustd/base/rocksdb_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <cstdarg>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {
namespace {

rocksdb::Slice ToSlice(std::string_view view) {
  return {view.data(), view.size()};
}

std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

absl::Status ToStatus(const rocksdb::Status& status, const char* doing) {
  if (status.ok()) return absl::OkStatus();
  const std::string text =
      absl::StrCat("cannot ", doing, " the store: ", status.ToString());
  if (status.IsNoSpace()) {
    return absl::ResourceExhaustedError(
        text + " (free some space; nothing was changed)");
  }
  if (status.IsCorruption()) {
    return absl::DataLossError(
        text + " (restore data_dir from a backup; see trustd/README.md)");
  }
  if (status.IsIOError() && absl::StrContains(status.ToString(), "lock")) {
    return absl::AbortedError(
        text + " (is another trustd running on the same data_dir?)");
  }
  return absl::UnavailableError(text);
}

absl::Status CheckSpace(const std::string& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  if (error || space.available >= RocksDbStore::kMinFreeBytes) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "the disk of ", folder, " has ", space.available >> 20,
      " MiB left (free some space, at least ",
      RocksDbStore::kMinFreeBytes >> 20, " MiB; nothing was changed)"));
}

// Finds what the free space does not show: quotas, limits, a read-only disk.
absl::Status ProbeWriting(const std::string& folder) {
  constexpr std::size_t kProbeBytes = 64 * 1024;
  const std::string path = folder + "/probe";
  if (absl::Status s =
          anchors::WriteFileAtomically(path, std::string(kProbeBytes, '\0'));
      !s.ok()) {
    return s;
  }
  return anchors::RemoveFile(path);
}

rocksdb::Options MakeOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  // Little memory and few files, because the store is small and seldom written.
  options.write_buffer_size = 4 << 20;
  options.max_open_files = 64;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  options.paranoid_checks = true;
  // A record that a crash cut off was never acknowledged: drop it. Damage in
  // the middle is real damage, and prevents the start.
  options.wal_recovery_mode =
      rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return options;
}

class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

RocksDbStore::RocksDbStore(std::string folder, std::unique_ptr<rocksdb::DB> db)
    : folder_(std::move(folder)), db_(std::move(db)) {}

RocksDbStore::~RocksDbStore() = default;

absl::StatusOr<std::unique_ptr<RocksDbStore>> RocksDbStore::Open(
    const std::string& folder) {
  if (absl::Status s = anchors::MakeFolder(folder); !s.ok()) return s;
  if (absl::Status s = CheckSpace(folder); !s.ok()) return s;
  if (absl::Status s = ProbeWriting(folder); !s.ok()) return s;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(MakeOptions(), folder, &db);
  if (!status.ok()) return ToStatus(status, "open");
  std::unique_ptr<RocksDbStore> store(
      new RocksDbStore(folder, std::unique_ptr<rocksdb::DB>(db)));
  if (absl::Status s = store->CheckSchema(); !s.ok()) return s;
  const auto schema = store->Get(keys::kSchema);
  if (!schema.ok()) return schema.status();
  if (schema->has_value()) return store;
  StoreBatch batch;
  batch.Put(keys::kSchema, absl::StrCat(kSchemaVersion));
  if (absl::Status s = store->Commit(batch); !s.ok()) return s;
  return store;
}

absl::StatusOr<std::unique_ptr<RocksDbStore>> RocksDbStore::OpenForReading(
    const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::exists(folder + "/CURRENT", error)) {
    return absl::NotFoundError(absl::StrCat(
        folder, ": there is no store (it is the folder 'store' in data_dir)"));
  }
  rocksdb::Options options = MakeOptions();
  options.create_if_missing = false;
  // All files stay open: what a running process deletes stays readable only
  // while it is open.
  options.max_open_files = -1;
  // RocksDB would write its own log into the folder.
  options.info_log = std::make_shared<NoLog>();
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(options, folder, &db);
  if (!status.ok()) return ToStatus(status, "open");
  std::unique_ptr<RocksDbStore> store(
      new RocksDbStore(folder, std::unique_ptr<rocksdb::DB>(db)));
  if (absl::Status s = store->CheckSchema(); !s.ok()) return s;
  return store;
}

absl::Status RocksDbStore::CheckSchema() const {
  const auto schema = Get(keys::kSchema);
  if (!schema.ok()) return schema.status();
  if (!schema->has_value()) return absl::OkStatus();
  int version = 0;
  if (!absl::SimpleAtoi(**schema, &version) || version < 1) {
    return absl::DataLossError(
        "the store's schema version is unreadable (restore data_dir from a "
        "backup)");
  }
  if (version > kSchemaVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the store has schema ", version, " and this trustd knows up to ",
        kSchemaVersion, " (it was made by a newer trustd: run that one)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> RocksDbStore::Get(
    std::string_view key) const {
  std::string value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), ToSlice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return ToStatus(status, "read");
  return value;
}

absl::Status RocksDbStore::Commit(const StoreBatch& batch) {
  if (absl::Status s = CheckSpace(folder_); !s.ok()) return s;
  rocksdb::WriteBatch writes;
  for (const StoreBatch::Change& change : batch.changes()) {
    const rocksdb::Status status =
        change.value.has_value()
            ? writes.Put(ToSlice(change.key), ToSlice(*change.value))
            : writes.Delete(ToSlice(change.key));
    if (!status.ok()) return ToStatus(status, "change");
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  return ToStatus(db_->Write(options, &writes), "write");
}

absl::Status RocksDbStore::Scan(
    std::string_view prefix,
    const std::function<bool(std::string_view, std::string_view)>& visit)
    const {
  const std::unique_ptr<rocksdb::Iterator> at(
      db_->NewIterator(rocksdb::ReadOptions()));
  for (at->Seek(ToSlice(prefix)); at->Valid(); at->Next()) {
    if (!at->key().starts_with(ToSlice(prefix))) break;
    if (!visit(ToView(at->key()), ToView(at->value()))) break;
  }
  return ToStatus(at->status(), "read");
}

absl::Status RocksDbStore::CopyTo(const std::string& folder) const {
  // What is in memory is written into a table first.
  if (absl::Status s = CheckSpace(folder_); !s.ok()) return s;
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(folder);
  return ToStatus(status, "copy");
}

}  // namespace anchorage::trustd

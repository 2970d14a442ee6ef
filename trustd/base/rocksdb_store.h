// A store on RocksDB, in a folder of its own.

#ifndef ANCHORAGE_TRUSTD_BASE_ROCKSDB_STORE_H_
#define ANCHORAGE_TRUSTD_BASE_ROCKSDB_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "trustd/base/store.h"

namespace rocksdb {
class DB;
}

namespace anchorage::trustd {

// Every commit is synced before it returns. One process at a time may hold the
// folder. Debian's RocksDB aborts the process if a write fails half way, so
// there must be kMinFreeBytes of space before a write is started.
class RocksDbStore final : public Store {
 public:
  // Less free space than this counts as a full disk.
  static constexpr std::uint64_t kMinFreeBytes = 16 * 1024 * 1024;

  // Opens the store in `folder`, or makes one there. Fails with
  // FAILED_PRECONDITION (made by a newer trustd), ABORTED (another process has
  // it open), RESOURCE_EXHAUSTED (disk full), DATA_LOSS (damaged) or
  // UNAVAILABLE; each message says what to do.
  static absl::StatusOr<std::unique_ptr<RocksDbStore>> Open(
      const std::string& folder);

  // Opens the store in `folder` as it is at this moment, even while a process
  // has it open, and writes nothing there: every Commit() fails. Fails as
  // Open() does, and with NOT_FOUND where there is none; if a process cleans up
  // at the same time, with UNAVAILABLE or DATA_LOSS, and a retry succeeds.
  static absl::StatusOr<std::unique_ptr<RocksDbStore>> OpenForReading(
      const std::string& folder);

  RocksDbStore(const RocksDbStore&) = delete;
  RocksDbStore& operator=(const RocksDbStore&) = delete;
  ~RocksDbStore() override;

  absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const override;
  absl::Status Commit(const StoreBatch& batch) override;
  absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view, std::string_view)>& visit)
      const override;
  // Its tables are links to those of this store, and so free no space while the
  // copy is there.
  absl::Status CopyTo(const std::string& folder) const override;

 private:
  RocksDbStore(std::string folder, std::unique_ptr<rocksdb::DB> db);
  // OK even if the store has no schema version yet.
  absl::Status CheckSchema() const;

  const std::string folder_;
  const std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_ROCKSDB_STORE_H_

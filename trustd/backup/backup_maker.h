// Copies of a running trustd's store, one at a time.
//
//   BackupMaker maker({.data_dir = dir}, store);
//   auto backup = maker.Begin();
//   while (auto piece = *(*backup)->Next()) ...
//
// A copy is of one moment and costs nothing to make: its tables are links to
// those of the store (`data_dir`/backup.checkpoint). But while it is there, no
// space that the store gives up is free. So it is removed when its reader goes
// away, or has not read for kStalledAfter, or trustd starts again.

#ifndef ANCHORAGE_TRUSTD_BACKUP_BACKUP_MAKER_H_
#define ANCHORAGE_TRUSTD_BACKUP_BACKUP_MAKER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "trustd/backup/backup_folder.h"
#include "trustd/base/headed_store.h"

namespace anchorage::trustd {

// Thread-safe.
class BackupMaker {
 public:
  static constexpr absl::Duration kStalledAfter = absl::Minutes(1);

  struct Options {
    std::string data_dir;
    std::function<absl::Time()> clock = [] { return absl::Now(); };
    anchors::SteadyClock uptime = &anchors::SteadyNow;
  };

  // One copy, for whoever reads it. Thread-safe; its maker outlives it.
  class Backup {
   public:
    Backup(BackupMaker& maker, std::uint64_t id) : maker_(maker), id_(id) {}
    Backup(const Backup&) = delete;
    Backup& operator=(const Backup&) = delete;
    ~Backup() { maker_.End(id_); }

    // As BackupReader::Next(). DEADLINE_EXCEEDED once nobody has read for too
    // long.
    absl::StatusOr<std::optional<v1::BackupResponse>> Next() {
      return maker_.Next(id_);
    }

   private:
    BackupMaker& maker_;
    const std::uint64_t id_;
  };

  // Removes what a trustd before left. `store` must outlive the maker.
  BackupMaker(Options options, HeadedStore& store);
  ~BackupMaker();

  // Copies the store. Fails with ALREADY_EXISTS while another copy is read,
  // RESOURCE_EXHAUSTED where the disk has no room, went_back() of the store, or
  // as DescribeBackup() does.
  absl::StatusOr<std::unique_ptr<Backup>> Begin();

  // Ends the copy that nobody has read for too long. Call it now and then.
  void EndStalled();

 private:
  absl::Status Copy() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<v1::BackupResponse>> Next(std::uint64_t id);
  void End(std::uint64_t id);
  void EndLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const std::string folder_;
  HeadedStore& store_;
  absl::Mutex mutex_;
  // Null while there is no copy.
  std::unique_ptr<BackupReader> reader_ ABSL_GUARDED_BY(mutex_);
  // Of the newest copy.
  std::uint64_t id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration last_read_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BACKUP_BACKUP_MAKER_H_

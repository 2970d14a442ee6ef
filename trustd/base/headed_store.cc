#include "trustd/base/headed_store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "trustd/base/store_keys.h"

namespace anchorage::trustd {

absl::StatusOr<std::unique_ptr<HeadedStore>> HeadedStore::Open(
    std::unique_ptr<Store> store, std::string path) {
  std::unique_ptr<HeadedStore> headed(
      new HeadedStore(std::move(store), std::move(path)));
  const absl::MutexLock lock(&headed->mutex_);
  if (absl::Status s = headed->Compare(); !s.ok()) return s;
  return headed;
}

absl::Status HeadedStore::Compare() {
  const auto now = ReadHead(*store_);
  if (!now.ok()) return now.status();
  now_ = written_ = *now;
  const auto schema = store_->Get(keys::kSchema);
  if (!schema.ok()) return schema.status();
  int version = 0;
  const bool had_head = schema->has_value() &&
                        absl::SimpleAtoi(**schema, &version) &&
                        version >= kFirstSchemaWithHead;
  const bool is_empty = now_ == StoreHead();
  const auto restored = store_->Get(keys::kRestored);
  if (!restored.ok()) return restored.status();
  const auto file = anchors::ReadFile(path_, kMaxHeadBytes);
  if (absl::IsNotFound(file.status())) {
    if (is_empty || !had_head) {
      if (!is_empty) {
        spdlog::warn("the store had no head beside it: made {}, once", path_);
      }
      if (absl::Status s = WriteHead(now_); !s.ok()) return s;
    } else {
      has_head_ = false;
      went_back_ = StoreWentBack(absl::StrCat(
          path_, " is not there, so nobody can tell whether it is the newest"));
    }
  } else if (!file.ok() && !absl::IsOutOfRange(file.status())) {
    return file.status();
  } else {
    const auto kept =
        file.ok() ? ParseHead(*file) : absl::StatusOr<StoreHead>(file.status());
    if (!kept.ok()) {
      has_head_ = false;
      went_back_ =
          StoreWentBack(absl::StrCat(path_, ": ", kept.status().message()));
    } else if (is_empty && *kept != now_) {
      return absl::DataLossError(absl::StrCat(
          "the store beside ", path_,
          " is gone: restore it from a backup. To begin again with new keys, "
          "use another folder; clients of the old repository will not follow"));
    } else {
      written_ = *kept;
      const absl::Status follows = CheckFollows(*store_, now_, *kept);
      if (!follows.ok() && !absl::IsFailedPrecondition(follows)) return follows;
      const auto replaced =
          ReplacedOnlineKey(*store_, kept->root_version, now_.root_version);
      if (!replaced.ok()) return replaced.status();
      if (!follows.ok()) {
        went_back_ = StoreWentBack(std::string(follows.message()));
      } else if (kept->noted_timestamp > now_.timestamp_version && !*replaced) {
        went_back_ =
            TimestampShown(now_.timestamp_version, kept->noted_timestamp);
      } else if (*kept != now_ && !restored->has_value()) {
        if (absl::Status s = WriteHead(now_); !s.ok()) return s;
      }
    }
  }
  if (restored->has_value()) went_back_ = StoreWentBack(**restored);
  if (version >= kSchemaVersion) return absl::OkStatus();
  // Written after the head, so that after a crash in between the store is
  // compared with it. Written before anything else that an earlier program
  // would misread.
  StoreBatch batch;
  batch.Put(keys::kSchema, absl::StrCat(kSchemaVersion));
  return store_->Commit(batch);
}

absl::Status HeadedStore::WriteHead(const StoreHead& head) {
  absl::Status status = anchors::WriteFileAtomically(path_, FormatHead(head));
  if (status.ok()) written_ = head;
  return status;
}

absl::Status HeadedStore::went_back() const {
  const absl::MutexLock lock(&mutex_);
  return went_back_;
}

StoreHead HeadedStore::known() const {
  const absl::MutexLock lock(&mutex_);
  return HighestOf(now_, written_);
}

void HeadedStore::NoteNewer(std::uint64_t version) {
  const absl::MutexLock lock(&mutex_);
  if (version <= std::max({now_.timestamp_version, written_.timestamp_version,
                           written_.noted_timestamp})) {
    return;
  }
  StoreHead next = went_back_.ok() ? now_ : written_;
  next.noted_timestamp = version;
  if (went_back_.ok() || IsTimestampShown(went_back_)) {
    went_back_ = TimestampShown(now_.timestamp_version, version);
  }
  // Showing a timestamp must not recreate a lost head.
  if (!has_head_) {
    written_ = next;
    return;
  }
  if (absl::Status s = WriteHead(next); !s.ok()) {
    written_ = next;
    spdlog::error("a restart will not know that the store went back: {}",
                  std::string(s.message()));
  }
}

absl::Status HeadedStore::Commit(const StoreBatch& batch) {
  if (!MovesHead(batch)) return store_->Commit(batch);
  const absl::MutexLock lock(&mutex_);
  if (!went_back_.ok()) {
    if (!batch.accepts_store()) return went_back_;
  } else if (written_ != now_) {
    if (absl::Status s = WriteHead(now_); !s.ok()) return s;
  }
  StoreHead next = now_;
  if (absl::Status s = AdvanceHead(batch, next); !s.ok()) return s;
  StoreBatch accepting;
  if (batch.accepts_store()) {
    accepting = batch;
    accepting.Delete(keys::kRestored);
  }
  if (absl::Status s =
          store_->Commit(batch.accepts_store() ? accepting : batch);
      !s.ok()) {
    return s;
  }
  now_ = std::move(next);
  went_back_ = absl::OkStatus();
  has_head_ = true;
  // The commit is not undone: the next one fails until the head is written.
  if (absl::Status s = WriteHead(now_); !s.ok()) {
    spdlog::error("cannot write the store's head: {}",
                  std::string(s.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<StoreHead> HeadedStore::Copy(const std::string& folder) const {
  // No commit that moves the head comes in between.
  const absl::MutexLock lock(&mutex_);
  if (!went_back_.ok()) return went_back_;
  if (absl::Status s = store_->CopyTo(folder); !s.ok()) return s;
  return now_;
}

}  // namespace anchorage::trustd

#include "trustd/headed_store.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/files/atomic_file.h"
#include "trustd/store_keys.h"
#include "verify/crypto/public_key.h"

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
  const auto file = anchors::ReadFile(path_, kMaxHeadBytes);
  if (absl::IsNotFound(file.status())) {
    if (is_empty || !had_head) {
      if (!is_empty) {
        spdlog::warn("the store had no head beside it: {} is made now, once",
                     path_);
      }
      if (absl::Status s = WriteHead(now_); !s.ok()) return s;
    } else {
      went_back_ = StoreWentBack(absl::StrCat(
          path_, " is not there, so nobody can tell whether it is the newest"));
    }
  } else if (!file.ok() && !absl::IsOutOfRange(file.status())) {
    return file.status();
  } else {
    const auto kept =
        file.ok() ? ParseHead(*file) : absl::StatusOr<StoreHead>(file.status());
    if (!kept.ok()) {
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
      if (!follows.ok()) {
        went_back_ = StoreWentBack(std::string(follows.message()));
      } else if (*kept != now_) {
        if (absl::Status s = WriteHead(now_); !s.ok()) return s;
      }
    }
  }
  if (had_head) return absl::OkStatus();
  // After the head: a crash in between has it compared.
  StoreBatch batch;
  batch.Put(keys::kSchema, absl::StrCat(kFirstSchemaWithHead));
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

void HeadedStore::NoteNewer(std::uint64_t version, std::string_view timestamp) {
  const absl::MutexLock lock(&mutex_);
  if (version <= now_.timestamp_version ||
      version <= written_.timestamp_version) {
    return;
  }
  StoreHead newer = HighestOf(now_, written_);
  newer.records_root = now_.records >= written_.records ? now_.records_root
                                                        : written_.records_root;
  newer.timestamp_version = version;
  newer.timestamp_sha256 = verify::Sha256Hex(timestamp);
  if (went_back_.ok()) {
    went_back_ = StoreWentBack(absl::StrCat(
        "timestamp is ", now_.timestamp_version, ", and a client has ", version,
        ", signed with our own key"));
  }
  if (absl::Status s = WriteHead(newer); !s.ok()) {
    written_ = newer;
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
  if (absl::Status s = store_->Commit(batch); !s.ok()) return s;
  now_ = std::move(next);
  went_back_ = absl::OkStatus();
  // What is in the store is not undone: the next commit waits for this.
  if (absl::Status s = WriteHead(now_); !s.ok()) {
    spdlog::error("the store's head is not written: {}",
                  std::string(s.message()));
  }
  return absl::OkStatus();
}

}  // namespace anchorage::trustd

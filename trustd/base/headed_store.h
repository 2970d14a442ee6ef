// A store with its head beside it, which detects that it was restored from an
// old copy.
//
//   auto store = HeadedStore::Open(std::move(engine), dir + "/store.head");
//   if (!(*store)->went_back().ok()) ... // serve, but sign nothing
//
// The head is written and synced after each commit that moves it. So a store
// that is ahead of the head, by records that continue it, lost power before the
// head was written: it is accepted as it is. One that is behind the head, or
// has other records, was restored from an older copy, or lost files of its own;
// to go on signing would sign versions a second time with other content, and
// bring back what was revoked. Then every commit that would move the head
// fails, until one that says that people accept the store
// (StoreBatch::AcceptStore()).
//
// A store that 'trustd restore' has put there says so itself (keys::kRestored),
// and counts as one that went back whatever its head says.
//
// Restoring both store and head, or a whole machine, is not detected here.
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_BASE_HEADED_STORE_H_
#define ANCHORAGE_TRUSTD_BASE_HEADED_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "trustd/base/store.h"
#include "trustd/base/store_head.h"

namespace anchorage::trustd {

class HeadedStore final : public Store {
 public:
  // Compares `store` with the head at `path`, or makes the head of a store that
  // is empty or has a layout without one, and migrates the store to
  // kSchemaVersion. A store that went back is not a failure: see went_back().
  // Fails with DATA_LOSS for a store that is empty but was not before, or that
  // cannot be read, and as ReadFile() and WriteFileAtomically() do.
  static absl::StatusOr<std::unique_ptr<HeadedStore>> Open(
      std::unique_ptr<Store> store, std::string path);

  // OK, or a failure for which IsStoreWentBack() holds, with what is known
  // about it.
  absl::Status went_back() const;

  // The highest value of each number that the store or its head has.
  StoreHead known() const;

  // Notes a timestamp that our own key has signed, if it is newer than all that
  // are known: the store went back, or the key is in other hands. Then
  // went_back() fails (IsTimestampShown()), now and after a restart, until
  // people accept the store, or a root that replaces the key is committed.
  // While the head is lost or damaged, a restart forgets the version.
  void NoteNewer(std::uint64_t version);

  absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const override {
    return store_->Get(key);
  }
  // Also fails with went_back(), and as WriteFileAtomically() does while the
  // head of the previous commit cannot be written.
  absl::Status Commit(const StoreBatch& batch) override;
  absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    return store_->Scan(prefix, visit);
  }
  absl::Status CopyTo(const std::string& folder) const override {
    return Copy(folder).status();
  }

  // Does the same, and returns the head of the copy. Fails also with
  // went_back().
  absl::StatusOr<StoreHead> Copy(const std::string& folder) const;

 private:
  HeadedStore(std::unique_ptr<Store> store, std::string path)
      : store_(std::move(store)), path_(std::move(path)) {}

  absl::Status Compare() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteHead(const StoreHead& head)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::unique_ptr<Store> store_;
  const std::string path_;
  mutable absl::Mutex mutex_;
  // How far the store has come, and what the head's file says; they differ only
  // for a store that went back or a file that could not be written.
  StoreHead now_ ABSL_GUARDED_BY(mutex_);
  StoreHead written_ ABSL_GUARDED_BY(mutex_);
  // Whether the head's file can be relied on.
  bool has_head_ ABSL_GUARDED_BY(mutex_) = true;
  absl::Status went_back_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_HEADED_STORE_H_

// What trustd keeps: a small, ordered, durable map from names to bytes.
//
//   StoreBatch batch;
//   batch.Put("tuf/timestamp", bytes);
//   if (auto s = store.Commit(batch); !s.ok()) return s;  // nothing changed
//
// A seam: RocksDB is behind it by default; an engine that several trustd share
// can be too. Implementations are thread-safe.

#ifndef ANCHORAGE_TRUSTD_BASE_STORE_H_
#define ANCHORAGE_TRUSTD_BASE_STORE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anchorage::trustd {

// Changes that are made together or not at all.
class StoreBatch {
 public:
  struct Change {
    std::string key;
    // nullopt deletes the key.
    std::optional<std::string> value;
  };

  void Put(std::string_view key, std::string_view value) {
    changes_.push_back({std::string(key), std::string(value)});
  }
  void Delete(std::string_view key) {
    changes_.push_back({std::string(key), std::nullopt});
  }

  // Adds the changes of another batch, after these.
  void Add(const StoreBatch& more) {
    changes_.insert(changes_.end(), more.changes_.begin(), more.changes_.end());
    accepts_store_ = accepts_store_ || more.accepts_store_;
  }

  // Says that people accept the store as it is with this batch: see
  // HeadedStore.
  void AcceptStore() { accepts_store_ = true; }
  bool accepts_store() const { return accepts_store_; }

  const std::vector<Change>& changes() const { return changes_; }

 private:
  std::vector<Change> changes_;
  bool accepts_store_ = false;
};

// The failure of whatever would sign, or go on the record, while the store is
// older than what was published from it: FAILED_PRECONDITION, with a message
// that says what people can do. `found` says how it was found.
absl::Status StoreWentBack(std::string_view found);
bool IsStoreWentBack(const absl::Status& status);

// The same failure where the only evidence is a timestamp that somebody has
// shown, signed with our own online key: the store went back, or that key is in
// other hands. A root that replaces the key ends this state too.
absl::Status TimestampShown(std::uint64_t ours, std::uint64_t shown);
bool IsTimestampShown(const absl::Status& status);

class Store {
 public:
  virtual ~Store() = default;

  // Returns the value of `key`; nullopt where it was never put. Fails with
  // DATA_LOSS for a damaged store and UNAVAILABLE for one that cannot be read.
  virtual absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const = 0;

  // Makes all changes of `batch`, in order, and returns when they are on the
  // disk. Fails with RESOURCE_EXHAUSTED (disk full), DATA_LOSS or UNAVAILABLE;
  // then none of them was made.
  virtual absl::Status Commit(const StoreBatch& batch) = 0;

  // Calls `visit` for each key that begins with `prefix`, in the order of the
  // keys' bytes, over one state of the store, until `visit` returns false.
  virtual absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view key, std::string_view value)>&
          visit) const = 0;

  // Copies the store as it is at one moment into the new folder `folder`, whose
  // parent is there, beside all other calls. Cheap where that is on the same
  // disk. Fails as Commit() does, and with UNIMPLEMENTED for an engine that has
  // no copies.
  virtual absl::Status CopyTo(const std::string& folder) const;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_STORE_H_

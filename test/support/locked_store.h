// A store in memory for tests with threads: it outlives what it is restarted
// under, and its commits can be made to fail.

#ifndef ANCHORAGE_TEST_SUPPORT_LOCKED_STORE_H_
#define ANCHORAGE_TEST_SUPPORT_LOCKED_STORE_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "test/support/fake_store.h"

namespace anchorage::trustd {

// Thread-safe; a visitor must not call the store.
class LockedStore final : public Store {
 public:
  absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const override {
    absl::MutexLock lock(&mutex_);
    return store_.Get(key);
  }
  absl::Status Commit(const StoreBatch& batch) override {
    absl::MutexLock lock(&mutex_);
    return store_.Commit(batch);
  }
  absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    absl::MutexLock lock(&mutex_);
    return store_.Scan(prefix, visit);
  }

  // What commits fail with from now on; OK: they succeed.
  void FailWith(absl::Status failure) {
    absl::MutexLock lock(&mutex_);
    store_.failure = std::move(failure);
  }
  // Changes the last byte of a value that is there.
  void Damage(const std::string& key) {
    absl::MutexLock lock(&mutex_);
    store_.values.at(key).back() ^= 1;
  }
  std::size_t size() const {
    absl::MutexLock lock(&mutex_);
    return store_.values.size();
  }

 private:
  mutable absl::Mutex mutex_;
  FakeStore store_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_LOCKED_STORE_H_

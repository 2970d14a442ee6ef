// Notifies watchers of the records that were written, in order.
//
//   feed.Add(first, records);   // under whatever lock made them
//   feed.Notify();              // with none held
//
// Thread-safe. Its lock is the last one: nothing is called while it is held.

#ifndef ANCHORAGE_TRUSTD_RECORD_RECORD_FEED_H_
#define ANCHORAGE_TRUSTD_RECORD_RECORD_FEED_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proto/anchorage/v1/ledger.pb.h"

namespace anchorage::trustd {

class RecordFeed {
 public:
  using Watcher =
      std::function<void(std::uint64_t index, const v1::LedgerRecord&)>;

  void Add(std::uint64_t first, const std::vector<v1::LedgerRecord>& records);

  // Calls every watcher with what was added, unless another thread is already
  // doing so.
  void Notify();

  // Calls `watcher` for every later record until Unwatch() with the returned
  // number. One last call may still be under way when Unwatch() returns, so a
  // watcher must own what it uses. It may call anything.
  std::uint64_t Watch(Watcher watcher);
  void Unwatch(std::uint64_t id);

 private:
  absl::Mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<const Watcher>> watchers_
      ABSL_GUARDED_BY(mutex_);
  std::uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  std::vector<std::pair<std::uint64_t, v1::LedgerRecord>> waiting_
      ABSL_GUARDED_BY(mutex_);
  // One thread notifies at a time, so that every watcher gets the records in
  // order.
  bool is_notifying_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_RECORD_FEED_H_

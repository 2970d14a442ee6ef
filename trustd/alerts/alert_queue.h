// The alerts that wait for one webhook, in the store: they survive a restart
// and leave in the order in which they came.
//
//   auto queue = AlertQueue::Open(store, "pager");
//   const bool dropped = (*queue)->Add(AlertBody(alert, id), batch);
//   ... somebody commits `batch`, with what the alert is about ...
//   auto look = (*queue)->Behind("");  // deliver `next`, then Remove() it
//
// Batches must be committed in the order of their Add() calls; one that is
// never committed leaves no trace. Thread-safe beyond that.

#ifndef ANCHORAGE_TRUSTD_ALERTS_ALERT_QUEUE_H_
#define ANCHORAGE_TRUSTD_ALERTS_ALERT_QUEUE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "trustd/base/store.h"

namespace anchorage::trustd {

// The most alerts that wait for one webhook. One more replaces the oldest.
inline constexpr std::uint64_t kMaxWaitingAlerts = 10'000;

class AlertQueue {
 public:
  struct Waiting {
    std::string key;
    std::string body;
  };

  // Opens the queue of `webhook` (a-z, 0-9 and "-") in `store`, which outlives
  // it. Fails as Store does.
  static absl::StatusOr<std::unique_ptr<AlertQueue>> Open(
      Store& store, std::string_view webhook);

  // Adds to `batch` the changes that put `body` at the end. Returns whether
  // that replaces the oldest alert.
  bool Add(std::string_view body, StoreBatch& batch);

  struct Look {
    // nullopt if none waits there.
    std::optional<Waiting> next;
    // How many alerts wait before it.
    std::uint64_t passed = 0;
  };
  // Returns the first behind `key`, which may be gone; "" is before all.
  absl::StatusOr<Look> Behind(std::string_view key) const;

  // Removes one alert. Returns whether it was still there.
  absl::StatusOr<bool> Remove(const std::string& key);

  // Returns how many alerts waited when it was opened.
  std::uint64_t waiting_at_open() const { return waiting_at_open_; }

 private:
  AlertQueue(Store& store, std::string prefix, std::uint64_t next,
             std::uint64_t waiting)
      : store_(store),
        prefix_(std::move(prefix)),
        waiting_at_open_(waiting),
        next_(next) {}

  std::string KeyOf(std::uint64_t number) const;

  Store& store_;
  const std::string prefix_;
  const std::uint64_t waiting_at_open_;
  absl::Mutex mutex_;
  // The number of the next alert. Except for batches that were never committed,
  // numbers have no gaps, and none is reused while an alert waits.
  std::uint64_t next_ ABSL_GUARDED_BY(mutex_);
};

// Removes the alerts that wait for webhooks other than `webhooks` and returns
// how many there were. Fails as Store does.
absl::StatusOr<int> RemoveOtherQueues(Store& store,
                                      const std::set<std::string>& webhooks);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_ALERT_QUEUE_H_

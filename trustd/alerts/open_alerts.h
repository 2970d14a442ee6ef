// What people were alerted about and nobody has said is over.
//
//   auto open = OpenAlerts::Open(store, now);
//   (*open)->Add(alert, batch);
//   ... somebody commits `batch`, with what the alert is about ...
//   (*open)->Committed(alert);
//   for (const v1::OpenAlert& one : (*open)->List(now)) ...
//
// Alerts with the same AlertIdOf() are one: the newest. It is open from then on
// until an alert says that it is over (IsEnd()), or for kOpenAlone where no kind
// of alert ever does. What is to end and does not, as a source that is no longer
// polled, is dropped kOpenUntilEnd after the last alert about it. Nothing else
// is known of whether its reason lasts. Kept in the store. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_ALERTS_OPEN_ALERTS_H_
#define ANCHORAGE_TRUSTD_ALERTS_OPEN_ALERTS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/alerts.pb.h"
#include "trustd/alerts/alert.h"
#include "trustd/base/store.h"

namespace anchorage::trustd {

inline constexpr absl::Duration kOpenAlone = absl::Hours(7 * 24);
inline constexpr absl::Duration kOpenUntilEnd = absl::Hours(90 * 24);
// The most that are kept. One more takes the place of the one that is longest
// without news.
inline constexpr std::size_t kMaxOpenAlerts = 1000;
// How much is kept of a text and of each fact, so that a list of all of them is
// one answer.
inline constexpr std::size_t kMaxOpenTextBytes = 2048;
inline constexpr std::size_t kMaxOpenFactBytes = 128;
inline constexpr std::size_t kMaxOpenFacts = 8;

class OpenAlerts {
 public:
  // Reads what `store`, which outlives it, has. Fails as Store does.
  static absl::StatusOr<std::unique_ptr<OpenAlerts>> Open(Store& store);

  // Adds to `batch` what keeps `alert`, or forgets what it says is over.
  void Add(const Alert& alert, StoreBatch& batch) const;

  // Must be called once the batch of Add() is on the disk.
  void Committed(const Alert& alert);

  // Returns what is open at `now`, the most severe first and of those the
  // newest, without what people said of it.
  std::vector<v1::OpenAlert> List(absl::Time now) const;

  // Returns how many of them there are, by v1::AlertSeverity.
  std::map<v1::AlertSeverity, int> CountAt(absl::Time now) const;

 private:
  using ById = std::map<std::string, v1::OpenAlert>;

  OpenAlerts() = default;

  // The id of what makes room for `id`; empty if there is room.
  std::string Displaced(const std::string& id) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  v1::OpenAlert MessageOf(const Alert& alert) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  ById open_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_OPEN_ALERTS_H_

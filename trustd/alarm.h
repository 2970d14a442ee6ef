// Hands alerts to an alerter that a reload may replace.
//
//   Alarm alarm(*std::move(alerter));
//   alarm.Replace([&] { return Alerter::Create(next, store, registry); });

#ifndef ANCHORAGE_TRUSTD_ALARM_H_
#define ANCHORAGE_TRUSTD_ALARM_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "trustd/alerts/alert.h"
#include "trustd/alerts/alerter.h"
#include "trustd/base/store.h"
#include "trustd/mirror/mirror.h"

namespace anchorage::trustd {

// Thread-safe.
class Alarm final : public AlertSink {
 public:
  explicit Alarm(std::unique_ptr<Alerter> alerter)
      : alerter_(std::move(alerter)) {}

  // Waits while the alerter is being replaced.
  std::function<void()> Raise(const std::vector<Alert>& alerts,
                              StoreBatch& batch) override;

  // Null while it is being replaced.
  std::shared_ptr<Alerter> Current();

  // Waits until what was raised is committed, stops the alerter and puts what
  // `make` returns in its place: two would deliver from one queue. Where that
  // fails or throws, the last one takes alerts on, and delivers none until the
  // next start. Fails as `make` does. One call at a time.
  absl::Status Replace(
      const std::function<absl::StatusOr<std::unique_ptr<Alerter>>()>& make);

 private:
  absl::Mutex mutex_;
  std::shared_ptr<Alerter> alerter_ ABSL_GUARDED_BY(mutex_);
  // Batches with alerts that are neither committed nor given up.
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALARM_H_

#include "trustd/alarm.h"

#include <utility>

#include "absl/cleanup/cleanup.h"

namespace anchorage::trustd {

std::function<void()> Alarm::Raise(const std::vector<Alert>& alerts,
                                   StoreBatch& batch) {
  std::shared_ptr<Alerter> alerter;
  {
    const absl::MutexLock lock(&mutex_);
    const auto is_there = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return alerter_ != nullptr;
    };
    mutex_.Await(absl::Condition(&is_there));
    alerter = alerter_;
    ++in_flight_;
  }
  // Counted until the batch is committed or given up.
  std::shared_ptr<void> flight(nullptr, [this](void*) {
    const absl::MutexLock lock(&mutex_);
    --in_flight_;
  });
  std::vector<RaisedAlert> raised;
  for (const Alert& alert : alerts) {
    raised.push_back(alerter->Raise(alert, batch));
  }
  return [alerter, flight, raised = std::move(raised)] {
    for (const RaisedAlert& one : raised) alerter->Committed(one);
  };
}

std::shared_ptr<Alerter> Alarm::Current() {
  const absl::MutexLock lock(&mutex_);
  return alerter_;
}

absl::Status Alarm::Replace(
    const std::function<absl::StatusOr<std::unique_ptr<Alerter>>()>& make) {
  std::shared_ptr<Alerter> alerter;
  // Whatever happens, nobody waits for ever.
  const absl::Cleanup put_back = [&] {
    const absl::MutexLock lock(&mutex_);
    alerter_ = std::move(alerter);
  };
  {
    const absl::MutexLock lock(&mutex_);
    alerter = std::move(alerter_);
    alerter_ = nullptr;
    const auto is_quiet = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return in_flight_ == 0;
    };
    mutex_.Await(absl::Condition(&is_quiet));
  }
  alerter->Stop();
  auto made = make();
  if (made.ok()) alerter = *std::move(made);
  return made.status();
}

}  // namespace anchorage::trustd

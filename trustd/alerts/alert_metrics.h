// The metrics of alerts, for Prometheus.
//
//   AlertMetrics metrics(registry);
//   metrics.CountAlert(AlertKind::kSourceFailing);
//
// The names and labels are in README.md and keep their meaning. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_ALERTS_ALERT_METRICS_H_
#define ANCHORAGE_TRUSTD_ALERTS_ALERT_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <string>

#include "trustd/alerts/alert.h"

namespace anchorage::trustd {

// How an alert left a webhook's queue.
enum class WebhookOutcome {
  kDelivered,
  // The receiver does not want the alert.
  kGivenUp,
  // The receiver did not accept the alert before it was too old.
  kExpired,
  // Too many alerts waited behind it.
  kOverflowed,

  kMaxValue = kOverflowed,
};

class AlertMetrics {
 public:
  // `registry` outlives this.
  explicit AlertMetrics(prometheus::Registry& registry);
  AlertMetrics(const AlertMetrics&) = delete;
  AlertMetrics& operator=(const AlertMetrics&) = delete;

  // Shows all counters of `webhook`, at 0.
  void AddWebhook(const std::string& webhook);
  // Shows nothing of `webhook` any more. None of its alerts may be counted at
  // the same time.
  void RemoveWebhook(const std::string& webhook);

  void CountAlert(AlertKind kind);
  void CountOutcome(const std::string& webhook, WebhookOutcome outcome);
  // Counts a delivery that failed and will be retried.
  void CountRetry(const std::string& webhook);
  // Sets how many alerts are set aside now because the receiver refuses them.
  void SetSetAside(const std::string& webhook, std::uint64_t alerts);
  // Counts alerts that came into a queue, or left it.
  void AddQueued(const std::string& webhook, std::int64_t alerts);

 private:
  prometheus::Counter& Alerts(AlertKind kind);
  prometheus::Counter& Outcomes(const std::string& webhook,
                                WebhookOutcome outcome);

  prometheus::Family<prometheus::Counter>& alerts_;
  prometheus::Family<prometheus::Counter>& outcomes_;
  prometheus::Family<prometheus::Counter>& retries_;
  prometheus::Family<prometheus::Gauge>& set_aside_;
  prometheus::Family<prometheus::Gauge>& queued_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_ALERT_METRICS_H_

// Tells people: by the log, by metrics and by webhooks.
//
//   StoreBatch batch;  // with the facts
//   const RaisedAlert raised = alerter.Raise(alert, batch);
//   if (auto s = store.Commit(batch); !s.ok()) return s;  // nobody was told
//   alerter.Committed(raised);
//
// An alert is told if and only if its batch was committed: webhooks also after
// a crash at any moment, log and metrics by Committed(). Each webhook gets its
// alerts in the order of Raise(), as long as batches are committed in that
// order. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_
#define ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_

#include <prometheus/registry.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trustd/alerts/alert.h"
#include "trustd/alerts/alert_config.h"
#include "trustd/alerts/alert_metrics.h"
#include "trustd/alerts/alert_queue.h"
#include "trustd/alerts/webhook.h"
#include "trustd/base/store.h"

namespace anchorage::trustd {

// What is in a batch and remains to be said once that is committed.
struct RaisedAlert {
  Alert alert;
  // The webhooks whose oldest alert makes room for it.
  std::vector<std::string> overflowed;
};

class Alerter {
 public:
  // Reads the secrets, and starts to deliver what still waits. What waits for
  // webhooks that `settings` no longer has is removed. `store` and `registry`
  // outlive this. Fails as ReadWebhookSecret() and as Store does.
  static absl::StatusOr<std::unique_ptr<Alerter>> Create(
      const AlertSettings& settings, Store& store,
      prometheus::Registry& registry, WebhookTimes times = {});
  // Stops.
  ~Alerter();

  // Adds to `batch` what the webhooks that want `alert` will get. Without a
  // commit and Committed() it has no effect.
  [[nodiscard]] RaisedAlert Raise(Alert alert, StoreBatch& batch);

  // To be called when the batch of Raise() is on the disk.
  void Committed(const RaisedAlert& raised);

  // For an alert that comes with no fact to be committed. Log and metrics have
  // it even if the store fails, which it returns.
  absl::Status RaiseAlone(Alert alert);

  // Ends deliveries, within a second or so. What is raised later is delivered
  // after the next start.
  void Stop();

 private:
  // One receiver. Its queue outlives its thread.
  struct Receiver {
    std::string name;
    std::set<AlertKind> kinds;
    std::unique_ptr<AlertQueue> queue;
    std::unique_ptr<Webhook> webhook;
  };

  Alerter(Store& store, prometheus::Registry& registry)
      : store_(store), metrics_(registry) {}

  absl::Status Add(const WebhookSettings& settings, const WebhookTimes& times);
  absl::Status AddOrThrow(const WebhookSettings& settings,
                          const WebhookTimes& times);

  Store& store_;
  AlertMetrics metrics_;
  std::vector<Receiver> receivers_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_

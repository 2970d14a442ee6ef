// Alerts people: by the log, by metrics and by webhooks.
//
//   Alerter alerter(store, registry);
//   auto webhooks = alerter.Prepare(settings.webhooks);
//   if (!webhooks.ok()) return webhooks.status();  // nothing has changed
//   alerter.SetWebhooks(*std::move(webhooks));
//
//   StoreBatch batch;  // with the facts
//   const RaisedAlert raised = alerter.Raise(alert, batch);
//   if (auto s = store.Commit(batch); !s.ok()) return s; // no alert was given
//   alerter.Committed(raised);
//
// An alert is given if and only if its batch was committed: to webhooks even
// after a crash at any moment, to log and metrics by Committed(). Each webhook
// gets its alerts in the order of Raise(), provided that batches are committed
// in that order. An Alerter lives as long as the service, however its webhooks
// change. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_
#define ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_

#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "trustd/alerts/alert.h"
#include "trustd/alerts/alert_config.h"
#include "trustd/alerts/alert_metrics.h"
#include "trustd/alerts/alert_queue.h"
#include "trustd/alerts/open_alerts.h"
#include "trustd/alerts/webhook.h"
#include "trustd/base/store.h"

namespace anchorage::trustd {

// An alert that is in a batch, with what remains to be logged once that is
// committed.
struct RaisedAlert {
  Alert alert;
  // The webhooks that get it.
  std::vector<std::string> queued;
  // Those of them whose oldest alert is dropped to make room for it.
  std::vector<std::string> overflowed;
};

class Alerter {
 private:
  // One receiver. Its queue outlives its thread.
  struct Receiver {
    std::string name;
    // With those that say that one of them is over.
    std::set<AlertKind> kinds;
    std::shared_ptr<AlertQueue> queue;
    std::shared_ptr<Webhook> webhook;
  };

 public:
  // Webhooks that are configured but not notified of anything yet.
  class Webhooks {
   private:
    friend class Alerter;
    std::vector<Receiver> receivers_;
    // Where each webhook sends to, and how, in the same order.
    std::vector<std::pair<WebhookPost, AlertForm>> targets_;
  };

  // Notifies no webhook until SetWebhooks(), and knows of no open alert until
  // Open(). `store` and `registry` must outlive this.
  Alerter(Store& store, prometheus::Registry& registry, WebhookTimes times = {})
      : store_(store), metrics_(registry), times_(std::move(times)) {}
  // Calls Stop().
  ~Alerter();

  // Reads the alerts that are open. Call it once, before anything is raised.
  // Fails as Store does.
  absl::Status Open();

  // Returns the alerts that are open, as OpenAlerts::List() does.
  std::vector<v1::OpenAlert> OpenAt(absl::Time now) const;

  // Returns how many of them there are, for a page of metrics.
  std::vector<prometheus::MetricFamily> CollectAt(absl::Time now) const;

  // Reads the secrets and prepares what SetWebhooks() takes; the webhooks in
  // use are unaffected. `console_url` is AlertSettings::console_url. Fails as
  // ReadWebhookSecret() and as Store does, with INVALID_ARGUMENT for a secret
  // that is no integration key of PagerDuty's where it must be one, and with
  // RESOURCE_EXHAUSTED where there is no room for a thread.
  absl::StatusOr<Webhooks> Prepare(const std::vector<WebhookSettings>& settings,
                                   const std::string& console_url = "");

  // Replaces the webhooks by those that Prepare() returned last, and starts to
  // deliver what waits for them; one that stays keeps its order and retries at
  // once. Those that are gone stop within a second or so, and the alerts that
  // wait for them are removed as soon as the store can be written. Not for
  // several threads at once.
  void SetWebhooks(Webhooks webhooks);

  // Adds `alert` to `batch`, for each webhook that wants it and as one that is
  // open. Without a commit and Committed() it has no effect.
  [[nodiscard]] RaisedAlert Raise(Alert alert, StoreBatch& batch);

  // Must be called once the batch of Raise() is on the disk.
  void Committed(const RaisedAlert& raised);

  // For an alert without a fact to be committed. Log and metrics get it even if
  // the store fails; then returns the store's failure.
  absl::Status RaiseAlone(Alert alert);

  // Stops deliveries, within a second or so. Alerts that are raised later are
  // delivered after the next start.
  void Stop();

 private:
  absl::StatusOr<Webhooks> PrepareOrThrow(
      const std::vector<WebhookSettings>& settings,
      const std::string& console_url);
  // Returns the queue of that name, opened at its first use and kept: only it
  // knows the numbers of alerts that are raised but not committed.
  absl::StatusOr<std::shared_ptr<AlertQueue>> QueueOf(const std::string& name);
  std::vector<Receiver> receivers() const;
  static void StopAll(const std::vector<Receiver>& receivers);

  Store& store_;
  AlertMetrics metrics_;
  const WebhookTimes times_;
  // Null before Open().
  std::unique_ptr<OpenAlerts> open_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<AlertQueue>> queues_
      ABSL_GUARDED_BY(mutex_);
  std::vector<Receiver> receivers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_

// Tells people: by the log, by metrics and by webhooks.
//
//   Alerter alerter(store, registry);
//   auto webhooks = alerter.Prepare(settings.webhooks);
//   if (!webhooks.ok()) return webhooks.status();  // nothing has changed
//   alerter.SetWebhooks(*std::move(webhooks));
//
//   StoreBatch batch;  // with the facts
//   const RaisedAlert raised = alerter.Raise(alert, batch);
//   if (auto s = store.Commit(batch); !s.ok()) return s;  // nobody was told
//   alerter.Committed(raised);
//
// An alert is told if and only if its batch was committed: webhooks also after
// a crash at any moment, log and metrics by Committed(). Each webhook gets its
// alerts in the order of Raise(), as long as batches are committed in that
// order. It lives as long as the service, whatever its webhooks become.
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_
#define ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_

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
 private:
  // One receiver. Its queue outlives its thread.
  struct Receiver {
    std::string name;
    std::set<AlertKind> kinds;
    std::shared_ptr<AlertQueue> queue;
    std::shared_ptr<Webhook> webhook;
  };

 public:
  // Webhooks that are read and built, and that nobody tells anything yet.
  class Webhooks {
   private:
    friend class Alerter;
    std::vector<Receiver> receivers_;
    // What each is to send to, in the same order.
    std::vector<WebhookPost> targets_;
  };

  // Tells no webhook until SetWebhooks(). `store` and `registry` outlive this.
  Alerter(Store& store, prometheus::Registry& registry, WebhookTimes times = {})
      : store_(store), metrics_(registry), times_(std::move(times)) {}
  // Stops.
  ~Alerter();

  // Reads the secrets and makes ready what SetWebhooks() takes; what is in use
  // goes on as it is. Fails as ReadWebhookSecret() and as Store does, and with
  // RESOURCE_EXHAUSTED where there is no room for a thread.
  absl::StatusOr<Webhooks> Prepare(
      const std::vector<WebhookSettings>& settings);

  // Puts what Prepare() returned last in the place of what is there, and starts
  // to deliver what waits for it; one that stays goes on in its order and tries
  // at once. Those that are gone end within a second or so, and what waits for
  // them is removed, as soon as the store can be written. One call at a time.
  void SetWebhooks(Webhooks webhooks);

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
  absl::StatusOr<Webhooks> PrepareOrThrow(
      const std::vector<WebhookSettings>& settings);
  // The queue of that name, opened at its first use and kept: it alone knows
  // the numbers of what is raised and not committed.
  absl::StatusOr<std::shared_ptr<AlertQueue>> QueueOf(const std::string& name);
  std::vector<Receiver> receivers() const;
  static void StopAll(const std::vector<Receiver>& receivers);

  Store& store_;
  AlertMetrics metrics_;
  const WebhookTimes times_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<AlertQueue>> queues_
      ABSL_GUARDED_BY(mutex_);
  std::vector<Receiver> receivers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_ALERTER_H_

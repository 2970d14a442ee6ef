// Delivers what waits in a queue to one receiver, in order and each at least
// once, on a thread of its own.
//
//   Webhook webhook(target, *queue, metrics, {});
//   webhook.Notify();  // something may be new in the queue
//
// The first alert is tried until the receiver takes it (2xx), refuses it for
// ever (410) or it is too old; those behind it wait. An alert that was taken
// just before a crash comes again, with the same id.

#ifndef ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_H_
#define ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_H_

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "trustd/alerts/alert_metrics.h"
#include "trustd/alerts/alert_queue.h"
#include "trustd/alerts/webhook_post.h"
#include "trustd/base/poll_times.h"

namespace anchorage::trustd {

struct WebhookTimes {
  // Between two tries: `interval`, doubled up to `max_backoff`, of which a
  // random quarter is left out; or what Retry-After asks for, up to
  // kMaxRetryAfter.
  PollTimes retry = {.interval = absl::Seconds(5),
                     .jitter = absl::ZeroDuration(),
                     .max_backoff = absl::Hours(1)};
  // An alert older than this is not tried again.
  absl::Duration max_age = absl::Hours(7 * 24);
  std::function<absl::Time()> now = [] { return absl::Now(); };
};

class Webhook {
 public:
  // Starts at once. `target` is what to send to, its body left empty. `queue`
  // and `metrics` outlive this.
  Webhook(std::string name, WebhookPost target, AlertQueue& queue,
          AlertMetrics& metrics, WebhookTimes times);
  // Stops, if need be.
  ~Webhook();

  // Wakes the thread if it has nothing to do. Never waits.
  void Notify();

  // Has the thread end, and does not wait for it.
  void Cancel();

  // Ends the thread, within a second or so; a delivery under way is given up and comes
  // again after the next start.
  void Stop();

 private:
  void Run();
  // Deals with the first alert. Returns how long to wait before the next step;
  // InfiniteDuration() where only Notify() can give it something to do.
  absl::Duration Step();
  // Tries once. Returns whether the alert is to leave the queue.
  bool Settle(const std::string& body);
  bool Fail(const WebhookReply& reply);
  absl::Duration WaitAfter(const PollHistory& history);
  absl::Duration WaitForStore(const char* what, const absl::Status& status);
  bool IsTooOld(const std::string& body) const;
  bool HasSomethingToDo() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string name_;
  const WebhookPost target_;
  AlertQueue& queue_;
  AlertMetrics& metrics_;
  const WebhookTimes times_;

  // Of the thread alone.
  absl::BitGen random_;
  PollHistory deliveries_;
  PollHistory store_;
  // The key of the last alert that was dealt with: should it still be there, it
  // only has to be removed.
  std::string settled_;

  std::atomic<bool> cancelled_ = false;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_H_

// Delivers what waits in a queue to one receiver, in order and each at least
// once, on a thread of its own.
//
//   Webhook webhook("pager", *queue, metrics, {});
//   webhook.SetTarget(target);
//   webhook.Notify(); // there may be something new in the queue
//
// The first alert is retried until the receiver accepts it (2xx) or does not
// want it (410), or until it is too old; those behind it wait, because they
// would fail too. One that the receiver refuses (WebhookVerdict::kRefused) is
// tried kRefusals times and then set aside: it stays in the queue, those behind
// it are delivered, and one of those set aside is retried each hour, in turn.
// As soon as the receiver accepts one of the alerts set aside, all of them are
// retried, in order. So a receiver that was repaired loses nothing, and a
// refused alert holds up no other. Which alerts are set aside is kept in memory
// only: a start begins at the oldest.
//
// An alert that was accepted just before a crash is sent again, with the same
// id.

#ifndef ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_H_
#define ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_H_

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "trustd/alerts/alert_format.h"
#include "trustd/alerts/alert_metrics.h"
#include "trustd/alerts/alert_queue.h"
#include "trustd/alerts/webhook_post.h"
#include "trustd/base/poll_times.h"

namespace anchorage::trustd {

// How often an alert that the receiver refuses is tried before those behind it
// are delivered. Until the receiver accepts one again, those that it refuses
// are tried only once.
inline constexpr int kRefusals = 3;

struct WebhookTimes {
  // The wait between two tries: `interval`, doubled up to `max_backoff`, of
  // which a random quarter is left out; or what Retry-After asks for, up to
  // kMaxRetryAfter.
  PollTimes retry = {.interval = absl::Seconds(5),
                     .jitter = absl::ZeroDuration(),
                     .max_backoff = absl::Hours(1)};
  // An alert older than this is not retried.
  absl::Duration max_age = absl::Hours(7 * 24);
  std::function<absl::Time()> now = [] { return absl::Now(); };
  anchors::SteadyClock uptime = &anchors::SteadyNow;
};

class Webhook {
 public:
  // Sends nothing until SetTarget(). `queue` and `metrics` must outlive this.
  // Throws std::system_error where its thread cannot be started.
  Webhook(std::string name, AlertQueue& queue, AlertMetrics& metrics,
          WebhookTimes times);
  // Calls Stop().
  ~Webhook();

  // Sends to `target`, whose body is empty, in `form` from now on: what waits is
  // tried at once, including what is set aside. Never blocks.
  void SetTarget(WebhookPost target, AlertForm form = {});

  // Wakes the thread if it has nothing to do. Never blocks.
  void Notify();

  // Asks the thread to stop; does not wait for it.
  void Cancel();

  // Stops the thread, within a second or so; a delivery under way is aborted
  // and repeated after the next start.
  void Stop();

 private:
  struct Pause {
    absl::Duration wait;
    // Whether Notify() ends it. If not, new alerts do not make a retry come
    // sooner.
    bool ends_with_news = false;
  };

  void Run();
  // Waits for work and switches to a new target if there is one. Returns false
  // when the thread should stop.
  bool Begin();
  // Handles one alert; returns how long to wait before the next.
  Pause Step();
  // Tries the first alert that is not set aside.
  Pause Deliver(const AlertQueue::Waiting& alert);
  // Tries one of the alerts set aside, each in its turn.
  Pause TryAside();
  // Posts what FormatAlert() makes of a body; nullopt if that is nothing.
  std::optional<WebhookVerdict> Post(const std::string& body,
                                     WebhookReply& reply);
  // Removes an alert from the queue, with that outcome.
  Pause Leave(const AlertQueue::Waiting& alert, WebhookOutcome outcome);
  Pause SetAside(const AlertQueue::Waiting& alert, const WebhookReply& reply);
  void CountFailure(const WebhookReply& reply);
  absl::Duration WaitAfter(const PollHistory& history);
  Pause WaitForStore(const char* what, const absl::Status& status);
  bool IsTooOld(const std::string& body) const;

  const std::string name_;
  AlertQueue& queue_;
  AlertMetrics& metrics_;
  const WebhookTimes times_;
  // The same moment by both clocks: the start.
  const absl::Time started_;
  const absl::Duration started_uptime_;

  // Used by the thread alone, down to `try_aside_at_`.
  WebhookPost target_;
  AlertForm form_;
  absl::BitGen random_;
  PollHistory deliveries_;
  PollHistory store_;
  // The key of an alert that was handled and only remains to be removed.
  std::string settled_;
  // How often the first alert that is not set aside was refused.
  int refusals_ = 0;
  // Whether the receiver has accepted anything since one was set aside.
  bool takes_others_ = true;
  // All waiting alerts up to this key are set aside.
  std::string passed_;
  // The key of the alert set aside that was retried last, and when the next
  // retry is.
  std::string tried_aside_;
  absl::Duration try_aside_at_;

  std::atomic<bool> cancelled_ = false;
  absl::Mutex mutex_;
  anchors::SteadyCondition changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<WebhookPost> next_target_ ABSL_GUARDED_BY(mutex_);
  // Of `next_target_`.
  AlertForm next_form_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_H_

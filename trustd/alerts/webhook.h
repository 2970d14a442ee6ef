// Delivers what waits in a queue to one receiver, in order and each at least
// once, on a thread of its own.
//
//   Webhook webhook("pager", *queue, metrics, {});
//   webhook.SetTarget(target);
//   webhook.Notify();  // something may be new in the queue
//
// The first alert is tried until the receiver takes it (2xx), does not want it
// (410) or it is too old; those behind it wait, because what fails would fail
// for them, too. One that the receiver refuses (WebhookVerdict::kRefused) is
// tried kRefusals times and set aside: it stays in the queue, those behind it go
// on, and it is tried again at times. As soon as the receiver takes one of
// those, all are tried again, in order. So a receiver that was mended loses
// nothing, and a refused alert holds up nobody. What is set aside is what the
// queue was gone past, in memory alone: a start begins at the oldest.
//
// An alert that was taken just before a crash comes again, with the same id.

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
#include "trustd/alerts/alert_metrics.h"
#include "trustd/alerts/alert_queue.h"
#include "trustd/alerts/webhook_post.h"
#include "trustd/base/poll_times.h"

namespace anchorage::trustd {

// How often an alert is tried that the receiver refuses, before those behind it
// go on. One that is refused right after that is tried once.
inline constexpr int kRefusals = 3;

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
  anchors::SteadyClock uptime = &anchors::SteadyNow;
};

class Webhook {
 public:
  // Waits for SetTarget(). `queue` and `metrics` outlive this. Throws
  // std::system_error where its thread cannot be started.
  Webhook(std::string name, AlertQueue& queue, AlertMetrics& metrics,
          WebhookTimes times);
  // Stops, if need be.
  ~Webhook();

  // Sends to `target`, its body left empty, from now on: what waits is tried at
  // once, also what is set aside. Never waits.
  void SetTarget(WebhookPost target);

  // Wakes the thread if it has nothing to do. Never waits.
  void Notify();

  // Has the thread end, and does not wait for it.
  void Cancel();

  // Ends the thread, within a second or so; a delivery under way is given up and comes
  // again after the next start.
  void Stop();

 private:
  struct Pause {
    absl::Duration wait;
    // Whether Notify() ends it. Else nobody is tried sooner for having more to
    // get.
    bool ends_with_news = false;
  };

  void Run();
  // Takes up a new target. Returns false for the end.
  bool Begin();
  // Deals with one alert; returns how long to wait before the next.
  Pause Step();
  // Tries the first that is not set aside.
  Pause Deliver(const AlertQueue::Waiting& alert);
  // Tries one that is set aside, each in its turn.
  Pause TryAside();
  WebhookReply Post(const std::string& body);
  // It is to leave the queue.
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
  // The same moment by both clocks.
  const absl::Time started_;
  const absl::Duration started_uptime_;

  // Of the thread alone.
  WebhookPost target_;
  absl::BitGen random_;
  PollHistory deliveries_;
  PollHistory store_;
  // The key of an alert that was dealt with and only has to be removed.
  std::string settled_;
  // Of the first that is not set aside.
  int refusals_ = 0;
  // Whether the receiver has taken anything since one was set aside.
  bool takes_others_ = true;
  // What waits up to this key is set aside.
  std::string passed_;
  // The key of the last of these that was tried again, and when the next is.
  std::string tried_aside_;
  absl::Duration try_aside_at_;

  std::atomic<bool> cancelled_ = false;
  absl::Mutex mutex_;
  anchors::SteadyCondition changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<WebhookPost> next_target_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ALERTS_WEBHOOK_H_

#include "trustd/alerts/webhook.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

#include "anchors/base/no_throw.h"
#include "trustd/alerts/alert.h"

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kAfterException = absl::Minutes(1);

}  // namespace

Webhook::Webhook(std::string name, WebhookPost target, AlertQueue& queue,
                 AlertMetrics& metrics, WebhookTimes times)
    : name_(std::move(name)),
      target_(std::move(target)),
      queue_(queue),
      metrics_(metrics),
      times_(std::move(times)),
      thread_(&Webhook::Run, this) {}

Webhook::~Webhook() { Stop(); }

void Webhook::Notify() {
  absl::MutexLock lock(&mutex_);
  notified_ = true;
}

void Webhook::Cancel() {
  cancelled_ = true;
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

void Webhook::Stop() {
  Cancel();
  if (thread_.joinable()) thread_.join();
}

bool Webhook::HasSomethingToDo() const { return stopping_ || notified_; }

void Webhook::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      notified_ = false;
    }
    absl::Duration wait = kAfterException;
    const absl::Status caught = anchors::NoThrow([&] {
      wait = Step();
      return absl::OkStatus();
    });
    if (!caught.ok()) {
      spdlog::error("webhook {}: {}", name_, std::string(caught.message()));
    }
    absl::MutexLock lock(&mutex_);
    if (wait == absl::InfiniteDuration()) {
      mutex_.Await(absl::Condition(this, &Webhook::HasSomethingToDo));
    } else {
      // News does not end it: nobody is tried sooner for having more to get.
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), wait);
    }
  }
}

absl::Duration Webhook::Step() {
  const auto oldest = queue_.Oldest();
  if (!oldest.ok()) return WaitForStore("read", oldest.status());
  if (!oldest->has_value()) return absl::InfiniteDuration();
  const AlertQueue::Waiting& alert = **oldest;
  if (alert.key != settled_) {
    if (!Settle(alert.body)) return WaitAfter(deliveries_);
    settled_ = alert.key;
  }
  const absl::Status removed = queue_.Remove(alert.key);
  if (!removed.ok()) return WaitForStore("written", removed);
  store_ = {};
  return absl::ZeroDuration();
}

absl::Duration Webhook::WaitAfter(const PollHistory& history) {
  return UntilNextPoll(times_.retry, history, absl::Uniform(random_, 0.0, 1.0));
}

absl::Duration Webhook::WaitForStore(const char* what,
                                     const absl::Status& status) {
  spdlog::error("webhook {}: its queue cannot be {}: {}", name_, what,
                status.ToString());
  ++store_.failures;
  return WaitAfter(store_);
}

bool Webhook::Settle(const std::string& body) {
  // One that is old because trustd was down is tried all the same.
  if (deliveries_.failures > 0 && IsTooOld(body)) {
    spdlog::error("webhook {}: an alert is dropped, which nobody took for {}",
                  name_, absl::FormatDuration(times_.max_age));
    metrics_.CountOutcome(name_, WebhookOutcome::kExpired);
    return true;
  }
  WebhookPost post = target_;
  post.body = body;
  const WebhookReply reply = PostAlert(post, times_.now(), cancelled_);
  const WebhookVerdict verdict = VerdictOf(reply);
  if (verdict == WebhookVerdict::kRetry) return Fail(reply);
  deliveries_ = {};
  if (verdict == WebhookVerdict::kDelivered) {
    metrics_.CountOutcome(name_, WebhookOutcome::kDelivered);
  } else {
    spdlog::warn("webhook {}: an alert is given up: HTTP {}", name_,
                 reply.status);
    metrics_.CountOutcome(name_, WebhookOutcome::kGivenUp);
  }
  return true;
}

bool Webhook::Fail(const WebhookReply& reply) {
  if (cancelled_) return false;
  ++deliveries_.failures;
  deliveries_.retry_after = reply.retry_after;
  metrics_.CountRetry(name_);
  spdlog::warn("webhook {}: try {} failed: {}", name_, deliveries_.failures,
               reply.status == 0 ? reply.failure
                                 : "HTTP " + std::to_string(reply.status));
  return false;
}

bool Webhook::IsTooOld(const std::string& body) const {
  const std::optional<absl::Time> time = TimeOfAlertBody(body);
  return !time.has_value() || times_.now() - *time > times_.max_age;
}

}  // namespace anchorage::trustd

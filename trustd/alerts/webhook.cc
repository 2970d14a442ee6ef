#include "trustd/alerts/webhook.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "anchors/base/no_throw.h"
#include "trustd/alerts/alert.h"

namespace anchorage::trustd {
namespace {

constexpr absl::Duration kAfterException = absl::Minutes(1);

}  // namespace

Webhook::Webhook(std::string name, AlertQueue& queue, AlertMetrics& metrics,
                 WebhookTimes times)
    : name_(std::move(name)),
      queue_(queue),
      metrics_(metrics),
      times_(std::move(times)),
      started_(times_.now()),
      started_uptime_(times_.uptime()),
      thread_(&Webhook::Run, this) {}

Webhook::~Webhook() { Stop(); }

void Webhook::SetTarget(WebhookPost target, AlertForm form) {
  {
    absl::MutexLock lock(&mutex_);
    next_target_ = std::move(target);
    next_form_ = std::move(form);
  }
  changed_.NotifyAll();
}

void Webhook::Notify() {
  {
    absl::MutexLock lock(&mutex_);
    notified_ = true;
  }
  changed_.NotifyAll();
}

void Webhook::Cancel() {
  cancelled_ = true;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
}

void Webhook::Stop() {
  Cancel();
  if (thread_.joinable()) thread_.join();
}

bool Webhook::Begin() {
  absl::MutexLock lock(&mutex_);
  if (stopping_) return false;
  notified_ = false;
  if (!next_target_.has_value()) return true;
  target_ = *std::move(next_target_);
  next_target_.reset();
  form_ = std::move(next_form_);
  deliveries_ = {};
  refusals_ = 0;
  takes_others_ = true;
  passed_.clear();
  return true;
}

void Webhook::Run() {
  // Without a target there is nothing to do but wait for one.
  Pause pause{absl::InfiniteDuration()};
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      changed_.AwaitFor(mutex_, pause.wait,
                        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
                          return stopping_ || next_target_.has_value() ||
                                 (pause.ends_with_news && notified_);
                        });
    }
    if (!Begin()) return;
    pause = {kAfterException};
    const absl::Status caught = anchors::NoThrow([&] {
      pause = Step();
      return absl::OkStatus();
    });
    if (!caught.ok()) {
      spdlog::error("webhook {}: {}", name_, std::string(caught.message()));
    }
  }
}

Webhook::Pause Webhook::Step() {
  if (!settled_.empty()) {
    const auto removed = queue_.Remove(settled_);
    if (!removed.ok()) return WaitForStore("written", removed.status());
    if (*removed) metrics_.AddQueued(name_, -1);
    settled_.clear();
  }
  const auto look = queue_.Behind(passed_);
  if (!look.ok()) return WaitForStore("read", look.status());
  store_ = {};
  metrics_.SetSetAside(name_, look->passed);
  const absl::Duration wait = look->passed == 0
                                  ? absl::InfiniteDuration()
                                  : try_aside_at_ - times_.uptime();
  if (wait <= absl::ZeroDuration()) return TryAside();
  if (look->next.has_value()) return Deliver(*look->next);
  return {wait, /*ends_with_news=*/true};
}

std::optional<WebhookVerdict> Webhook::Post(const std::string& body,
                                            WebhookReply& reply) {
  auto formatted = FormatAlert(body, form_, times_.now());
  if (!formatted.has_value()) return std::nullopt;
  WebhookPost post = target_;
  post.body = *std::move(formatted);
  reply = PostAlert(post, times_.now(), cancelled_);
  return VerdictOf(reply, form_.format);
}

Webhook::Pause Webhook::Deliver(const AlertQueue::Waiting& alert) {
  // An alert that is old because trustd was down is still tried once.
  if (deliveries_.failures > 0 && IsTooOld(alert.body)) {
    return Leave(alert, WebhookOutcome::kExpired);
  }
  WebhookReply reply;
  switch (Post(alert.body, reply).value_or(WebhookVerdict::kGivenUp)) {
    case WebhookVerdict::kDelivered:
      takes_others_ = true;
      return Leave(alert, WebhookOutcome::kDelivered);
    case WebhookVerdict::kGivenUp:
      return Leave(alert, WebhookOutcome::kGivenUp);
    case WebhookVerdict::kRefused:
      if (++refusals_ >= (takes_others_ ? kRefusals : 1)) {
        return SetAside(alert, reply);
      }
      break;
    case WebhookVerdict::kRetry:
      break;
  }
  if (!cancelled_) CountFailure(reply);
  return {WaitAfter(deliveries_)};
}

Webhook::Pause Webhook::TryAside() {
  auto look = queue_.Behind(tried_aside_);
  if (!look.ok()) return WaitForStore("read", look.status());
  if (!look->next.has_value() || look->next->key > passed_) {
    look = queue_.Behind("");
    if (!look.ok()) return WaitForStore("read", look.status());
  }
  if (!look->next.has_value() || look->next->key > passed_) {
    return {absl::ZeroDuration()};  // Others took their place.
  }
  const AlertQueue::Waiting& alert = *look->next;
  tried_aside_ = alert.key;
  if (IsTooOld(alert.body)) return Leave(alert, WebhookOutcome::kExpired);
  WebhookReply reply;
  const WebhookVerdict verdict =
      Post(alert.body, reply).value_or(WebhookVerdict::kGivenUp);
  if (verdict == WebhookVerdict::kDelivered) {
    takes_others_ = true;
    passed_.clear();
    return Leave(alert, WebhookOutcome::kDelivered);
  }
  if (verdict == WebhookVerdict::kGivenUp) {
    return Leave(alert, WebhookOutcome::kGivenUp);
  }
  try_aside_at_ = times_.uptime() + times_.retry.max_backoff;
  return {absl::ZeroDuration()};
}

Webhook::Pause Webhook::Leave(const AlertQueue::Waiting& alert,
                              WebhookOutcome outcome) {
  if (outcome == WebhookOutcome::kExpired) {
    spdlog::error("webhook {}: alert expired: not accepted for {}", name_,
                  absl::FormatDuration(times_.max_age));
  } else if (outcome == WebhookOutcome::kGivenUp) {
    spdlog::warn(
        "webhook {}: alert given up: the receiver does not want it, or it "
        "cannot be read",
        name_);
  }
  metrics_.CountOutcome(name_, outcome);
  settled_ = alert.key;
  deliveries_ = {};
  refusals_ = 0;
  return {absl::ZeroDuration()};
}

Webhook::Pause Webhook::SetAside(const AlertQueue::Waiting& alert,
                                 const WebhookReply& reply) {
  spdlog::error(
      "webhook {}: alert refused with HTTP {}: set aside, and retried "
      "every {}",
      name_, reply.status, absl::FormatDuration(times_.retry.max_backoff));
  passed_ = alert.key;
  takes_others_ = false;
  try_aside_at_ = times_.uptime() + times_.retry.max_backoff;
  deliveries_ = {};
  refusals_ = 0;
  return {absl::ZeroDuration()};
}

void Webhook::CountFailure(const WebhookReply& reply) {
  ++deliveries_.failures;
  deliveries_.retry_after = reply.retry_after;
  metrics_.CountRetry(name_);
  spdlog::warn("webhook {}: try {} failed: {}", name_, deliveries_.failures,
               reply.status == 0 ? reply.failure
                                 : "HTTP " + std::to_string(reply.status));
}

absl::Duration Webhook::WaitAfter(const PollHistory& history) {
  return UntilNextPoll(times_.retry, history, absl::Uniform(random_, 0.0, 1.0));
}

Webhook::Pause Webhook::WaitForStore(const char* what,
                                     const absl::Status& status) {
  spdlog::error("webhook {}: its queue cannot be {}: {}", name_, what,
                status.ToString());
  ++store_.failures;
  return {WaitAfter(store_)};
}

bool Webhook::IsTooOld(const std::string& body) const {
  const auto stored = ReadAlertBody(body);
  if (!stored.has_value()) return true;
  // An alert is too old only by both clocks, so that setting the clock, either
  // way, makes nothing old.
  const absl::Time steady = started_ + (times_.uptime() - started_uptime_);
  return std::min(times_.now(), steady) - stored->alert.time > times_.max_age;
}

}  // namespace anchorage::trustd

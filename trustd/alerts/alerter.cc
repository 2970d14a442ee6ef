#include "trustd/alerts/alerter.h"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "trustd/alerts/webhook_post.h"
#include "trustd/base/log.h"
#include "trustd/base/metric_families.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kIdBytes = 16;

// Unlike a counter, an id is never used twice, even if the store was lost.
std::string NewId() {
  unsigned char bytes[kIdBytes];
  // Without randomness nothing of OpenSSL works, so there is no point in going
  // on.
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) std::abort();
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes), sizeof(bytes)));
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "";
}

// Returns the webhook's secret; empty where it needs none.
absl::StatusOr<std::string> SecretOf(const WebhookSettings& webhook) {
  if (webhook.secret_path.empty()) return std::string();
  auto secret = ReadWebhookSecret(webhook.secret_path);
  if (!secret.ok() || webhook.format != v1::WebhookConfig::FORMAT_PAGERDUTY) {
    return secret;
  }
  const bool is_key =
      secret->size() == kRoutingKeyBytes &&
      std::all_of(secret->begin(), secret->end(),
                  [](unsigned char c) { return absl::ascii_isalnum(c); });
  if (is_key) return secret;
  return absl::InvalidArgumentError(absl::StrCat(
      webhook.secret_path, ": an integration key of PagerDuty has ",
      kRoutingKeyBytes, " letters and digits"));
}

// A receiver that keeps alerts is told when one of those that it gets is over.
std::set<AlertKind> KindsOf(const WebhookSettings& webhook) {
  std::set<AlertKind> kinds = webhook.kinds;
  if (!KeepsAlerts(webhook.format)) return kinds;
  for (const AlertKind kind : webhook.kinds) {
    for (const AlertKind other : KindsAboutTheSame(kind)) {
      if (HasEnd(kind) && IsEnd(other)) kinds.insert(other);
    }
  }
  return kinds;
}

std::string LineOf(const Alert& alert) {
  std::string line = absl::StrCat(
      "alert ", std::string(NameOf(alert.kind)), " ",
      verify::Printable(alert.subject), ": ",
      verify::Printable(
          std::string_view(alert.text).substr(0, alert.text.find('\n'))));
  std::string_view before = " (";
  for (const auto& [name, value] : alert.facts) {
    absl::StrAppend(&line, std::string(before), verify::Printable(name), "=",
                    verify::Printable(value));
    before = ", ";
  }
  if (!alert.facts.empty()) line.push_back(')');
  return line;
}

spdlog::level::level_enum LevelOf(const Alert& alert) {
  switch (SeverityOf(alert)) {
    case Severity::kInfo:
      return spdlog::level::info;
    case Severity::kWarning:
      return spdlog::level::warn;
    case Severity::kCritical:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

absl::StatusOr<std::shared_ptr<AlertQueue>> Alerter::QueueOf(
    const std::string& name) {
  const absl::MutexLock lock(&mutex_);
  std::shared_ptr<AlertQueue>& queue = queues_[name];
  if (queue == nullptr) {
    auto opened = AlertQueue::Open(store_, name);
    if (!opened.ok()) return opened.status();
    queue = *std::move(opened);
    metrics_.AddQueued(name,
                       static_cast<std::int64_t>(queue->waiting_at_open()));
  }
  return queue;
}

std::vector<Alerter::Receiver> Alerter::receivers() const {
  const absl::MutexLock lock(&mutex_);
  return receivers_;
}

absl::Status Alerter::Open() {
  auto open = OpenAlerts::Open(store_);
  if (!open.ok()) return open.status();
  open_ = *std::move(open);
  return absl::OkStatus();
}

std::vector<v1::OpenAlert> Alerter::OpenAt(absl::Time now) const {
  return open_ == nullptr ? std::vector<v1::OpenAlert>() : open_->List(now);
}

std::vector<prometheus::MetricFamily> Alerter::CollectAt(absl::Time now) const {
  std::vector<std::pair<MetricLabels, double>> counts;
  if (open_ != nullptr) {
    for (const auto& [severity, count] : open_->CountAt(now)) {
      // The two enums have one order.
      counts.emplace_back(
          MetricLabels{{"severity", std::string(NameOf(
                                        static_cast<Severity>(severity - 1)))}},
          count);
    }
  }
  return {Gauges("trustd_open_alerts",
                 "Alerts that nobody has said are over, by severity", counts)};
}

absl::StatusOr<Alerter::Webhooks> Alerter::Prepare(
    const std::vector<WebhookSettings>& settings,
    const std::string& console_url) {
  // The constructor of a Webhook throws if its thread cannot start.
  return anchors::NoThrow(
      [&] { return PrepareOrThrow(settings, console_url); });
}

absl::StatusOr<Alerter::Webhooks> Alerter::PrepareOrThrow(
    const std::vector<WebhookSettings>& settings,
    const std::string& console_url) {
  std::map<std::string, std::shared_ptr<Webhook>> there;
  for (const Receiver& receiver : receivers()) {
    there[receiver.name] = receiver.webhook;
  }
  Webhooks made;
  for (const WebhookSettings& one : settings) {
    auto secret = SecretOf(one);
    if (!secret.ok()) return secret.status();
    auto queue = QueueOf(one.name);
    if (!queue.ok()) return queue.status();
    metrics_.AddWebhook(one.name);
    // An existing webhook stays: two would deliver from one queue.
    std::shared_ptr<Webhook>& webhook = there[one.name];
    if (webhook == nullptr) {
      webhook = std::make_shared<Webhook>(one.name, **queue, metrics_, times_);
    }
    WebhookPost target;
    target.url = one.url;
    target.allow_loopback_http = one.allow_loopback_http;
    target.ca_path = one.ca_path;
    AlertForm form{
        .format = one.format, .host = HostName(), .console_url = console_url};
    (one.format == v1::WebhookConfig::FORMAT_PAGERDUTY ? form.routing_key
                                                       : target.secret) =
        *std::move(secret);
    made.targets_.emplace_back(std::move(target), std::move(form));
    made.receivers_.push_back(
        {one.name, KindsOf(one), *std::move(queue), webhook});
  }
  return made;
}

void Alerter::SetWebhooks(Webhooks webhooks) {
  std::set<std::string> names;
  for (const Receiver& receiver : webhooks.receivers_) {
    names.insert(receiver.name);
  }
  std::vector<Receiver> before = webhooks.receivers_;
  {
    const absl::MutexLock lock(&mutex_);
    before.swap(receivers_);
  }
  std::erase_if(before, [&](const Receiver& receiver) {
    return names.count(receiver.name) > 0;
  });
  StopAll(before);
  for (const Receiver& gone : before) metrics_.RemoveWebhook(gone.name);
  for (std::size_t i = 0; i < webhooks.receivers_.size(); ++i) {
    auto& [target, form] = webhooks.targets_[i];
    webhooks.receivers_[i].webhook->SetTarget(std::move(target),
                                              std::move(form));
  }
  const auto removed = RemoveOtherQueues(store_, names);
  if (!removed.ok()) {
    spdlog::warn("cannot drop the alerts of removed webhooks: {}",
                 std::string(removed.status().message()));
  } else if (*removed > 0) {
    spdlog::warn("dropped {} alerts of removed webhooks", *removed);
  }
}

Alerter::~Alerter() { Stop(); }

RaisedAlert Alerter::Raise(Alert alert, StoreBatch& batch) {
  const std::string body = AlertBody(alert, NewId());
  RaisedAlert raised{std::move(alert), {}, {}};
  if (open_ != nullptr) open_->Add(raised.alert, batch);
  const absl::MutexLock lock(&mutex_);
  for (const Receiver& receiver : receivers_) {
    if (receiver.kinds.count(raised.alert.kind) == 0) continue;
    raised.queued.push_back(receiver.name);
    if (receiver.queue->Add(body, batch)) {
      raised.overflowed.push_back(receiver.name);
    }
  }
  return raised;
}

void Alerter::Committed(const RaisedAlert& raised) {
  const auto fact = [&facts = raised.alert.facts](const std::string& name) {
    const auto found = facts.find(name);
    return found == facts.end() ? "" : found->second;
  };
  LogWith(LevelOf(raised.alert),
          {{"ALERT", std::string(NameOf(raised.alert.kind))},
           {"SUBJECT", raised.alert.subject},
           {"ROTATION", fact("rotation")},
           {"SOURCE", fact("source")}},
          LineOf(raised.alert));
  metrics_.CountAlert(raised.alert.kind);
  if (open_ != nullptr) open_->Committed(raised.alert);
  for (const std::string& name : raised.queued) metrics_.AddQueued(name, 1);
  for (const std::string& name : raised.overflowed) {
    spdlog::error("webhook {}: dropped the oldest alert: {} are waiting", name,
                  kMaxWaitingAlerts);
    metrics_.CountOutcome(name, WebhookOutcome::kOverflowed);
    metrics_.AddQueued(name, -1);
  }
  for (const Receiver& receiver : receivers()) receiver.webhook->Notify();
}

absl::Status Alerter::RaiseAlone(Alert alert) {
  StoreBatch batch;
  RaisedAlert raised = Raise(std::move(alert), batch);
  absl::Status status;
  if (!batch.changes().empty()) status = store_.Commit(batch);
  if (!status.ok()) {
    raised.queued.clear();
    raised.overflowed.clear();
  }
  Committed(raised);
  return status;
}

void Alerter::Stop() { StopAll(receivers()); }

void Alerter::StopAll(const std::vector<Receiver>& receivers) {
  // All are cancelled first, so that stopping them takes no longer than
  // stopping one.
  for (const Receiver& receiver : receivers) receiver.webhook->Cancel();
  for (const Receiver& receiver : receivers) receiver.webhook->Stop();
}

}  // namespace anchorage::trustd

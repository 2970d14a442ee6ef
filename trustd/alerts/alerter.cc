#include "trustd/alerts/alerter.h"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "trustd/alerts/webhook_post.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kIdBytes = 16;

// Unlike a counter, never used twice, even with a store that was lost.
std::string NewId() {
  unsigned char bytes[kIdBytes];
  // Without randomness OpenSSL cannot do anything at all.
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) std::abort();
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes), sizeof(bytes)));
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

spdlog::level::level_enum LevelOf(AlertKind kind) {
  switch (UrgencyOf(kind)) {
    case Urgency::kSometime:
      return spdlog::level::info;
    case Urgency::kSoon:
      return spdlog::level::warn;
    case Urgency::kNow:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Alerter>> Alerter::Create(
    const AlertSettings& settings, Store& store, prometheus::Registry& registry,
    WebhookTimes times) {
  std::set<std::string> names;
  for (const WebhookSettings& webhook : settings.webhooks) {
    names.insert(webhook.name);
  }
  std::unique_ptr<Alerter> alerter(new Alerter(store, registry));
  for (const WebhookSettings& webhook : settings.webhooks) {
    if (absl::Status s = alerter->Add(webhook, times); !s.ok()) return s;
  }
  // Last, so that settings that are refused remove nothing.
  const auto removed = RemoveOtherQueues(store, names);
  if (!removed.ok()) return removed.status();
  if (*removed > 0) {
    spdlog::warn("{} alerts are dropped, of webhooks that are gone", *removed);
  }
  return alerter;
}

absl::Status Alerter::Add(const WebhookSettings& settings,
                          const WebhookTimes& times) {
  // A thread that cannot start is an exception of its constructor.
  return anchors::NoThrow([&] { return AddOrThrow(settings, times); });
}

absl::Status Alerter::AddOrThrow(const WebhookSettings& settings,
                                 const WebhookTimes& times) {
  auto secret = ReadWebhookSecret(settings.secret_path);
  if (!secret.ok()) return secret.status();
  auto queue = AlertQueue::Open(store_, settings.name);
  if (!queue.ok()) return queue.status();
  metrics_.AddWebhook(settings.name);
  WebhookPost target;
  target.url = settings.url;
  target.secret = *std::move(secret);
  target.allow_loopback_http = settings.allow_loopback_http;
  target.ca_path = settings.ca_path;
  auto webhook = std::make_unique<Webhook>(settings.name, std::move(target),
                                           **queue, metrics_, times);
  receivers_.push_back(
      {settings.name, settings.kinds, *std::move(queue), std::move(webhook)});
  return absl::OkStatus();
}

Alerter::~Alerter() { Stop(); }

RaisedAlert Alerter::Raise(Alert alert, StoreBatch& batch) {
  const std::string body = AlertBody(alert, NewId());
  RaisedAlert raised{std::move(alert), {}};
  for (const Receiver& receiver : receivers_) {
    if (receiver.kinds.count(raised.alert.kind) == 0) continue;
    if (receiver.queue->Add(body, batch)) {
      raised.overflowed.push_back(receiver.name);
    }
  }
  return raised;
}

void Alerter::Committed(const RaisedAlert& raised) {
  spdlog::log(LevelOf(raised.alert.kind), "{}", LineOf(raised.alert));
  metrics_.CountAlert(raised.alert.kind);
  for (const std::string& name : raised.overflowed) {
    spdlog::error("webhook {}: its oldest alert is dropped: {} wait", name,
                  kMaxWaitingAlerts);
    metrics_.CountOutcome(name, WebhookOutcome::kOverflowed);
  }
  for (const Receiver& receiver : receivers_) receiver.webhook->Notify();
}

absl::Status Alerter::RaiseAlone(Alert alert) {
  StoreBatch batch;
  RaisedAlert raised = Raise(std::move(alert), batch);
  absl::Status status;
  if (!batch.changes().empty()) status = store_.Commit(batch);
  if (!status.ok()) raised.overflowed.clear();
  Committed(raised);
  return status;
}

void Alerter::Stop() {
  // All at once, so that it takes as long as one.
  for (const Receiver& receiver : receivers_) receiver.webhook->Cancel();
  for (const Receiver& receiver : receivers_) receiver.webhook->Stop();
}

}  // namespace anchorage::trustd

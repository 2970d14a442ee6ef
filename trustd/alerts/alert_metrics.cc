#include "trustd/alerts/alert_metrics.h"

namespace anchorage::trustd {
namespace {

using prometheus::BuildCounter;
using prometheus::Counter;

const char* LabelOf(WebhookOutcome outcome) {
  switch (outcome) {
    case WebhookOutcome::kDelivered:
      return "delivered";
    case WebhookOutcome::kGivenUp:
      return "given_up";
    case WebhookOutcome::kExpired:
      return "expired";
    case WebhookOutcome::kOverflowed:
      return "overflowed";
  }
  return "";
}

}  // namespace

AlertMetrics::AlertMetrics(prometheus::Registry& registry)
    : alerts_(BuildCounter()
                  .Name("trustd_alerts_total")
                  .Help("Alerts by kind")
                  .Register(registry)),
      outcomes_(BuildCounter()
                    .Name("trustd_webhook_alerts_total")
                    .Help("Alerts that left a webhook's queue, by how")
                    .Register(registry)),
      retries_(BuildCounter()
                   .Name("trustd_webhook_retries_total")
                   .Help("Deliveries to a webhook that failed and are tried "
                         "again")
                   .Register(registry)),
      set_aside_(prometheus::BuildGauge()
                     .Name("trustd_webhook_set_aside_alerts")
                     .Help("Alerts that a webhook refuses and that wait aside")
                     .Register(registry)),
      queued_(prometheus::BuildGauge()
                  .Name("trustd_webhook_queued_alerts")
                  .Help("Alerts that wait for a webhook, those aside among "
                        "them")
                  .Register(registry)) {
  for (const AlertKind kind : AllAlertKinds()) Alerts(kind);
}

void AlertMetrics::AddWebhook(const std::string& webhook) {
  const int last = static_cast<int>(WebhookOutcome::kMaxValue);
  for (int i = 0; i <= last; ++i) {
    Outcomes(webhook, static_cast<WebhookOutcome>(i));
  }
  retries_.Add({{"webhook", webhook}});
  set_aside_.Add({{"webhook", webhook}});
  queued_.Add({{"webhook", webhook}});
}

void AlertMetrics::RemoveWebhook(const std::string& webhook) {
  const int last = static_cast<int>(WebhookOutcome::kMaxValue);
  for (int i = 0; i <= last; ++i) {
    outcomes_.Remove(&Outcomes(webhook, static_cast<WebhookOutcome>(i)));
  }
  retries_.Remove(&retries_.Add({{"webhook", webhook}}));
  set_aside_.Remove(&set_aside_.Add({{"webhook", webhook}}));
  queued_.Remove(&queued_.Add({{"webhook", webhook}}));
}

Counter& AlertMetrics::Alerts(AlertKind kind) {
  return alerts_.Add({{"kind", std::string(NameOf(kind))}});
}

Counter& AlertMetrics::Outcomes(const std::string& webhook,
                                WebhookOutcome outcome) {
  return outcomes_.Add({{"webhook", webhook}, {"outcome", LabelOf(outcome)}});
}

void AlertMetrics::CountAlert(AlertKind kind) { Alerts(kind).Increment(); }

void AlertMetrics::CountOutcome(const std::string& webhook,
                                WebhookOutcome outcome) {
  Outcomes(webhook, outcome).Increment();
}

void AlertMetrics::CountRetry(const std::string& webhook) {
  retries_.Add({{"webhook", webhook}}).Increment();
}

void AlertMetrics::AddQueued(const std::string& webhook, std::int64_t alerts) {
  queued_.Add({{"webhook", webhook}}).Increment(static_cast<double>(alerts));
}

void AlertMetrics::SetSetAside(const std::string& webhook,
                               std::uint64_t alerts) {
  set_aside_.Add({{"webhook", webhook}}).Set(static_cast<double>(alerts));
}

}  // namespace anchorage::trustd

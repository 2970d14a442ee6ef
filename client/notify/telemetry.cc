#include "client/notify/telemetry.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "anchors/base/atomic_file.h"
#include "anchors/base/no_throw.h"

namespace anchorage::client {

using verify::ForkSafeLock;

absl::Status CheckMetricsFile(const std::string& path) {
  if (path.starts_with('/') && path.ends_with(".prom") &&
      path.size() + sizeof ".tmp" < PATH_MAX) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "the file of the metrics needs an absolute path that ends in .prom, for "
      "node_exporter reads no other");
}

Telemetry::Telemetry(Options options, ReportSender* sender,
                     std::function<std::string()> metrics_text,
                     std::function<double()> random, anchors::SteadyClock clock)
    : options_(std::move(options)),
      sender_(sender),
      metrics_text_(std::move(metrics_text)),
      clock_(std::move(clock)) {
  if (options_.reports.has_value()) {
    reporter_.emplace(*options_.reports, clock_(), std::move(random));
  }
}

absl::Duration Telemetry::Do(const Counters& counters, std::uint64_t sequence,
                             absl::Duration budget) noexcept {
  absl::Duration next = absl::InfiniteDuration();
  if (!options_.metrics_file.empty()) next = kMetricsInterval;
  if (!doing_.TryLock()) return next;
  (void)anchors::NoThrow([&] {
    doing_.AssertHeld();
    if (reporter_.has_value()) {
      Report(clock_(), counters, sequence, budget);
    }
    if (!options_.metrics_file.empty()) WriteMetrics(clock_());
    return absl::OkStatus();
  });
  if (reporter_.has_value()) next = std::min(next, reporter_->due() - clock_());
  doing_.Unlock();
  return std::max(next, absl::Seconds(1));
}

Telemetry::State Telemetry::state() const {
  const ForkSafeLock lock(&mutex_);
  return state_;
}

void Telemetry::WriteMetrics(absl::Duration now) {
  if (written_.has_value() && now - *written_ < kMetricsPause) return;
  written_ = now;
  absl::Status status = anchors::WriteFileAtomically(
      options_.metrics_file, metrics_text_(), anchors::FileAccess::kEverybody);
  const ForkSafeLock lock(&mutex_);
  state_.metrics_file = std::move(status);
}

void Telemetry::Report(absl::Duration now, const Counters& counters,
                       std::uint64_t sequence, absl::Duration budget) {
  if (now < reporter_->due()) return;
  const auto report = reporter_->Take(now, counters.Snapshot(), sequence);
  if (!report.has_value()) return;
  ReportAnswer answer = sender_->Send(Serialize(*report),
                                      std::min(budget, ReportSender::kTimeout));
  reporter_->Ended(clock_(), answer);
  const ForkSafeLock lock(&mutex_);
  ++(answer.status.ok() ? state_.reports_sent : state_.reports_failed);
  state_.report = std::move(answer.status);
}

}  // namespace anchorage::client

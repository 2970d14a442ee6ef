// What a client does beside its refreshes, on the thread that makes them: it
// writes its metrics into a file, and reports outcomes to its trustd.
//
//   Telemetry telemetry({.metrics_file = "/var/lib/node_exporter/x.prom"},
//                       sender, [&] { return MetricsText(client.state()); });
//   ... after a refresh, and at telemetry.due() ...
//   telemetry.Do(counters, sequence);
//
// Thread-safe; no call throws. Nothing here is called by who verifies.

#ifndef ANCHORAGE_CLIENT_NOTIFY_TELEMETRY_H_
#define ANCHORAGE_CLIENT_NOTIFY_TELEMETRY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "client/notify/counters.h"
#include "client/notify/report.h"
#include "verify/fork_safe_mutex.h"

namespace anchorage::client {

// How often the metrics are written where nothing else happens, and the least
// time between two writings.
inline constexpr absl::Duration kMetricsInterval = absl::Minutes(1);
inline constexpr absl::Duration kMetricsPause = absl::Seconds(15);

// INVALID_ARGUMENT for a path that is not absolute, does not end in ".prom", or
// is too long for the system.
absl::Status CheckMetricsFile(const std::string& path);

class Telemetry {
 public:
  struct Options {
    // Empty: none is written.
    std::string metrics_file;
    // nullopt: nothing is reported.
    std::optional<ReportOptions> reports;
  };

  struct State {
    // Why the file could last not be written; OK if it could.
    absl::Status metrics_file;
    // How the last report ended; OK before the first.
    absl::Status report;
    std::uint64_t reports_sent = 0;
    std::uint64_t reports_failed = 0;
  };

  // `sender`, which may be null where nothing is reported, outlives this.
  // `metrics_text` is what the file says. `random`: as of Reporter.
  Telemetry(Options options, ReportSender* sender,
            std::function<std::string()> metrics_text,
            std::function<double()> random,
            anchors::SteadyClock clock = &anchors::SteadyNow);

  // Writes and sends what is due, the latter for at most `budget` and
  // ReportSender::kTimeout, and returns how long until something is due again.
  // Where another thread does so, does nothing. `sequence`: of the set in use.
  absl::Duration Do(const Counters& counters, std::uint64_t sequence,
                    absl::Duration budget = ReportSender::kTimeout) noexcept;

  State state() const;

 private:
  void WriteMetrics(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(doing_);
  void Report(absl::Duration now, const Counters& counters,
              std::uint64_t sequence, absl::Duration budget)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(doing_);

  const Options options_;
  ReportSender* const sender_;
  const std::function<std::string()> metrics_text_;
  const anchors::SteadyClock clock_;

  // Held while waiting for disk and network.
  absl::Mutex doing_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::optional<absl::Duration> written_ ABSL_GUARDED_BY(doing_);
  std::optional<Reporter> reporter_ ABSL_GUARDED_BY(doing_);

  mutable verify::ForkSafeMutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_NOTIFY_TELEMETRY_H_

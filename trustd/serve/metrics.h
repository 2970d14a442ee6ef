// A trustd's metrics for Prometheus, in a registry of its own.
//
//   Metrics metrics(config.mode);
//   metrics.CountUpdate(UpdateOutcome::kSent);
//   std::string page = metrics.Render(hub);
//
// The names, labels and units of what is rendered are in trustd/README.md and
// keep their meaning. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_SERVE_METRICS_H_
#define ANCHORAGE_TRUSTD_SERVE_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/publish/publication.h"

namespace anchorage::trustd {

// How a GetUpdate call ended.
enum class UpdateOutcome {
  kSent,         // with files that the caller lacked
  kNotModified,  // the caller had everything
  kNoBundle,     // there is nothing to serve yet
  kRefused,      // the request was invalid

  kMaxValue = kRefused,
};

class Metrics {
 public:
  explicit Metrics(v1::TrustdConfig::Mode mode);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void CountUpdate(UpdateOutcome outcome);
  // Counts an HTTP request that was answered with that status.
  void CountHttp(int status);
  // Counts something that was refused or cut off at a port ("grpc", "http",
  // "admin") so that others are served.
  void CountShed(const std::string& port, const std::string& what);
  // Shows when the certificate of a port with TLS expires, and whether the files
  // of TLS on the disk are what is used.
  void SetTls(const std::string& port, bool is_current, absl::Time expires);

  // Returns what counts the calls of a method at a port ("grpc", "admin"):
  // CallGate::Options::timer. `path` is "/package.Service/Method".
  std::function<void(absl::Duration time, int code)> TimerOf(
      const std::string& port, const std::string& path);

  // The registry to which other parts of trustd add their own metrics.
  prometheus::Registry& registry() { return registry_; }

  // Adds metrics that are read for each page, until this is destroyed.
  void Add(std::shared_ptr<const prometheus::Collectable> more);

  // Returns the page in Prometheus's text format: the counters, and the present
  // state of `hub`.
  std::string Render(const PublicationHub& hub) const;

 private:
  static constexpr std::size_t kOutcomes =
      static_cast<std::size_t>(UpdateOutcome::kMaxValue) + 1;

  void Describe(const Publication& publication) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  prometheus::Registry registry_;
  // One page is rendered at a time, so that all its values are from one
  // publication.
  mutable absl::Mutex mutex_;
  prometheus::Family<prometheus::Gauge>& role_expiry_;
  prometheus::Family<prometheus::Gauge>& role_version_;
  prometheus::Family<prometheus::Gauge>& certificate_expiry_;
  prometheus::Family<prometheus::Counter>& http_requests_;
  prometheus::Family<prometheus::Counter>& shed_;
  prometheus::Family<prometheus::Histogram>& calls_;
  prometheus::Family<prometheus::Counter>& failed_calls_;
  prometheus::Family<prometheus::Gauge>& tls_expiry_;
  prometheus::Family<prometheus::Gauge>& tls_refused_;
  prometheus::Gauge& sequence_;
  prometheus::Gauge& anchors_;
  prometheus::Gauge& watchers_;
  prometheus::Gauge& signing_stopped_;
  std::array<prometheus::Counter*, kOutcomes> updates_;
  std::vector<std::shared_ptr<const prometheus::Collectable>> more_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_METRICS_H_

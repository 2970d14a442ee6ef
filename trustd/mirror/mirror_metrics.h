// The metrics of what a mirror knows, and of polls, for Prometheus.
//
//   MirrorMetrics metrics(mirror, registry);
//   metrics.SetSources({"aws-docs"});
//   metrics.CountPoll("aws-docs", absl::Milliseconds(320));
//   ... metrics.Collect() ...     // with each page
//
// The names and labels are in trustd/README.md and keep their meaning.
// Thread-safe.

#ifndef ANCHORAGE_TRUSTD_MIRROR_MIRROR_METRICS_H_
#define ANCHORAGE_TRUSTD_MIRROR_MIRROR_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "trustd/mirror/mirror.h"

namespace anchorage::trustd {

class MirrorMetrics final : public prometheus::Collectable {
 public:
  // `mirror` and `registry` must outlive this.
  MirrorMetrics(const Mirror& mirror, prometheus::Registry& registry);

  // Sets which sources there are; what was counted of others is gone.
  void SetSources(const std::set<std::string>& sources);

  // Counts a poll of one of them, however it ended.
  void CountPoll(const std::string& source, absl::Duration time);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  prometheus::MetricFamily Rotations(const RotationBook& book) const;

  const Mirror& mirror_;
  prometheus::Family<prometheus::Histogram>& polls_;
  mutable absl::Mutex mutex_;
  std::set<std::string> sources_ ABSL_GUARDED_BY(mutex_);
  // What was counted of a record of that size: most pages are of one that is no
  // longer.
  mutable std::optional<std::uint64_t> counted_at_ ABSL_GUARDED_BY(mutex_);
  mutable prometheus::MetricFamily counted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_MIRROR_METRICS_H_

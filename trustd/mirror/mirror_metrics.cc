#include "trustd/mirror/mirror_metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "anchors/base/proto_time.h"
#include "trustd/base/metric_families.h"
#include "trustd/record/rotation_values.h"

namespace anchorage::trustd {
namespace {

using prometheus::MetricFamily;
using Values = std::vector<std::pair<MetricLabels, double>>;

// In seconds. A download may take minutes.
const prometheus::Histogram::BucketBoundaries kPollBuckets = {
    0.01, 0.1, 0.5, 1, 5, 15, 60, 300};

double Seconds(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds());
}

// When each source was last read and nothing spoke against it. Of one that an
// anomaly speaks against that is when the first of them was found; what a person
// has rejected speaks against nothing.
std::map<std::string, double> LastRight(const RotationBook& book,
                                        const Moment& moment) {
  std::map<std::string, double> right;
  for (const auto& [name, health] : moment.health) {
    right[name] = Seconds(health.last_success_time());
  }
  for (const std::uint64_t id : book.Live()) {
    const RotationBook::Entry& entry = *book.Find(id);
    if (!entry.is_anomaly() || !entry.is_open()) continue;
    const auto found = right.find(entry.rotation.source());
    if (found == right.end()) continue;
    found->second =
        std::min(found->second, Seconds(entry.rotation.detected_time()));
  }
  return right;
}

std::vector<MetricFamily> SourceFamilies(const std::set<std::string>& sources,
                                         const RotationBook& book,
                                         const Moment& moment) {
  const auto right = LastRight(book, moment);
  Values successes, rights, failures, slots;
  for (const std::string& name : sources) {
    const auto found = moment.health.find(name);
    const v1::SourceHealth none;
    const v1::SourceHealth& health =
        found == moment.health.end() ? none : found->second;
    const auto last_right = right.find(name);
    const MetricLabels labels = {{"source", name}};
    successes.emplace_back(labels, Seconds(health.last_success_time()));
    rights.emplace_back(labels,
                        last_right == right.end() ? 0 : last_right->second);
    failures.emplace_back(labels, health.failures());
    slots.emplace_back(labels, health.slots());
  }
  return {Gauges("trustd_source_last_success_timestamp_seconds",
                 "When a source was last read, in Unix time; 0 for never",
                 successes),
          Gauges("trustd_source_last_right_timestamp_seconds",
                 "When a source was last read without an anomaly that is open, "
                 "in Unix time; 0 for never",
                 rights),
          Gauges("trustd_source_failures",
                 "Polls of a source that failed since the last that did not",
                 failures),
          Gauges("trustd_source_slots",
                 "Slots that a source had when it last had no anomaly", slots)};
}

}  // namespace

MirrorMetrics::MirrorMetrics(const Mirror& mirror,
                             prometheus::Registry& registry)
    : mirror_(mirror),
      polls_(prometheus::BuildHistogram()
                 .Name("trustd_poll_duration_seconds")
                 .Help("How long polls of a source took, however they ended")
                 .Register(registry)) {}

void MirrorMetrics::SetSources(const std::set<std::string>& sources) {
  const absl::MutexLock lock(&mutex_);
  for (const std::string& name : sources_) {
    if (sources.count(name) == 0) {
      polls_.Remove(&polls_.Add({{"source", name}}, kPollBuckets));
    }
  }
  for (const std::string& name : sources) {
    polls_.Add({{"source", name}}, kPollBuckets);
  }
  sources_ = sources;
}

void MirrorMetrics::CountPoll(const std::string& source, absl::Duration time) {
  const absl::MutexLock lock(&mutex_);
  if (sources_.count(source) == 0) return;
  polls_.Add({{"source", source}}, kPollBuckets)
      .Observe(absl::ToDoubleSeconds(time));
}

MetricFamily MirrorMetrics::Rotations(const RotationBook& book) const {
  std::map<std::pair<v1::RotationClass, v1::RotationState>, int> counts;
  for (int c = 1; c < v1::RotationClass_ARRAYSIZE; ++c) {
    for (int s = 1; s < v1::RotationState_ARRAYSIZE; ++s) {
      counts[{static_cast<v1::RotationClass>(c),
              static_cast<v1::RotationState>(s)}] = 0;
    }
  }
  book.ForEach([&](const RotationBook::Entry& entry) {
    const auto count =
        counts.find({entry.rotation.rotation_class(), entry.rotation.state()});
    if (count != counts.end()) ++count->second;
  });
  Values values;
  for (const auto& [key, count] : counts) {
    values.emplace_back(MetricLabels{{"class", ShortName(key.first)},
                                     {"state", ShortName(key.second)}},
                        count);
  }
  return Gauges("trustd_rotations", "Rotations by class and state", values);
}

std::vector<MetricFamily> MirrorMetrics::Collect() const {
  const Ledger& ledger = mirror_.ledger();
  const std::uint64_t records = ledger.head().size;
  std::vector<MetricFamily> families = {
      Gauges("trustd_ledger_records", "Records that there are",
             {{{}, static_cast<double>(records)}}),
      Gauges("trustd_ledger_healthy",
             "0 where the record is not what was written: nothing is decided",
             {{{}, ledger.health().ok() ? 1.0 : 0.0}})};
  const absl::MutexLock lock(&mutex_);
  mirror_.Read([&](const RotationBook& book,
                   const Moment& moment) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (auto& family : SourceFamilies(sources_, book, moment)) {
      families.push_back(std::move(family));
    }
    if (counted_at_ != records) {
      counted_ = Rotations(book);
      counted_at_ = records;
    }
  });
  families.push_back(counted_);
  return families;
}

}  // namespace anchorage::trustd

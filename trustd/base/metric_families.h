// Metrics that are read when they are asked for, instead of being kept: nothing
// stays of what is gone, and nothing is missing because nobody set it.
//
//   metrics.Add(std::make_shared<Collector>([&] {
//     return std::vector{Gauges("trustd_ledger_records", "Records", {{{}, n}})};
//   }));

#ifndef ANCHORAGE_TRUSTD_BASE_METRIC_FAMILIES_H_
#define ANCHORAGE_TRUSTD_BASE_METRIC_FAMILIES_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace anchorage::trustd {

using MetricLabels = std::map<std::string, std::string>;

// Returns gauges of one name, each with its labels and value.
inline prometheus::MetricFamily Gauges(
    std::string name, std::string help,
    const std::vector<std::pair<MetricLabels, double>>& values) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = prometheus::MetricType::Gauge;
  for (const auto& [labels, value] : values) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (const auto& [label, text] : labels) {
      metric.label.push_back({label, text});
    }
    metric.gauge.value = value;
  }
  return family;
}

// Calls a function for each page. It may be called by several threads at once.
class Collector final : public prometheus::Collectable {
 public:
  using Function = std::function<std::vector<prometheus::MetricFamily>()>;

  explicit Collector(Function function) : function_(std::move(function)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    return function_();
  }

 private:
  const Function function_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BASE_METRIC_FAMILIES_H_

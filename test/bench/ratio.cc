#include "test/bench/ratio.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"

namespace anchorage::bench {
namespace {

// One turn: long against the clock's step, short against what other programs
// do to the machine.
constexpr double kTurnSeconds = 0.002;

// An operation and how often it runs in one turn.
class Turn {
 public:
  Turn(const Operation& operation, std::string_view name)
      : operation_(operation), name_(name) {
    // The first is the slowest: it makes keys and fills caches.
    SecondsEach();
    while (SecondsEach() * runs_ < kTurnSeconds) runs_ *= 2;
  }

  double SecondsEach() const {
    bool good = true;
    const double start = ThreadSeconds();
    for (int i = 0; i < runs_; ++i) good = operation_() && good;
    const double seconds = ThreadSeconds() - start;
    if (!good) Fail(absl::StrFormat("%s: another answer", name_));
    return std::max(seconds / runs_, 1e-9);
  }

 private:
  const Operation& operation_;
  std::string name_;
  int runs_ = 1;
};

struct Pair {
  Turn operation;
  Turn baseline;
  std::vector<double> seconds;
  std::vector<double> ratios;
};

std::string Ratio(double ratio) { return absl::StrFormat("%.2f", ratio); }

Report::Line LineOf(const Comparison& comparison, const Measured& measured) {
  Report::Line line{.name = comparison.name,
                    .absolute = WithCommas(measured.per_second) + "/s",
                    .measured = Ratio(measured.ratio)};
  const double bound = comparison.goal.bound;
  switch (comparison.goal.kind) {
    case Goal::Kind::kNone:
      break;
    case Goal::Kind::kAtLeast:
      line.goal = ">= " + Ratio(bound);
      line.met = measured.ratio >= bound;
      break;
    case Goal::Kind::kAtMost:
      line.measured = Ratio(1 / measured.ratio);
      line.goal = "<= " + Ratio(bound);
      line.met = 1 / measured.ratio <= bound;
      break;
    case Goal::Kind::kPerSecond:
      line.measured = "";
      line.goal = ">= " + WithCommas(bound) + "/s";
      line.met = measured.per_second >= bound;
      break;
  }
  return line;
}

}  // namespace

double ThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<Measured> Measure(const std::vector<Comparison>& comparisons,
                              int rounds) {
  std::vector<Pair> pairs;
  for (const Comparison& c : comparisons) {
    pairs.push_back({.operation = Turn(c.operation, c.name),
                     .baseline = Turn(c.baseline, c.name + ", its baseline"),
                     .seconds = {},
                     .ratios = {}});
  }
  for (int round = 0; round < rounds; ++round) {
    for (Pair& pair : pairs) {
      // Neither is always the one behind.
      const double before = round % 2 == 0 ? pair.baseline.SecondsEach() : 0;
      const double seconds = pair.operation.SecondsEach();
      const double baseline =
          round % 2 == 0 ? before : pair.baseline.SecondsEach();
      pair.seconds.push_back(seconds);
      pair.ratios.push_back(baseline / seconds);
    }
  }
  std::vector<Measured> out;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    out.push_back(
        {.per_second = 1 / Median(pairs[i].seconds),
         .ratio = Median(pairs[i].ratios) * comparisons[i].baseline_runs});
  }
  return out;
}

void CompareAll(const std::vector<Comparison>& comparisons, int rounds,
                Report& report) {
  const std::vector<Measured> measured = Measure(comparisons, rounds);
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    report.Add(LineOf(comparisons[i], measured[i]));
  }
}

}  // namespace anchorage::bench

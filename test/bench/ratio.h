// How fast one operation is in terms of another, on a machine that is not
// quiet.
//
//   std::vector<Comparison> all = {{
//       .name = "rsa2048",
//       .operation = [&] { return VerifyIdentity(...).ok(); },
//       .baseline = [&] { return key.Verify(); },
//       .goal = AtLeast(0.80)}};
//   CompareAll(all, options.rounds, report);
//
// An absolute rate says as much about the machine and its other users as about
// the code. So the two take turns, a few milliseconds each, hundreds of times,
// and what counts is the median of the ratios of neighbours. Time is the
// thread's own on its processor.

#ifndef ANCHORAGE_TEST_BENCH_RATIO_H_
#define ANCHORAGE_TEST_BENCH_RATIO_H_

#include <functional>
#include <string>
#include <vector>

#include "test/bench/report.h"

namespace anchorage::bench {

// How long this thread has been on a processor.
double ThreadSeconds();

// Does the work once. Returns whether it ended as it must: an operation that
// does not is no longer what is measured, and ends the program.
using Operation = std::function<bool()>;

struct Goal {
  enum class Kind {
    kNone,
    // The ratio of the rates is this or more.
    kAtLeast,
    // The ratio of the times is this or less.
    kAtMost,
    // So many operations a second, whatever the baseline does.
    kPerSecond,
  };
  Kind kind = Kind::kNone;
  double bound = 0;
};

inline Goal AtLeast(double ratio) { return {Goal::Kind::kAtLeast, ratio}; }
inline Goal AtMost(double ratio) { return {Goal::Kind::kAtMost, ratio}; }
inline Goal PerSecond(double rate) { return {Goal::Kind::kPerSecond, rate}; }

struct Comparison {
  std::string name;
  Operation operation;
  Operation baseline;
  // How many runs of the baseline one run of the operation is compared with.
  double baseline_runs = 1;
  Goal goal = {};
};

struct Measured {
  // Of the operation, on its processor.
  double per_second = 0;
  // Of the rates: more is faster.
  double ratio = 0;
};

// Measures every comparison once in each round.
std::vector<Measured> Measure(const std::vector<Comparison>& comparisons,
                              int rounds);

// Measures and adds a line for each: the rate, and the ratio that its goal is
// about.
void CompareAll(const std::vector<Comparison>& comparisons, int rounds,
                Report& report);

double Median(std::vector<double> values);

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_RATIO_H_

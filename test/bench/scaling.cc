#include "test/bench/scaling.h"

#include <chrono>
#include <cstdint>
#include <fstream>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"

namespace anchorage::bench {
namespace {

constexpr double kTurnSeconds = 0.02;

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// How long the calling thread has been ready to run and did not: the second
// number of schedstat, in nanoseconds. Zero where the kernel does not say.
double WaitedForProcessor() {
  std::ifstream file("/proc/thread-self/schedstat");
  std::uint64_t ran = 0;
  std::uint64_t waited = 0;
  file >> ran >> waited;
  return static_cast<double>(waited) * 1e-9;
}

// Returns how many operations a second the calling thread does.
double RateOf(const Operation& operation, int runs) {
  const double waited = WaitedForProcessor();
  const double start = Now();
  for (int i = 0; i < runs; ++i) {
    if (!operation()) Fail("two threads: another answer");
  }
  return runs / (Now() - start - (WaitedForProcessor() - waited));
}

// Returns the sum of the rates of threads that begin together.
double RateOfThreads(const std::vector<const Operation*>& operations,
                     int runs) {
  std::vector<double> rates(operations.size());
  // Destroyed by the last thread that passes it.
  auto* const start = new absl::Barrier(static_cast<int>(operations.size()));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    threads.emplace_back([&, i] {
      if (start->Block()) delete start;
      rates[i] = RateOf(*operations[i], runs);
    });
  }
  double sum = 0;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    threads[i].join();
    sum += rates[i];
  }
  return sum;
}

}  // namespace

double SpeedUpOfTwoThreads(const Operation& first, const Operation& second,
                           int rounds) {
  int runs = 1;
  while (runs / RateOf(first, runs) < kTurnSeconds) runs *= 2;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const double one = RateOfThreads({&first}, runs);
    const double two = RateOfThreads({&first, &second}, runs);
    ratios.push_back(two / one);
  }
  return Median(ratios);
}

}  // namespace anchorage::bench

// How much more two threads do than one.
//
//   double speed_up = SpeedUpOfTwoThreads(operation, operation, rounds);
//
// Time is what passes, but for what a thread spends ready to run and waiting
// for a processor: other programs take that, and no lock of ours. Waiting for
// a lock, or for memory that the other thread changes, counts.

#ifndef ANCHORAGE_TEST_BENCH_SCALING_H_
#define ANCHORAGE_TEST_BENCH_SCALING_H_

#include "test/bench/ratio.h"

namespace anchorage::bench {

// Measures `first` in a thread alone, and `first` and `second` in two threads
// at the same time, in turns. Returns the median of the ratios: 2 if neither
// hinders the other.
double SpeedUpOfTwoThreads(const Operation& first, const Operation& second,
                           int rounds);

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_SCALING_H_

// Unary calls from a process of its own, as many as a server can answer.
//
//   LoadGenerator load;         // first of all: it forks
//   load.Connect("127.0.0.1:7443");
//   double rate = load.Run("/package.Service/Method", request, 1000);
//
// Calls and answers are bytes, so that the caller's side of every method costs
// the same. Not for threads.

#ifndef ANCHORAGE_TEST_BENCH_LOAD_GENERATOR_H_
#define ANCHORAGE_TEST_BENCH_LOAD_GENERATOR_H_

#include <cstddef>
#include <string>

#include "test/bench/process.h"

namespace anchorage::bench {

class LoadGenerator {
 public:
  // Forks; gRPC must not have been used before.
  LoadGenerator();

  void Connect(const std::string& address);

  // Makes `count` calls, always the same number of them at a time, and returns
  // how many a second. Every one must succeed with an answer of
  // `response_bytes`; otherwise ends the program.
  double Run(const std::string& method, const std::string& request,
             std::size_t response_bytes, int count);

 private:
  const ChildProcess process_;
};

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_LOAD_GENERATOR_H_

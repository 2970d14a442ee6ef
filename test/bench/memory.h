// How much memory a call needs.
//
//   int main(int argc, char** argv) {
//     CountAllocations();
//     ...
//     std::size_t bytes = PeakBytes([&] { Verify(hostile); });
//
// Every new, and every allocation of OpenSSL, in a program with this library
// goes through a counter; the stack is measured by what is written to it. One
// thread at a time.

#ifndef ANCHORAGE_TEST_BENCH_MEMORY_H_
#define ANCHORAGE_TEST_BENCH_MEMORY_H_

#include <cstddef>
#include <functional>

namespace anchorage::bench {

// Makes OpenSSL's allocations count. The first thing of a program: OpenSSL
// must not have allocated yet, or the program ends.
void CountAllocations();

struct Peak {
  // Most that was allocated at one time beyond what was before the call.
  std::size_t heap = 0;
  // Of the thread, below the call.
  std::size_t stack = 0;

  std::size_t total() const { return heap + stack; }
};

// Calls `operation` once to make what is made once, and measures a second
// call.
Peak PeakOf(const std::function<void()>& operation);

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_MEMORY_H_

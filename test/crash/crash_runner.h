// Does something in a process that ends at every step of it, one after another.
//
//   int points = ForEachCrash({"refresh", folder, url}, prepare,
//                             [&](bool finished) { ... });
//
// The process is this program again, which calls Perform().

#ifndef ANCHORAGE_TEST_CRASH_CRASH_RUNNER_H_
#define ANCHORAGE_TEST_CRASH_CRASH_RUNNER_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace anchorage::test {

// Does what `arguments` say; in crash_operations.cc.
absl::Status Perform(const std::vector<std::string>& arguments);

// Calls `prepare`, does it in a process that ends at its first step, and calls
// `check` with false; then the same with the second step, and so on, until the
// process gets to the end: `check` is called with true. Returns how many
// processes ended before. A failure of what is done is a failure of the test.
int ForEachCrash(const std::vector<std::string>& arguments,
                 const std::function<void()>& prepare,
                 const std::function<void(bool finished)>& check);

// A process that does it undisturbed; what it writes to its standard output
// can be read from `output`.
struct Running {
  pid_t process = 0;
  int output = -1;
};
Running Start(const std::vector<std::string>& arguments);

// The exit status if `arguments` are those of such a process.
std::optional<int> RunAsChild(int argc, char** argv);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_CRASH_CRASH_RUNNER_H_

// One command of trustctl, run in the test's process.
//
//   const Ran ran = RunCommand(AddKey, {"key", "show", "--key", path});
//   EXPECT_EQ(ran.code, kAccepted) << ran.err;

#ifndef ANCHORAGE_TEST_SUPPORT_RUN_COMMAND_H_
#define ANCHORAGE_TEST_SUPPORT_RUN_COMMAND_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/trustctl/command.h"

namespace anchorage::trustctl {

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

// Wrong usage ends with kUsage, as in trustctl.
inline Ran RunCommand(AddCommand& add, const std::vector<std::string>& line) {
  CLI::App app;
  Action action;
  add(*app.add_subcommand(line.front()), action);
  try {
    // The library takes the last first.
    app.parse(std::vector<std::string>(line.rbegin(), line.rend()));
  } catch (const CLI::ParseError& error) {
    return {kUsage, "", error.what()};
  }
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = action();
  return {code, ::testing::internal::GetCapturedStdout(),
          ::testing::internal::GetCapturedStderr()};
}

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TEST_SUPPORT_RUN_COMMAND_H_

#include "test/crash/crash_runner.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "test/crash/crash_points.h"

namespace anchorage::test {
namespace {

constexpr std::string_view kChild = "--child";
constexpr int kFailed = 3;
// More steps than anything takes.
constexpr int kMaxSteps = 1000;
// For a process that is not to end by itself.
constexpr int kNever = 0;

Running Spawn(int step, const std::vector<std::string>& arguments,
              bool with_output) {
  std::vector<std::string> words = {"/proc/self/exe", std::string(kChild),
                                    absl::StrCat(step)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2] = {-1, -1};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (with_output) {
    EXPECT_EQ(::pipe(ends), 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
  }
  Running running;
  EXPECT_EQ(::posix_spawn(&running.process, argv[0], &actions, nullptr,
                          argv.data(), environ),
            0);
  posix_spawn_file_actions_destroy(&actions);
  if (with_output) ::close(ends[1]);
  running.output = ends[0];
  return running;
}

// Whether it came to its end; false if it was killed.
bool Finished(pid_t process) {
  int status = 0;
  EXPECT_EQ(::waitpid(process, &status, 0), process);
  if (WIFSIGNALED(status)) {
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    return false;
  }
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return true;
}

}  // namespace

int ForEachCrash(const std::vector<std::string>& arguments,
                 const std::function<void()>& prepare,
                 const std::function<void(bool)>& check) {
  for (int step = 1; step <= kMaxSteps; ++step) {
    SCOPED_TRACE(absl::StrCat(arguments.front(), ", step ", step));
    prepare();
    const bool finished =
        Finished(Spawn(step, arguments, /*with_output=*/false).process);
    check(finished);
    if (::testing::Test::HasFailure()) return step;
    if (finished) {
      std::cout << arguments.front() << ": " << step - 1
                << " points at which it was killed\n";
      return step - 1;
    }
  }
  ADD_FAILURE() << arguments.front() << " has no end";
  return kMaxSteps;
}

Running Start(const std::vector<std::string>& arguments) {
  return Spawn(kNever, arguments, /*with_output=*/true);
}

std::optional<int> RunAsChild(int argc, char** argv) {
  if (argc < 4 || argv[1] != kChild) return std::nullopt;
  int step = 0;
  if (!absl::SimpleAtoi(argv[2], &step)) return kFailed;
  DieAt(step);
  const absl::Status status = Perform({argv + 3, argv + argc});
  // What follows is no part of it.
  DieAt(kNever);
  if (status.ok()) return 0;
  std::cerr << status << "\n";
  return kFailed;
}

}  // namespace anchorage::test

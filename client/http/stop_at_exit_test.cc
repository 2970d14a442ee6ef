#include "client/http/stop_at_exit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace anchorage::client {
namespace {

void Say(const char* what) { std::fputs(what, stderr); }

TEST(StopAtExitDeathTest, StopsAllBeforeWhatWasRegisteredEarlier) {
  EXPECT_EXIT(
      {
        std::atexit([] { Say("cleaned"); });
        const auto make = [] {
          return new StopAtExit([] { Say("told "); },
                                [](absl::Duration) {
                                  Say("waited ");
                                  return true;
                                });
        };
        make();
        delete make();
        make();
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "^told told waited waited cleaned$");
}

std::atomic<int> turns = 0;

void SayWhetherTurnsGoOn() {
  const int before = turns;
  ::usleep(100'000);
  Say(turns == before ? "still" : "goes on");
}

TEST(StopAtExitDeathTest, AThreadThatDoesNotStopNeverGoesOn) {
  EXPECT_EXIT(
      {
        std::atexit(SayWhetherTurnsGoOn);
        new StopAtExit([] {}, [](absl::Duration) { return false; });
        std::thread([] {
          StopAtExit::OwnThisThread();
          while (true) {
            StopAtExit::CheckNotAbandoned();
            ++turns;
            ::usleep(1000);
          }
        }).detach();
        while (turns == 0) ::usleep(1000);
        ::usleep(10'000);
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "^still$");
}

TEST(StopAtExitDeathTest, AForkedChildStopsNothing) {
  EXPECT_EXIT(
      {
        new StopAtExit([] { Say("told "); },
                       [](absl::Duration) { return true; });
        if (::fork() == 0) std::exit(0);
        ::usleep(300'000);
        Say("parent ");
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "^parent told $");
}

}  // namespace
}  // namespace anchorage::client

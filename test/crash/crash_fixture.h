// What the tests of this folder begin with: a folder that is the same before
// each crash.

#ifndef ANCHORAGE_TEST_CRASH_CRASH_FIXTURE_H_
#define ANCHORAGE_TEST_CRASH_CRASH_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "test/crash/crash_runner.h"

namespace anchorage::test {

class CrashTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::remove_all(before_());
  }

  // Has the operation begin from what is in the folder now, each time.
  void KeepAsBefore() { std::filesystem::rename(folder_, before_()); }
  void StartFromBefore() {
    std::filesystem::remove_all(folder_);
    if (std::filesystem::exists(before_())) {
      std::filesystem::copy(before_(), folder_,
                            std::filesystem::copy_options::recursive);
    }
  }

  int ForEachCrash(std::vector<std::string> arguments,
                   const std::function<void(bool)>& check) {
    arguments.insert(arguments.begin() + 1, folder_);
    return test::ForEachCrash(
        arguments, [this] { StartFromBefore(); }, check);
  }

  // Expects `value` to be either, and once it is the new one, never the old
  // one again: the later the crash, the more is done.
  void ExpectOldOrNew(std::uint64_t value, std::uint64_t old_value,
                      std::uint64_t new_value, bool finished) {
    EXPECT_TRUE(value == old_value || value == new_value) << value;
    const bool must_be_new = is_new_ || finished;
    EXPECT_TRUE(!must_be_new || value == new_value) << value;
    is_new_ = value == new_value;
  }

  std::string before_() const { return folder_ + ".before"; }

  std::string folder_;
  bool is_new_ = false;
};

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_CRASH_CRASH_FIXTURE_H_

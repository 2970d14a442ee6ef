#include "anchors/base/no_throw.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "test/support/failing_new.h"

namespace anchorage::anchors {
namespace {

TEST(NoThrow, ReturnsWhatTheFunctionReturns) {
  const auto value = NoThrow([]() -> absl::StatusOr<int> { return 7; });
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, 7);
  EXPECT_EQ(NoThrow([] { return absl::NotFoundError("x"); }),
            absl::NotFoundError("x"));
}

TEST(NoThrow, TurnsWhatIsThrownIntoAStatus) {
  const auto status_of = [](const auto& thrown) {
    return NoThrow([&]() -> absl::Status { throw thrown; });
  };
  EXPECT_EQ(status_of(std::bad_alloc()),
            absl::ResourceExhaustedError("out of memory"));
  EXPECT_EQ(status_of(std::system_error(std::make_error_code(
                          std::errc::resource_unavailable_try_again)))
                .code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status_of(std::filesystem::filesystem_error(
                          "read", std::make_error_code(std::errc::io_error)))
                .code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(status_of(std::runtime_error("why")), absl::InternalError("why"));
  EXPECT_EQ(status_of(7).code(), absl::StatusCode::kInternal);
}

// Making the status is out of memory too.
TEST(NoThrow, NeedsNoMemory) {
  absl::Status status;
  const int runs = ForEachAllocation([&] {
    status = NoThrow([]() -> absl::Status {
      throw std::runtime_error(std::string(100, 'x'));
    });
    EXPECT_FALSE(status.ok());
  });
  EXPECT_GT(runs, 2);
}

TEST(StartThread, RunsTheBody) {
  std::atomic<bool> ran = false;
  auto thread = StartThread([&] { ran = true; });
  ASSERT_TRUE(thread.ok());
  thread->join();
  EXPECT_TRUE(ran);
}

TEST(StartThread, LetsNothingOutOfTheBody) {
  auto thread = StartThread([] { throw std::runtime_error("why"); });
  ASSERT_TRUE(thread.ok());
  thread->join();
}

TEST(StartThread, SaysThatThereIsNoMemory) {
  ForEachAllocation([] {
    auto thread = StartThread([] {});
    if (thread.ok()) {
      thread->join();
    } else {
      EXPECT_EQ(thread.status().code(), absl::StatusCode::kResourceExhausted);
    }
  });
}

// No address space for a stack, as where a limit of tasks is reached.
TEST(StartThread, SaysThatTheSystemHasNoRoom) {
  EXPECT_EXIT(
      {
        rlimit limit{};
        ::getrlimit(RLIMIT_STACK, &limit);
        limit.rlim_cur =
            limit.rlim_max == RLIM_INFINITY ? rlim_t{1} << 46 : limit.rlim_max;
        ::setrlimit(RLIMIT_STACK, &limit);
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, std::size_t{1} << 46);
        pthread_setattr_default_np(&attributes);
        const auto thread = StartThread([] {});
        std::exit(thread.status().code() == absl::StatusCode::kResourceExhausted
                      ? 0
                      : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace anchorage::anchors

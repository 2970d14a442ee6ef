#include "client/validate/apart.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <new>
#include <optional>
#include <stdexcept>
#include <string>

#include "client/validate/validate_error.h"
#include "gtest/gtest.h"

namespace anchorage::client {
namespace {

using Reason = ValidateReason;

constexpr absl::Duration kLimit = absl::Minutes(1);

std::optional<Reason> ReasonOf(absl::FunctionRef<std::string()> function,
                               absl::Duration limit = kLimit) {
  return ValidateReasonOf(RunApart(limit, function).status());
}

TEST(ApartTest, ReturnsWhatTheFunctionReturns) {
  const pid_t here = ::getpid();
  const auto answer = RunApart(kLimit, [here] {
    return ::getpid() == here ? std::string("here") : std::string("apart\0", 6);
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*answer, std::string("apart\0", 6));
  EXPECT_EQ(RunApart(kLimit, [] { return std::string(); }).value(), "");
  const std::string longest(kMaxApartBytes, 'x');
  EXPECT_EQ(RunApart(kLimit, [&] { return longest; }).value(), longest);
}

TEST(ApartTest, ACrashIsAnAnswer) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGKILL, SIGTERM}) {
    EXPECT_EQ(ReasonOf([signal]() -> std::string {
                ::signal(signal, SIG_DFL);
                ::raise(signal);
                return "survived";
              }),
              Reason::kValidatorDied)
        << signal;
  }
}

TEST(ApartTest, AnExceptionIsAnAnswer) {
  EXPECT_EQ(ReasonOf([]() -> std::string { throw std::bad_alloc(); }),
            Reason::kValidatorDied);
  EXPECT_EQ(ReasonOf([]() -> std::string { throw 1; }), Reason::kValidatorDied);
}

TEST(ApartTest, AnEndWithoutAnAnswerIsNone) {
  EXPECT_EQ(ReasonOf([]() -> std::string { ::_exit(0); }),
            Reason::kValidatorDied);
}

TEST(ApartTest, AnAnswerThatIsTooLongIsNone) {
  EXPECT_EQ(ReasonOf([] { return std::string(kMaxApartBytes + 1, 'x'); }),
            Reason::kValidatorDied);
  EXPECT_EQ(ReasonOf([] { return std::string(1 << 24, 'x'); }),
            Reason::kValidatorDied);
}

TEST(ApartTest, HasALimit) {
  EXPECT_EQ(ReasonOf(
                []() -> std::string {
                  while (true) ::pause();
                },
                absl::Milliseconds(100)),
            Reason::kValidatorTimeout);
}

}  // namespace
}  // namespace anchorage::client

#include "verify/trace.h"

#include <gtest/gtest.h>

#include "absl/status/status.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

TEST(Trace, KeepsTheChecksInTheirOrder) {
  Trace trace;
  trace.Pass("size", "3 bytes");
  trace.Fail("form", Reject(Reason::kPkcs7Malformed, "why"));
  trace.NotReached("content");
  ASSERT_EQ(trace.entries().size(), 3u);
  EXPECT_EQ(trace.entries()[0].check, "size");
  EXPECT_EQ(trace.entries()[0].detail, "3 bytes");
  EXPECT_EQ(trace.entries()[1].outcome, Trace::Outcome::kFailed);
  EXPECT_EQ(trace.entries()[1].detail, "why");
  EXPECT_EQ(trace.entries()[2].outcome, Trace::Outcome::kNotReached);
}

TEST(Trace, SaysNothingThatATerminalObeys) {
  Trace trace;
  trace.Pass("signed-region", "a\x1b[2J\nok    signature");
  trace.Fail("replay", absl::UnavailableError("db:\nACCEPTED  account 1"));
  EXPECT_EQ(trace.entries()[0].detail, "a\\x1b[2J\\nok    signature");
  EXPECT_EQ(trace.entries()[1].detail, "db:\\nACCEPTED  account 1");
}

}  // namespace
}  // namespace anchorage::verify

#include "trustd/sources/source_failure.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace anchorage::trustd {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(SourceFailure, TravelsInAStatus) {
  std::set<std::string_view> names;
  for (const SourceFailure failure : AllSourceFailures()) {
    const absl::Status status = FailSource(failure, "why");
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(SourceFailureOf(status), failure);
    EXPECT_TRUE(names.insert(NameOf(failure)).second);
  }
  EXPECT_EQ(SourceFailureOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(SourceFailureOf(absl::InternalError("TLS_FAILED")), std::nullopt);
}

TEST(SourceFailure, KeepsTheCauseThatItMarks) {
  absl::Status cause = absl::DataLossError("damaged");
  cause.SetPayload("reason", absl::Cord("R"));
  const absl::Status status =
      FailSource(SourceFailure::kUpstreamRejected, cause);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(status.GetPayload("reason"), absl::Cord("R"));
  EXPECT_EQ(SourceFailureOf(status), SourceFailure::kUpstreamRejected);
}

TEST(SourceFailure, SaysNothingThatATerminalObeysForAnyFailure) {
  const std::string hostile = "a\x1b[2J\u009b\u202e\nACCEPTED  account 1";
  const std::string shown = "a\\x1b[2J\\u009b\\u202e\\nACCEPTED  account 1";
  for (const SourceFailure failure : AllSourceFailures()) {
    const std::string name(NameOf(failure));
    EXPECT_EQ(std::string(FailSource(failure, hostile).message()),
              name + ": " + shown);
    EXPECT_EQ(
        std::string(FailSource(failure, absl::UnknownError(hostile)).message()),
        shown);
  }
}

std::optional<absl::Duration> RetryAfter(std::string_view value) {
  absl::Status status = FailSource(SourceFailure::kHttpStatus, "HTTP 503");
  SetRetryAfter(status, value);
  return RetryAfterOf(status, kNow);
}

TEST(RetryAfter, IsSecondsOrADate) {
  EXPECT_EQ(RetryAfter("0"), absl::ZeroDuration());
  EXPECT_EQ(RetryAfter("3600"), absl::Hours(1));
  const std::string date =
      absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", kNow + absl::Minutes(7),
                       absl::UTCTimeZone());
  EXPECT_EQ(RetryAfter(date), absl::Minutes(7));
  EXPECT_EQ(RetryAfter("Thu, 01 Jan 1970 00:00:00 GMT"), absl::ZeroDuration());
}

TEST(RetryAfter, IsNothingThatCannotBeRead) {
  EXPECT_EQ(RetryAfter(""), std::nullopt);
  EXPECT_EQ(RetryAfter("soon"), std::nullopt);
  EXPECT_EQ(RetryAfter("99999999999999999999"), std::nullopt);
  EXPECT_EQ(RetryAfterOf(FailSource(SourceFailure::kStalled, ""), kNow),
            std::nullopt);
  EXPECT_EQ(RetryAfter("-5"), absl::ZeroDuration());
  EXPECT_LT(RetryAfter("9223372036854775807"), absl::Hours(24 * 3651));
}

}  // namespace
}  // namespace anchorage::trustd

#include "trustd/sources/source_failure.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verify/enum_table.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

struct Row {
  SourceFailure value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kCouldNot = absl::StatusCode::kUnavailable;
constexpr absl::StatusCode kTooLate = absl::StatusCode::kDeadlineExceeded;
constexpr absl::StatusCode kNotThem = absl::StatusCode::kUnauthenticated;
constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

constexpr Row kRows[] = {
    {SourceFailure::kAddressRefused, "ADDRESS_REFUSED", kInvalid},
    {SourceFailure::kUnreachable, "UNREACHABLE", kCouldNot},
    {SourceFailure::kTimedOut, "TIMED_OUT", kTooLate},
    {SourceFailure::kStalled, "STALLED", kTooLate},
    {SourceFailure::kIncomplete, "INCOMPLETE", kCouldNot},
    {SourceFailure::kCancelled, "CANCELLED", absl::StatusCode::kCancelled},
    {SourceFailure::kTlsFailed, "TLS_FAILED", kNotThem},
    {SourceFailure::kRedirectRefused, "REDIRECT_REFUSED", kNotThem},
    {SourceFailure::kRedirectLoop, "REDIRECT_LOOP", kRefused},
    {SourceFailure::kHttpStatus, "HTTP_STATUS", kRefused},
    {SourceFailure::kNotHttp, "NOT_HTTP", kRefused},
    {SourceFailure::kTooLarge, "TOO_LARGE", kRefused},
    {SourceFailure::kContentEncoding, "CONTENT_ENCODING", kRefused},
    {SourceFailure::kPathMissing, "PATH_MISSING", absl::StatusCode::kNotFound},
    {SourceFailure::kPathUnreadable, "PATH_UNREADABLE", kCouldNot},
    {SourceFailure::kUpstreamRejected, "UPSTREAM_REJECTED", kRefused},
};

using SourceFailures = verify::EnumTable<kRows>;

constexpr char kFailureUrl[] = "anchorage.dev/source-failure";
constexpr char kHttpStatusUrl[] = "anchorage.dev/http-status";
constexpr char kRetryAfterUrl[] = "anchorage.dev/retry-after";

// The longest wait that is kept. A longer one would not overflow a Duration,
// but makes no sense.
constexpr std::int64_t kMaxSeconds = 10LL * 365 * 24 * 3600;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

std::optional<std::string> PayloadOf(const absl::Status& status,
                                     const char* url) {
  const auto payload = status.GetPayload(url);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

}  // namespace

absl::Status FailSource(SourceFailure failure, std::string_view detail) {
  const Row& row = SourceFailures::Of(failure);
  return FailSource(
      failure,
      absl::Status(row.code, absl::StrCat(View(row.name), ": ", View(detail))));
}

absl::Status FailSource(SourceFailure failure, absl::Status cause) {
  absl::Status status(cause.code(),
                      verify::Printable(std::string(cause.message()),
                                        verify::kMaxSentenceBytes));
  cause.ForEachPayload([&status](absl::string_view url, const absl::Cord& c) {
    status.SetPayload(url, absl::Cord(std::string(c)));
  });
  status.SetPayload(kFailureUrl, absl::Cord(View(NameOf(failure))));
  return status;
}

void CarryOver(const absl::Status& from, absl::Status& to) {
  for (const char* url : {kFailureUrl, kHttpStatusUrl, kRetryAfterUrl}) {
    const auto payload = PayloadOf(from, url);
    if (payload.has_value()) to.SetPayload(url, absl::Cord(*payload));
  }
}

std::optional<SourceFailure> SourceFailureOf(const absl::Status& status) {
  const auto name = PayloadOf(status, kFailureUrl);
  return name.has_value() ? SourceFailures::Named(*name) : std::nullopt;
}

std::string_view NameOf(SourceFailure failure) {
  return SourceFailures::Of(failure).name;
}

absl::Span<const SourceFailure> AllSourceFailures() {
  return SourceFailures::All();
}

void SetHttpStatus(absl::Status& status, int http_status) {
  status.SetPayload(kHttpStatusUrl, absl::Cord(absl::StrCat(http_status)));
}

std::optional<int> HttpStatusOf(const absl::Status& status) {
  const auto text = PayloadOf(status, kHttpStatusUrl);
  int http_status = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &http_status)) {
    return std::nullopt;
  }
  return http_status;
}

void SetRetryAfter(absl::Status& status, std::string_view value) {
  status.SetPayload(kRetryAfterUrl, absl::Cord(View(value)));
}

std::optional<absl::Time> ParseHttpDate(std::string_view text) {
  absl::Time time;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", View(text), &time,
                       nullptr)) {
    return std::nullopt;
  }
  return time;
}

std::optional<absl::Duration> RetryAfterOf(const absl::Status& status,
                                           absl::Time now) {
  const auto text = PayloadOf(status, kRetryAfterUrl);
  if (!text.has_value()) return std::nullopt;
  std::int64_t seconds = 0;
  if (absl::SimpleAtoi(*text, &seconds)) {
    return absl::Seconds(std::clamp<std::int64_t>(seconds, 0, kMaxSeconds));
  }
  const auto until = ParseHttpDate(*text);
  if (!until.has_value()) return std::nullopt;
  return std::clamp<absl::Duration>(*until - now, absl::ZeroDuration(),
                                    absl::Seconds(kMaxSeconds));
}

}  // namespace anchorage::trustd

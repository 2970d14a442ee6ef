#include "client/http_report_sender.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/no_throw.h"
#include "client/http/http_fetcher.h"

namespace anchorage::client {
namespace {

constexpr std::string_view kPath = "/v1/reports";
constexpr std::size_t kMaxAnswerBytes = 1024;

// "https://host:port/v1/reports" for "https://host:port/tuf/".
std::string ReportUrl(std::string_view metadata_url) {
  const std::size_t host = metadata_url.find("://");
  const std::size_t path =
      host == metadata_url.npos ? host : metadata_url.find('/', host + 3);
  return std::string(metadata_url.substr(0, path)) + std::string(kPath);
}

absl::StatusCode CodeOf(int status) {
  switch (status) {
    case 200:
      return absl::StatusCode::kOk;
    case 429:
    case 503:
      return absl::StatusCode::kResourceExhausted;
    case 400:
    case 413:
    case 415:
      return absl::StatusCode::kInvalidArgument;
    default:
      return status / 100 == 4 || status == 501
                 ? absl::StatusCode::kUnimplemented
                 : absl::StatusCode::kUnavailable;
  }
}

}  // namespace

HttpReportSender::HttpReportSender(std::string_view metadata_url,
                                   std::string tls_roots_pem,
                                   std::optional<std::string> proxy)
    : url_(ReportUrl(metadata_url)),
      proxy_(std::move(proxy)),
      connection_(std::move(tls_roots_pem)) {}

ReportAnswer HttpReportSender::Send(std::string_view report,
                                    absl::Duration timeout) {
  ReportAnswer answer;
  answer.status = anchors::NoThrow([&] {
    answer = SendOrThrow(report, timeout);
    return answer.status;
  });
  return answer;
}

ReportAnswer HttpReportSender::SendOrThrow(std::string_view report,
                                           absl::Duration timeout) {
  const auto got =
      connection_.Ask({.url = url_,
                       .method = "POST",
                       .headers = {"Content-Type: application/x-protobuf"},
                       .body = report,
                       .max_bytes = kMaxAnswerBytes,
                       .timeout = timeout,
                       .connect_timeout = timeout,
                       .proxy = proxy_});
  if (!got.ok()) return {got.status()};
  const absl::StatusCode code = CodeOf(got->status);
  if (code == absl::StatusCode::kOk) {
    if (!got->too_long) return ParseReportAnswer(got->body);
    return {absl::UnavailableError(absl::StrCat(
        Shown(url_), "an answer of more than ", kMaxAnswerBytes, " bytes"))};
  }
  ReportAnswer answer{
      absl::Status(code, absl::StrCat(Shown(url_), "HTTP ", got->status))};
  answer.wait = ParseRetryAfter(got->retry_after, absl::Now());
  return answer;
}

}  // namespace anchorage::client

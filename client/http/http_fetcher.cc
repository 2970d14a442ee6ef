#include "client/http/http_fetcher.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/no_throw.h"
#include "anchors/base/steady_clock.h"
#include "anchors/tuf/static_layout.h"

namespace anchorage::client {
namespace {

constexpr std::string_view kTimestamp = "timestamp.json";
constexpr int kOk = 200;
constexpr int kNotModified = 304;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

absl::Status CheckUrl(std::string& url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return absl::InvalidArgumentError(
        absl::StrCat(Shown(url), "this is not an http or https URL"));
  }
  if (!url.ends_with('/')) url.push_back('/');
  return absl::OkStatus();
}

// Returns the whole body of an answer. The status decides before the size of
// the body does.
absl::StatusOr<std::string> BodyOf(const std::string& url,
                                   absl::StatusOr<HttpAnswer> answer,
                                   std::size_t max_bytes) {
  if (!answer.ok()) return answer.status();
  const std::string what = absl::StrCat(Shown(url), "HTTP ", answer->status);
  if (answer->status == kNotFound || answer->status == kForbidden) {
    return absl::NotFoundError(what);
  }
  if (answer->status != kOk) return absl::UnavailableError(what);
  if (answer->too_long) {
    return absl::OutOfRangeError(
        absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  return std::move(answer->body);
}

}  // namespace

HttpFetcher::HttpFetcher(HttpRepository repository, const LibCurl* library)
    : repository_(std::move(repository)),
      connection_(repository_.tls_roots_pem, library) {}

absl::StatusOr<std::unique_ptr<HttpFetcher>> HttpFetcher::Create(
    HttpRepository repository, const LibCurl* library) {
  return anchors::NoThrow(
      [&] { return CreateOrThrow(std::move(repository), library); });
}

absl::StatusOr<std::unique_ptr<HttpFetcher>> HttpFetcher::CreateOrThrow(
    HttpRepository repository, const LibCurl* library) {
  if (absl::Status s = CheckUrl(repository.metadata_url); !s.ok()) return s;
  if (repository.targets_url.empty()) {
    repository.targets_url = repository.metadata_url;
  }
  if (absl::Status s = CheckUrl(repository.targets_url); !s.ok()) return s;
  return std::unique_ptr<HttpFetcher>(
      new HttpFetcher(std::move(repository), library));
}

void HttpFetcher::Begin(std::string held, absl::Duration time) {
  held_ = std::move(held);
  retry_after_ = absl::ZeroDuration();
  end_ = anchors::SteadyNow() + time;
}

absl::StatusOr<HttpAnswer> HttpFetcher::Ask(const std::string& url,
                                            std::size_t max_bytes,
                                            std::vector<std::string> headers) {
  const absl::Duration left = end_ - anchors::SteadyNow();
  if (left <= absl::ZeroDuration()) {
    return absl::UnavailableError("no time is left to ask this server");
  }
  auto answer = connection_.Ask(
      {.url = url,
       .headers = std::move(headers),
       .max_bytes = max_bytes,
       .timeout = std::min(left, repository_.timeout),
       .connect_timeout = std::min(left, repository_.connect_timeout),
       .proxy = repository_.proxy});
  if (absl::IsDeadlineExceeded(answer.status()) ||
      absl::IsDataLoss(answer.status()) ||
      absl::IsFailedPrecondition(answer.status())) {
    return absl::UnavailableError(answer.status().message());
  }
  if (answer.ok() && answer->status != kOk) {
    const auto pause = ParseRetryAfter(answer->retry_after, absl::Now());
    if (pause.has_value()) retry_after_ = *pause;
  }
  return answer;
}

absl::StatusOr<std::string> HttpFetcher::FetchTimestamp(std::size_t max_bytes) {
  const std::string url = repository_.metadata_url + std::string(kTimestamp);
  const bool is_asked_for_news = !etag_.empty() && tagged_ == held_;
  std::vector<std::string> headers;
  if (is_asked_for_news) headers.push_back("If-None-Match: " + etag_);
  auto answer = Ask(url, max_bytes, std::move(headers));
  if (answer.ok() && answer->status == kNotModified && is_asked_for_news) {
    return held_;
  }
  const std::string etag = answer.ok() ? answer->etag : std::string();
  auto bytes = BodyOf(url, std::move(answer), max_bytes);
  if (bytes.ok()) {
    tagged_ = *bytes;
    etag_ = etag;
  }
  return bytes;
}

absl::StatusOr<std::string> HttpFetcher::FetchMetadata(std::string_view name,
                                                       std::size_t max_bytes) {
  return anchors::NoThrow([&] {
    if (name == kTimestamp) return FetchTimestamp(max_bytes);
    const std::string url = repository_.metadata_url + std::string(name);
    return BodyOf(url, Ask(url, max_bytes), max_bytes);
  });
}

absl::StatusOr<std::string> HttpFetcher::FetchTarget(std::string_view name,
                                                     std::size_t max_bytes) {
  return anchors::NoThrow([&] {
    const std::string url =
        repository_.targets_url + anchors::tuf::EscapeTargetName(name);
    return BodyOf(url, Ask(url, max_bytes), max_bytes);
  });
}

std::optional<absl::Duration> ParseRetryAfter(std::string_view text,
                                              absl::Time now) {
  const absl::string_view view(text.data(), text.size());
  if (!text.empty() && text.find_first_not_of("0123456789") == text.npos) {
    std::uint32_t seconds = 0;
    // What does not fit becomes the largest that does.
    if (!absl::SimpleAtoi(view, &seconds)) {
      seconds = std::numeric_limits<std::uint32_t>::max();
    }
    return absl::Seconds(seconds);
  }
  absl::Time date;
  // It also knows the words "infinite-future".
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", view, &date, nullptr) ||
      date == absl::InfiniteFuture() || date == absl::InfinitePast()) {
    return std::nullopt;
  }
  return std::max(date - now, absl::ZeroDuration());
}

}  // namespace anchorage::client

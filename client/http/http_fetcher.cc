#include "client/http/http_fetcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "anchors/tuf/static_layout.h"

namespace anchorage::client {
namespace {

constexpr int kOk = 200;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

absl::Status CheckUrl(std::string& url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", url, "' is not an http or https URL"));
  }
  if (!url.ends_with('/')) url.push_back('/');
  return absl::OkStatus();
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

absl::StatusOr<std::string> HttpFetcher::Fetch(const std::string& url,
                                               std::size_t max_bytes) {
  auto answer = connection_.Ask({.url = url,
                                 .max_bytes = max_bytes,
                                 .timeout = repository_.timeout,
                                 .connect_timeout = repository_.connect_timeout,
                                 .proxy = std::nullopt});
  if (absl::IsDeadlineExceeded(answer.status()) ||
      absl::IsFailedPrecondition(answer.status())) {
    return absl::UnavailableError(answer.status().message());
  }
  if (!answer.ok()) return answer.status();
  // The status decides before the size of the body does.
  if (answer->status == kNotFound || answer->status == kForbidden) {
    return absl::NotFoundError(
        absl::StrCat(Shown(url), "HTTP ", answer->status));
  }
  if (answer->status != kOk) {
    return absl::UnavailableError(
        absl::StrCat(Shown(url), "HTTP ", answer->status));
  }
  if (answer->too_long) {
    return absl::OutOfRangeError(
        absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  return std::move(answer->body);
}

absl::StatusOr<std::string> HttpFetcher::FetchMetadata(std::string_view name,
                                                       std::size_t max_bytes) {
  return anchors::NoThrow([&] {
    return Fetch(repository_.metadata_url + std::string(name), max_bytes);
  });
}

absl::StatusOr<std::string> HttpFetcher::FetchTarget(std::string_view name,
                                                     std::size_t max_bytes) {
  return anchors::NoThrow([&] {
    return Fetch(repository_.targets_url + anchors::tuf::EscapeTargetName(name),
                 max_bytes);
  });
}

}  // namespace anchorage::client

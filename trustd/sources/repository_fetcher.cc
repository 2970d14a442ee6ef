#include "trustd/sources/repository_fetcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/tuf/static_layout.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

constexpr int kNotFound = 404;
// What storage buckets answer for a file that they do not have.
constexpr int kForbidden = 403;

}  // namespace

RepositoryFetcher::RepositoryFetcher(Downloader& downloader,
                                     std::string metadata_url,
                                     std::string targets_url, Request limits)
    : downloader_(downloader),
      metadata_url_(std::move(metadata_url)),
      targets_url_(std::move(targets_url)),
      limits_(std::move(limits)) {}

absl::StatusOr<std::string> RepositoryFetcher::Fetch(std::string url,
                                                     std::size_t max_bytes) {
  Request request = limits_;
  request.url = std::move(url);
  request.max_bytes = max_bytes;
  auto download = downloader_.Get(request);
  if (download.ok()) {
    limits_.timeout -= download->elapsed;
    return std::move(download->body);
  }
  const auto status = HttpStatusOf(download.status());
  if (status == kNotFound || status == kForbidden) {
    return absl::NotFoundError(absl::StrCat("HTTP ", *status));
  }
  failure_ = download.status();
  // To the updater these codes would mean something else.
  if (SourceFailureOf(failure_) == SourceFailure::kTooLarge) {
    return absl::OutOfRangeError(failure_.message());
  }
  return absl::UnavailableError(failure_.message());
}

absl::StatusOr<std::string> RepositoryFetcher::FetchMetadata(
    std::string_view name, std::size_t max_bytes) {
  return Fetch(metadata_url_ + std::string(name), max_bytes);
}

absl::StatusOr<std::string> RepositoryFetcher::FetchTarget(
    std::string_view name, std::size_t max_bytes) {
  return Fetch(targets_url_ + anchors::tuf::EscapeTargetName(name), max_bytes);
}

}  // namespace anchorage::trustd

// Fetches a TUF repository from a web server, through a Downloader.

#ifndef ANCHORAGE_TRUSTD_SOURCES_REPOSITORY_FETCHER_H_
#define ANCHORAGE_TRUSTD_SOURCES_REPOSITORY_FETCHER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/tuf/fetcher.h"
#include "trustd/sources/downloader.h"

namespace anchorage::trustd {

// Serves one refresh, and the request's timeout is for the whole of it. Not
// thread-safe. The downloader must outlive it.
class RepositoryFetcher final : public anchors::tuf::Fetcher {
 public:
  // The addresses are put in front of names as they are, and end in a slash.
  // `limits` has the times; its address and size are not used.
  RepositoryFetcher(Downloader& downloader, std::string metadata_url,
                    std::string targets_url, Request limits);

  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t max_bytes) override;
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t max_bytes) override;

  // The last failure that was not the server's answer that there is no such
  // file; OK if there was none.
  const absl::Status& failure() const { return failure_; }

 private:
  absl::StatusOr<std::string> Fetch(std::string url, std::size_t max_bytes);

  Downloader& downloader_;
  const std::string metadata_url_;
  const std::string targets_url_;
  Request limits_;
  absl::Status failure_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_REPOSITORY_FETCHER_H_

// A web in memory, for tests of what is above Downloader.
//
//   auto web = std::make_shared<FakeWeb>();
//   web->Serve("https://a/", "page", {.etag = "v1"});
//   web->Fail("https://b/", SourceFailure::kStalled);
//
// Addresses that were given nothing answer 404. It keeps the promises of
// Downloader: limits and conditional requests too.

#ifndef ANCHORAGE_TEST_SUPPORT_FAKE_DOWNLOADER_H_
#define ANCHORAGE_TEST_SUPPORT_FAKE_DOWNLOADER_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {

class FakeWeb final : public Downloader {
 public:
  void Serve(const std::string& url, std::string body,
             Validators validators = {}) {
    failures_.erase(url);
    files_[url] = {std::move(body), std::move(validators)};
  }

  void Fail(const std::string& url, absl::Status failure) {
    failures_[url] = std::move(failure);
  }
  void Fail(const std::string& url, SourceFailure failure) {
    Fail(url, FailSource(failure, "as the test says"));
  }

  // In order.
  std::vector<Request> requests;

  absl::StatusOr<Download> Get(const Request& request) override {
    requests.push_back(request);
    const auto failure = failures_.find(request.url);
    if (failure != failures_.end()) return failure->second;
    const auto found = files_.find(request.url);
    if (found == files_.end()) {
      absl::Status status = FailSource(SourceFailure::kHttpStatus, "HTTP 404");
      SetHttpStatus(status, 404);
      return status;
    }
    Download download;
    download.url = request.url;
    download.elapsed = absl::Seconds(1);
    if (!request.have.empty() && request.have == found->second.second) {
      download.not_modified = true;
      return download;
    }
    if (found->second.first.size() > request.max_bytes) {
      return FailSource(SourceFailure::kTooLarge, request.url);
    }
    download.body = found->second.first;
    download.validators = found->second.second;
    return download;
  }

 private:
  std::map<std::string, std::pair<std::string, Validators>> files_;
  std::map<std::string, absl::Status> failures_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_FAKE_DOWNLOADER_H_

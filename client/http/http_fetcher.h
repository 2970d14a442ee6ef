// Fetches a TUF repository's files from an HTTP server, by libcurl.
//
//   auto fetcher = HttpFetcher::Create(
//       {.metadata_url = "https://…/tuf/",
//        .targets_url = "https://…/tuf/targets/"});
//   auto updater = tuf::Updater::Create(root, now, fetcher->get(), &store);
//
// Certificates of HTTPS are always checked; redirects are not followed; a body
// is read no further than the caller's limit, whatever length the server gives.
// Names are sent as they are: nothing is normalised on the way. No call throws:
// where there is no memory, it fails with RESOURCE_EXHAUSTED. No call raises
// SIGPIPE, whatever the server does.

#ifndef ANCHORAGE_CLIENT_HTTP_HTTP_FETCHER_H_
#define ANCHORAGE_CLIENT_HTTP_HTTP_FETCHER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/tuf/fetcher.h"
#include "client/http/http_connection.h"

namespace anchorage::client {

struct HttpRepository {
  // Each is put in front of a name as it is, with a slash added if it does not
  // end in one.
  std::string metadata_url;
  std::string targets_url;
  // PEM certificates that the server's certificate must chain to; empty: the
  // system's roots.
  std::string tls_roots_pem = {};
  // The longest that one file may take, from the first packet to the last.
  absl::Duration timeout = absl::Seconds(30);
  absl::Duration connect_timeout = absl::Seconds(10);
  // As HttpRequest::proxy.
  std::optional<std::string> proxy = "";
};

// One connection, kept between files. Not thread-safe, except for Cancel().
class HttpFetcher final : public anchors::tuf::Fetcher {
 public:
  // Fails with INVALID_ARGUMENT for a URL that is neither http nor https.
  // `library` is for tests; null: the system's, loaded at the first fetch.
  static absl::StatusOr<std::unique_ptr<HttpFetcher>> Create(
      HttpRepository repository, const LibCurl* library = nullptr);

  // From now on everything that is fetched may take `time` together. Who holds
  // the timestamp `held` need not be sent it again: if this server sent it last,
  // with a tag, it is asked whether the file has changed, and `held` is the
  // file where it says no.
  void Begin(std::string held, absl::Duration time);

  // How long the server asked to be left alone, since Begin(); zero where it did
  // not.
  absl::Duration retry_after() const { return retry_after_; }

  // Aborts a transfer under way, within about a second, and fails every later
  // one with CANCELLED.
  void Cancel() { connection_.Cancel(); }

  // NOT_FOUND: the server answered 404 or 403. Any other answer than 200, and
  // every failure of the connection, is UNAVAILABLE, and so is a libcurl that
  // is not there or does not know an option that is needed.
  absl::StatusOr<std::string> FetchMetadata(std::string_view name,
                                            std::size_t max_bytes) override;
  absl::StatusOr<std::string> FetchTarget(std::string_view name,
                                          std::size_t max_bytes) override;

 private:
  static absl::StatusOr<std::unique_ptr<HttpFetcher>> CreateOrThrow(
      HttpRepository repository, const LibCurl* library);
  HttpFetcher(HttpRepository repository, const LibCurl* library);
  absl::StatusOr<std::string> FetchTimestamp(std::size_t max_bytes);
  absl::StatusOr<HttpAnswer> Ask(const std::string& url, std::size_t max_bytes,
                                 std::vector<std::string> headers = {});

  const HttpRepository repository_;
  HttpConnection connection_;
  // By anchors::SteadyNow().
  absl::Duration end_ = absl::InfiniteDuration();
  absl::Duration retry_after_;
  std::string held_;
  // The last timestamp that came with a tag, and that tag.
  std::string tagged_;
  std::string etag_;
};

// Reads a Retry-After header, which has seconds or a date: how long to wait at
// `now`. nullopt for anything else.
std::optional<absl::Duration> ParseRetryAfter(std::string_view text,
                                              absl::Time now);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_HTTP_HTTP_FETCHER_H_

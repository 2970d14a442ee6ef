// One HTTP request after another by libcurl, each with bounds.
//
//   HttpConnection connection;
//   auto answer = connection.Ask({.url = "https://…", .max_bytes = 4096});
//   if (answer.ok() && answer->status == 200) Use(answer->body);
//
// Certificates of HTTPS are always checked; redirects are not followed; a body
// is read no further than the limit, whatever length the server gives; a URL is
// sent as it is. No call throws: where there is no memory, it fails with
// RESOURCE_EXHAUSTED. No call raises SIGPIPE, whatever the server does.

#ifndef ANCHORAGE_CLIENT_HTTP_HTTP_CONNECTION_H_
#define ANCHORAGE_CLIENT_HTTP_HTTP_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::client {

struct LibCurl;

struct HttpRequest {
  std::string url;
  // GET, PUT or POST.
  const char* method = "GET";
  // Each "Name: value".
  std::vector<std::string> headers = {};
  // Of PUT and POST.
  std::string_view body = {};
  // The longest body of an answer.
  std::size_t max_bytes = 0;
  // From the first packet to the last, and for the connection alone.
  absl::Duration timeout = absl::Seconds(30);
  absl::Duration connect_timeout = absl::Seconds(10);
  // A proxy's URL, whatever `no_proxy` in the environment says; empty: none;
  // nullopt: the environment's, as libcurl reads it.
  std::optional<std::string> proxy = "";
};

struct HttpAnswer {
  // Of HTTP, such as 200.
  int status = 0;
  // At most `max_bytes`; cut off where there was more, and, with another status
  // than 200, where it broke off.
  std::string body;
  bool too_long = false;
  // The headers of these names; empty where there is none, or one of more than
  // 1 KiB.
  std::string etag;
  std::string retry_after;
};

// One connection, kept between requests to one server. Not thread-safe, except
// for Cancel().
class HttpConnection {
 public:
  // `tls_roots_pem`: PEM certificates that a server's must chain to; empty: the
  // system's. `library` is for tests; null: the system's, loaded at the first
  // request.
  explicit HttpConnection(std::string tls_roots_pem = {},
                          const LibCurl* library = nullptr);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Returns what the server answered, whatever its status.
  // DEADLINE_EXCEEDED: it took the connection and did not answer in time.
  // DATA_LOSS: it began to answer with 200, and broke off or took too long.
  // FAILED_PRECONDITION: nothing can be asked, because libcurl is not there or
  // this program has more rights than who started it. Every other failure is
  // UNAVAILABLE, such as that of a libcurl that does not know an option that is
  // needed.
  absl::StatusOr<HttpAnswer> Ask(const HttpRequest& request);

  // Aborts a request under way, within about a second, and fails every later
  // one with CANCELLED.
  void Cancel() { cancelled_ = true; }

 private:
  struct Handle;
  // Loads libcurl, once.
  absl::Status Connect();
  absl::StatusOr<HttpAnswer> AskOrThrow(const HttpRequest& request);

  const std::string tls_roots_pem_;
  const LibCurl* library_;
  std::unique_ptr<Handle> handle_;
  std::atomic<bool> cancelled_ = false;
};

// "URL: ", for people. A URL with a name and a password stays out of messages.
std::string Shown(std::string_view url);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_HTTP_HTTP_CONNECTION_H_

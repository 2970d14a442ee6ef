// One file from a web server that is not trusted, within limits.
//
//   auto downloader = CurlDownloader::Create({});
//   auto page = (*downloader)->Get({.url = "https://…", .max_bytes = 1 << 20});
//   if (!page.ok()) return page.status();  // SourceFailureOf() says what failed
//
// HTTPS, with the server's certificate always checked. Redirects are followed
// on the same scheme, host and port only. Every limit holds whatever the server
// says of itself: a body is read, and unpacked, no further than `max_bytes`. A
// proxy is taken from the environment as libcurl does (https_proxy, no_proxy).
// The process must ignore SIGPIPE, as trustd does.

#ifndef ANCHORAGE_TRUSTD_SOURCES_DOWNLOADER_H_
#define ANCHORAGE_TRUSTD_SOURCES_DOWNLOADER_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::trustd {

// How many redirects one download follows.
inline constexpr int kMaxRedirects = 5;
// All headers of one answer together; longer is kTooLarge.
inline constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
// Slower than this for `stall_timeout` is kStalled.
inline constexpr int kLeastBytesPerSecond = 256;

// What a server calls the version of a file that it gave. Both may be empty.
struct Validators {
  std::string etag;
  std::string last_modified;

  bool empty() const { return etag.empty() && last_modified.empty(); }
  friend bool operator==(const Validators&, const Validators&) = default;
};

struct Request {
  std::string url;
  std::size_t max_bytes = 0;
  // All of it, redirects too.
  absl::Duration timeout = absl::Seconds(30);
  // Until a connection stands, TLS included.
  absl::Duration connect_timeout = absl::Seconds(10);
  // Whole seconds.
  absl::Duration stall_timeout = absl::Seconds(15);
  // Of the version that the caller has; empty: whatever there is.
  Validators have = {};
};

struct Download {
  // The server still has the version of Request::have; `body` is empty.
  bool not_modified = false;
  std::string body;
  // Of `body`.
  Validators validators;
  // Where `body` was, after redirects.
  std::string url;
  // How long it took.
  absl::Duration elapsed;
};

class Downloader {
 public:
  virtual ~Downloader() = default;

  // Returns the whole file, exactly, or a failure from FailSource(). For
  // kHttpStatus, HttpStatusOf() and RetryAfterOf() say more.
  virtual absl::StatusOr<Download> Get(const Request& request) = 0;
};

struct DownloaderOptions {
  // PEM certificates to check servers with; empty: the system's.
  std::string ca_path = {};
  // Whether plain http is taken from the loopback interface too.
  bool allow_loopback_http = false;
  std::string user_agent = "anchorage-trustd";
  // Once it is true, downloads under way end within a second or so and every
  // later one fails, with kCancelled. Null: never.
  std::shared_ptr<const std::atomic<bool>> cancelled = nullptr;
  // Called with what each answer that says so has as the date now: its Date,
  // and the Age that it has in a cache. May be empty.
  std::function<void(absl::Time date)> saw_date = {};
};

// Thread-safe: each call has a connection of its own.
class CurlDownloader final : public Downloader {
 public:
  // Fails with UNAVAILABLE if libcurl cannot be started.
  static absl::StatusOr<std::unique_ptr<CurlDownloader>> Create(
      DownloaderOptions options);

  absl::StatusOr<Download> Get(const Request& request) override;

 private:
  explicit CurlDownloader(DownloaderOptions options)
      : options_(std::move(options)) {}

  const DownloaderOptions options_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_DOWNLOADER_H_

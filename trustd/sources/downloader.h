// Downloads one file from an untrusted web server, within limits.
//
//   auto downloader = CurlDownloader::Create({});
//   auto page = (*downloader)->Get({.url = "https://…", .max_bytes = 1 << 20});
//   if (!page.ok()) return page.status();  // SourceFailureOf() says why
//
// HTTPS, with the server's certificate always checked. Redirects are followed
// on the same scheme, host and port only. Every limit holds whatever the server
// says: a body is read, and unpacked, no further than `max_bytes`. A proxy is
// taken from the environment, as libcurl does (https_proxy, no_proxy). The
// process must ignore SIGPIPE, as trustd does.

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
// The most bytes of all headers of one answer; more is kTooLarge.
inline constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
// Slower than this for `stall_timeout` is kStalled.
inline constexpr int kLeastBytesPerSecond = 256;

// How a server names the version of a file that it gave. Both may be empty.
struct Validators {
  std::string etag;
  std::string last_modified;

  bool empty() const { return etag.empty() && last_modified.empty(); }
  friend bool operator==(const Validators&, const Validators&) = default;
};

struct Request {
  std::string url;
  std::size_t max_bytes = 0;
  // The longest for the whole download, redirects included.
  absl::Duration timeout = absl::Seconds(30);
  // The longest until a connection is established, including TLS.
  absl::Duration connect_timeout = absl::Seconds(10);
  // In whole seconds: see kLeastBytesPerSecond.
  absl::Duration stall_timeout = absl::Seconds(15);
  // The version that the caller has; empty: download whatever there is.
  Validators have = {};
};

struct Download {
  // The server still has the version of Request::have; `body` is empty.
  bool not_modified = false;
  std::string body;
  // The version of `body`.
  Validators validators;
  // The address of `body`, after redirects.
  std::string url;
  // How long the download took.
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
  // Whether plain http is allowed from the loopback interface.
  bool allow_loopback_http = false;
  std::string user_agent = "anchorage-trustd";
  // Once it is true, downloads under way fail within a second or so, and every
  // later one fails, with kCancelled. Null: never.
  std::shared_ptr<const std::atomic<bool>> cancelled = nullptr;
  // Called with the present date according to each answer that has one: its
  // Date plus its Age in a cache. May be empty.
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

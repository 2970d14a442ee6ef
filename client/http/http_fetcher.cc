#include "client/http/http_fetcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/descriptor.h"
#include "anchors/base/no_throw.h"
#include "anchors/tuf/static_layout.h"
#include "client/http/libcurl.h"
#include "client/http/stop_at_exit.h"

namespace anchorage::client {
namespace {

constexpr long kOk = 200;
constexpr long kForbidden = 403;
constexpr long kNotFound = 404;

// A body that is being received, and why it was cut off, if it was.
struct Body {
  std::string bytes;
  std::size_t max_bytes;
  bool too_long = false;
  absl::Status failure = absl::OkStatus();
};

std::size_t Receive(char* data, std::size_t size, std::size_t count,
                    void* user) {
  Body& body = *static_cast<Body*>(user);
  const std::size_t got = size * count;
  if (body.bytes.size() + got > body.max_bytes) {
    body.too_long = true;
    return 0;  // aborts the transfer
  }
  // libcurl is C: no exception may pass through it.
  body.failure = anchors::NoThrow([&] {
    body.bytes.append(data, got);
    return absl::OkStatus();
  });
  return body.failure.ok() ? got : 0;
}

// Called by libcurl at least once a second.
int StopIfCancelled(void* user, curl_off_t, curl_off_t, curl_off_t,
                    curl_off_t) {
  StopAtExit::CheckNotAbandoned();
  return *static_cast<const std::atomic<bool>*>(user) ? 1 : 0;
}

curl_socket_t OpenSocket(void*, curlsocktype, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

absl::Status CheckUrl(std::string& url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", url, "' is not an http or https URL"));
  }
  if (!url.ends_with('/')) url.push_back('/');
  return absl::OkStatus();
}

// "URL: ", for people. A URL with a name and a password stays out of messages.
std::string Shown(const std::string& url) {
  return url.find('@') == url.npos ? absl::StrCat(url, ": ") : "";
}

// While it lives, a connection that breaks raises no SIGPIPE in this thread:
// CURLOPT_NOSIGNAL does not see to it where an older libcurl lets OpenSSL write.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  ~NoSigpipe() {
    const timespec at_once{};
    while (!was_pending_ && sigtimedwait(&sigpipe_, nullptr, &at_once) < 0 &&
           errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t sigpipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

// While it lives, the standard streams that the host has closed are taken, so
// that libcurl opens nothing there, which the host would write to.
class ClosedStreams {
 public:
  ClosedStreams() {
    for (int& held : held_) {
      held = ::open("/dev/null", O_RDWR | O_CLOEXEC);
      if (held > STDERR_FILENO) ::close(std::exchange(held, -1));
      if (held < 0) return;
    }
  }
  ClosedStreams(const ClosedStreams&) = delete;
  ClosedStreams& operator=(const ClosedStreams&) = delete;
  ~ClosedStreams() {
    for (const int held : held_) {
      if (held >= 0) ::close(held);
    }
  }

 private:
  int held_[3] = {-1, -1, -1};
};

// A file in memory.
class MemoryFile {
 public:
  ~MemoryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  // Returns its path, for this process alone, once it holds `bytes`: those of
  // the first call.
  absl::StatusOr<std::string> Write(std::string_view bytes) {
    if (descriptor_ < 0) {
      const int made = anchors::AboveStandardStreams(
          ::memfd_create("anchorage", MFD_CLOEXEC));
      if (made < 0 || !WriteAll(made, bytes)) {
        const int error = errno;
        if (made >= 0) ::close(made);
        return absl::UnavailableError(
            absl::StrCat("a file for the TLS roots: ", std::strerror(error)));
      }
      descriptor_ = made;
    }
    return absl::StrCat("/proc/self/fd/", descriptor_);
  }

 private:
  static bool WriteAll(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  int descriptor_ = -1;
};

}  // namespace

// A transfer's options. The first that libcurl does not take is kept: without
// it the transfer would be another one.
struct HttpFetcher::Handle {
  explicit Handle(const LibCurl& library)
      : library(library), curl(library.easy_init()) {}
  ~Handle() {
    const NoSigpipe no_sigpipe;
    library.easy_cleanup(curl);
  }

  template <typename Value>
  void Set(CURLoption option, Value value) {
    Check(option, library.easy_setopt(curl, option, value));
  }

  // Whether libcurl has the option, and now this value.
  template <typename Value>
  bool Knows(CURLoption option, Value value) {
    const CURLcode code = library.easy_setopt(curl, option, value);
    if (code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN) {
      return false;
    }
    Check(option, code);
    return true;
  }

  void Check(CURLoption option, CURLcode code) {
    if (code == CURLE_OK || !status.ok()) return;
    status = absl::UnavailableError(absl::StrCat(
        "libcurl does not take its option ", static_cast<int>(option), ": ",
        library.easy_strerror(code)));
  }

  void SetRoots(std::string_view pem) {
    curl_blob roots{};
    roots.data = const_cast<char*>(pem.data());
    roots.len = pem.size();
    roots.flags = CURL_BLOB_NOCOPY;
    if (!Knows(CURLOPT_CAINFO_BLOB, &roots)) {
      const auto path = roots_file.Write(pem);
      if (!path.ok()) {
        status = path.status();
        return;
      }
      Set(CURLOPT_CAINFO, path->c_str());
    }
    // Where there is no such option, there is no such folder.
    (void)Knows(CURLOPT_CAPATH, nullptr);
  }

  const LibCurl& library;
  CURL* const curl;
  absl::Status status;
  MemoryFile roots_file;
};

HttpFetcher::HttpFetcher(HttpRepository repository, const LibCurl* library)
    : repository_(std::move(repository)), library_(library) {}

HttpFetcher::~HttpFetcher() = default;

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

absl::Status HttpFetcher::Connect() {
  if (handle_ != nullptr) return absl::OkStatus();
  if (library_ == nullptr) {
    const auto library = LibCurl::Get();
    if (!library.ok()) return library.status();
    library_ = *library;
  }
  auto handle = std::make_unique<Handle>(*library_);
  if (handle->curl == nullptr) {
    return absl::UnavailableError("libcurl cannot be started");
  }
  handle_ = std::move(handle);
  return absl::OkStatus();
}

absl::StatusOr<std::string> HttpFetcher::Fetch(const std::string& url,
                                               std::size_t max_bytes) {
  if (cancelled_) return absl::CancelledError("the client stops");
  if (absl::Status s = Connect(); !s.ok()) return s;
  Handle& handle = *handle_;
  const LibCurl& library = handle.library;
  Body body{.bytes = {}, .max_bytes = max_bytes};
  library.easy_reset(handle.curl);
  handle.status = absl::OkStatus();
  handle.Set(CURLOPT_URL, url.c_str());
  if (!handle.Knows(CURLOPT_PROTOCOLS_STR, "http,https")) {
    handle.Set(CURLOPT_PROTOCOLS,
               static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  }
  handle.Set(CURLOPT_PATH_AS_IS, 1L);
  handle.Set(CURLOPT_FOLLOWLOCATION, 0L);
  handle.Set(CURLOPT_NOSIGNAL, 1L);
  handle.Set(CURLOPT_USERAGENT, "anchorage");
  handle.Set(CURLOPT_TIMEOUT_MS,
             static_cast<long>(absl::ToInt64Milliseconds(repository_.timeout)));
  handle.Set(CURLOPT_CONNECTTIMEOUT_MS,
             static_cast<long>(
                 absl::ToInt64Milliseconds(repository_.connect_timeout)));
  handle.Set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  // Does not wait for a name to be looked up once the time is over.
  (void)handle.Knows(CURLOPT_QUICK_EXIT, 1L);
  handle.Set(CURLOPT_WRITEFUNCTION, &Receive);
  handle.Set(CURLOPT_WRITEDATA, &body);
  handle.Set(CURLOPT_NOPROGRESS, 0L);
  handle.Set(CURLOPT_XFERINFOFUNCTION, &StopIfCancelled);
  handle.Set(CURLOPT_XFERINFODATA, &cancelled_);
  if (!repository_.tls_roots_pem.empty()) {
    handle.SetRoots(repository_.tls_roots_pem);
  }
  if (!handle.status.ok()) return handle.status;
  const CURLcode result = [&] {
    const NoSigpipe no_sigpipe;
    const ClosedStreams closed_streams;
    return library.easy_perform(handle.curl);
  }();
  if (!body.failure.ok()) return body.failure;
  if (result == CURLE_ABORTED_BY_CALLBACK) {
    return absl::CancelledError("the client stops");
  }
  long status = 0;
  library.easy_getinfo(handle.curl, CURLINFO_RESPONSE_CODE, &status);
  // The status decides before the size of the body does.
  if (status == kNotFound || status == kForbidden) {
    return absl::NotFoundError(absl::StrCat(Shown(url), "HTTP ", status));
  }
  if (body.too_long && status == kOk) {
    return absl::OutOfRangeError(
        absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  if (result != CURLE_OK) {
    // libcurl says so of a line of the head that it finds too long, too.
    const char* const or_what =
        result == CURLE_OUT_OF_MEMORY ? ", or for the head of the answer" : "";
    return absl::UnavailableError(
        absl::StrCat(Shown(url), library.easy_strerror(result), or_what));
  }
  if (status != kOk) {
    return absl::UnavailableError(absl::StrCat(Shown(url), "HTTP ", status));
  }
  return std::move(body.bytes);
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

#include "client/http/http_connection.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/descriptor.h"
#include "anchors/base/no_signal.h"
#include "anchors/base/no_throw.h"
#include "client/http/libcurl.h"
#include "client/http/stop_at_exit.h"

namespace anchorage::client {
namespace {

constexpr int kOk = 200;
constexpr std::size_t kMaxHeaderBytes = 1024;

// An answer that is being received, and why it was cut off, if it was.
struct Receiver {
  HttpAnswer answer;
  std::size_t max_bytes;
  absl::Status failure = absl::OkStatus();
};

// libcurl is C: no exception may pass through these.
std::size_t Receive(char* data, std::size_t size, std::size_t count,
                    void* user) {
  Receiver& receiver = *static_cast<Receiver*>(user);
  const std::size_t got = size * count;
  if (receiver.answer.body.size() + got > receiver.max_bytes) {
    receiver.answer.too_long = true;
    return 0;  // aborts the transfer
  }
  receiver.failure = anchors::NoThrow([&] {
    receiver.answer.body.append(data, got);
    return absl::OkStatus();
  });
  return receiver.failure.ok() ? got : 0;
}

// Called with each line of the head, also of those that come before the answer's
// own: a proxy's, or one of "100 Continue".
std::size_t ReceiveHeader(char* data, std::size_t size, std::size_t count,
                          void* user) {
  Receiver& receiver = *static_cast<Receiver*>(user);
  const absl::string_view line(data, size * count);
  receiver.failure = anchors::NoThrow([&] {
    const std::pair<absl::string_view, std::string*> wanted[] = {
        {"etag:", &receiver.answer.etag},
        {"retry-after:", &receiver.answer.retry_after},
    };
    for (const auto& [name, value] : wanted) {
      if (absl::StartsWith(line, "HTTP/")) value->clear();
      if (line.size() > kMaxHeaderBytes ||
          !absl::StartsWithIgnoreCase(line, name)) {
        continue;
      }
      const auto text = absl::StripAsciiWhitespace(line.substr(name.size()));
      value->assign(text.data(), text.size());
    }
    return absl::OkStatus();
  });
  return receiver.failure.ok() ? line.size() : 0;
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

// For libcurl 0 is "for ever".
long Milliseconds(absl::Duration duration) {
  return static_cast<long>(
      std::max<std::int64_t>(1, absl::ToInt64Milliseconds(duration)));
}

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

// Lines of a request's head.
class HeaderList {
 public:
  explicit HeaderList(const LibCurl& library) : library_(library) {}
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { library_.slist_free_all(list_); }

  absl::Status Add(const char* line) {
    curl_slist* const longer = library_.slist_append(list_, line);
    if (longer == nullptr) return absl::ResourceExhaustedError("no memory");
    list_ = longer;
    return absl::OkStatus();
  }

  curl_slist* get() const { return list_; }

 private:
  const LibCurl& library_;
  curl_slist* list_ = nullptr;
};

}  // namespace

std::string Shown(std::string_view url) {
  return url.find('@') == url.npos ? absl::StrCat(std::string(url), ": ") : "";
}

// A transfer's options. The first that libcurl does not take is kept: without
// it the transfer would be another one.
struct HttpConnection::Handle {
  explicit Handle(const LibCurl& library)
      : library(library), curl(library.easy_init()) {}
  ~Handle() {
    const anchors::NoSignal no_sigpipe(SIGPIPE);
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

HttpConnection::HttpConnection(std::string tls_roots_pem,
                               const LibCurl* library)
    : tls_roots_pem_(std::move(tls_roots_pem)), library_(library) {}

HttpConnection::~HttpConnection() = default;

absl::Status HttpConnection::Connect() {
  if (handle_ != nullptr) return absl::OkStatus();
  if (library_ == nullptr) {
    const auto library = LibCurl::Get();
    if (!library.ok()) {
      return absl::FailedPreconditionError(library.status().message());
    }
    library_ = *library;
  }
  auto handle = std::make_unique<Handle>(*library_);
  if (handle->curl == nullptr) {
    return absl::UnavailableError("libcurl cannot be started");
  }
  handle_ = std::move(handle);
  return absl::OkStatus();
}

absl::StatusOr<HttpAnswer> HttpConnection::Ask(const HttpRequest& request) {
  return anchors::NoThrow([&] { return AskOrThrow(request); });
}

absl::StatusOr<HttpAnswer> HttpConnection::AskOrThrow(
    const HttpRequest& request) {
  if (cancelled_) return absl::CancelledError("the client stops");
  if (absl::Status s = Connect(); !s.ok()) return s;
  Handle& handle = *handle_;
  const LibCurl& library = handle.library;
  HeaderList headers(library);
  for (const std::string& line : request.headers) {
    if (absl::Status s = headers.Add(line.c_str()); !s.ok()) return s;
  }
  Receiver receiver{.answer = {}, .max_bytes = request.max_bytes};
  library.easy_reset(handle.curl);
  handle.status = absl::OkStatus();
  handle.Set(CURLOPT_URL, request.url.c_str());
  if (!handle.Knows(CURLOPT_PROTOCOLS_STR, "http,https")) {
    handle.Set(CURLOPT_PROTOCOLS,
               static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  }
  handle.Set(CURLOPT_PATH_AS_IS, 1L);
  handle.Set(CURLOPT_FOLLOWLOCATION, 0L);
  handle.Set(CURLOPT_NOSIGNAL, 1L);
  handle.Set(CURLOPT_USERAGENT, "anchorage");
  handle.Set(CURLOPT_TIMEOUT_MS, Milliseconds(request.timeout));
  handle.Set(CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(request.connect_timeout));
  handle.Set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  // Does not wait for a name to be looked up once the time is over.
  (void)handle.Knows(CURLOPT_QUICK_EXIT, 1L);
  handle.Set(CURLOPT_WRITEFUNCTION, &Receive);
  handle.Set(CURLOPT_WRITEDATA, &receiver);
  handle.Set(CURLOPT_HEADERFUNCTION, &ReceiveHeader);
  handle.Set(CURLOPT_HEADERDATA, &receiver);
  handle.Set(CURLOPT_NOPROGRESS, 0L);
  handle.Set(CURLOPT_XFERINFOFUNCTION, &StopIfCancelled);
  handle.Set(CURLOPT_XFERINFODATA, &cancelled_);
  if (std::string_view(request.method) != "GET") {
    // An older libcurl would wait a second for "100 Continue".
    if (absl::Status s = headers.Add("Expect:"); !s.ok()) return s;
    handle.Set(CURLOPT_POSTFIELDSIZE_LARGE,
               static_cast<curl_off_t>(request.body.size()));
    handle.Set(CURLOPT_POSTFIELDS,
               request.body.empty() ? "" : request.body.data());
    handle.Set(CURLOPT_CUSTOMREQUEST, request.method);
  }
  if (headers.get() != nullptr) handle.Set(CURLOPT_HTTPHEADER, headers.get());
  if (request.proxy.has_value()) {
    handle.Set(CURLOPT_PROXY, request.proxy->c_str());
    handle.Set(CURLOPT_NOPROXY, "");
  }
  if (!tls_roots_pem_.empty()) handle.SetRoots(tls_roots_pem_);
  if (!handle.status.ok()) return handle.status;
  const CURLcode result = [&] {
    // CURLOPT_NOSIGNAL does not see to it where an older libcurl lets OpenSSL
    // write.
    const anchors::NoSignal no_sigpipe(SIGPIPE);
    const ClosedStreams closed_streams;
    return library.easy_perform(handle.curl);
  }();
  if (!receiver.failure.ok()) return receiver.failure;
  if (result == CURLE_ABORTED_BY_CALLBACK) {
    return absl::CancelledError("the client stops");
  }
  HttpAnswer& answer = receiver.answer;
  long status = 0;
  library.easy_getinfo(handle.curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  if (result == CURLE_OK || answer.too_long ||
      (answer.status >= kOk && answer.status != kOk)) {
    return std::move(answer);
  }
  // libcurl says so of a line of the head that it finds too long, too.
  const char* const or_what =
      result == CURLE_OUT_OF_MEMORY ? ", or for the head of the answer" : "";
  const std::string why =
      absl::StrCat(Shown(request.url), library.easy_strerror(result), or_what);
  if (answer.status != 0) return absl::DataLossError(why);
  // libcurl counts what it has sent once there is a connection.
  long sent = 0;
  library.easy_getinfo(handle.curl, CURLINFO_REQUEST_SIZE, &sent);
  return result == CURLE_OPERATION_TIMEDOUT && sent > 0
             ? absl::DeadlineExceededError(why)
             : absl::UnavailableError(why);
}

}  // namespace anchorage::client

#include "client/http/http_fetcher.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "anchors/tuf/static_layout.h"
#include "client/http/libcurl.h"

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
  return *static_cast<const std::atomic<bool>*>(user) ? 1 : 0;
}

absl::Status CheckUrl(std::string& url) {
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", url, "' is not an http or https URL"));
  }
  if (!url.ends_with('/')) url.push_back('/');
  return absl::OkStatus();
}

}  // namespace

struct HttpFetcher::Handle {
  explicit Handle(const LibCurl& library)
      : library(library), curl(library.easy_init()) {}
  ~Handle() { library.easy_cleanup(curl); }
  const LibCurl& library;
  CURL* const curl;
};

HttpFetcher::HttpFetcher(HttpRepository repository)
    : repository_(std::move(repository)) {}

HttpFetcher::~HttpFetcher() = default;

absl::StatusOr<std::unique_ptr<HttpFetcher>> HttpFetcher::Create(
    HttpRepository repository) {
  return anchors::NoThrow([&] { return CreateOrThrow(std::move(repository)); });
}

absl::StatusOr<std::unique_ptr<HttpFetcher>> HttpFetcher::CreateOrThrow(
    HttpRepository repository) {
  if (absl::Status s = CheckUrl(repository.metadata_url); !s.ok()) return s;
  if (repository.targets_url.empty()) {
    repository.targets_url = repository.metadata_url;
  }
  if (absl::Status s = CheckUrl(repository.targets_url); !s.ok()) return s;
  return std::unique_ptr<HttpFetcher>(new HttpFetcher(std::move(repository)));
}

absl::Status HttpFetcher::Connect() {
  if (handle_ != nullptr) return absl::OkStatus();
  const auto library = LibCurl::Get();
  if (!library.ok()) return library.status();
  auto handle = std::make_unique<Handle>(**library);
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
  const LibCurl& library = handle_->library;
  CURL* const curl = handle_->curl;
  Body body{.bytes = {}, .max_bytes = max_bytes};
  library.easy_reset(curl);
  library.easy_setopt(curl, CURLOPT_URL, url.c_str());
  library.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  library.easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  library.easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  library.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  library.easy_setopt(curl, CURLOPT_USERAGENT, "anchorage");
  library.easy_setopt(
      curl, CURLOPT_TIMEOUT_MS,
      static_cast<long>(absl::ToInt64Milliseconds(repository_.timeout)));
  library.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                      static_cast<long>(absl::ToInt64Milliseconds(
                          repository_.connect_timeout)));
  library.easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Receive);
  library.easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  library.easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  library.easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &StopIfCancelled);
  library.easy_setopt(curl, CURLOPT_XFERINFODATA, &cancelled_);
  if (!repository_.tls_roots_pem.empty()) {
    curl_blob roots{};
    roots.data = const_cast<char*>(repository_.tls_roots_pem.data());
    roots.len = repository_.tls_roots_pem.size();
    roots.flags = CURL_BLOB_NOCOPY;
    library.easy_setopt(curl, CURLOPT_CAINFO_BLOB, &roots);
    library.easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  }
  const CURLcode result = library.easy_perform(curl);
  if (!body.failure.ok()) return body.failure;
  if (result == CURLE_ABORTED_BY_CALLBACK) {
    return absl::CancelledError("the client stops");
  }
  long status = 0;
  library.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  // The status decides before the size of the body does.
  if (status == kNotFound || status == kForbidden) {
    return absl::NotFoundError(absl::StrCat("HTTP ", status));
  }
  if (body.too_long && status == kOk) {
    return absl::OutOfRangeError(
        absl::StrCat("longer than ", max_bytes, " bytes"));
  }
  if (result != CURLE_OK) {
    return absl::UnavailableError(library.easy_strerror(result));
  }
  if (status != kOk) {
    return absl::UnavailableError(absl::StrCat("HTTP ", status));
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

#include "trustd/sources/downloader.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/no_throw.h"
#include "trustd/sources/gunzip.h"
#include "trustd/sources/source_failure.h"
#include "trustd/sources/web_address.h"

namespace anchorage::trustd {
namespace {

constexpr long kOk = 200;
constexpr long kNotModified = 304;
// How much of an error's or a redirect's own page is read, and then ignored.
constexpr std::size_t kMaxIdleBytes = 64 * 1024;
// How much earlier than by our clock libcurl's timeout may come.
constexpr absl::Duration kClockSlack = absl::Milliseconds(100);
// The longest validator that is kept.
constexpr std::size_t kMaxValidatorBytes = 1024;

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// One request and its results so far.
struct Transfer {
  CURL* curl = nullptr;
  std::size_t max_bytes = 0;
  const std::atomic<bool>* cancelled = nullptr;

  std::size_t header_bytes = 0;
  Validators validators;
  std::string retry_after;
  std::optional<absl::Time> date;
  absl::Duration age;
  bool gzip = false;
  bool unknown_encoding = false;
  std::string body;
  std::size_t idle_bytes = 0;
  // Why we aborted the transfer ourselves.
  std::optional<SourceFailure> ended;
};

long StatusOf(CURL* curl) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

// --- What libcurl calls while a transfer runs --------------------------------

void TakeHeader(std::string_view name, std::string_view value, Transfer& t) {
  const absl::string_view key(name.data(), name.size());
  const absl::string_view text(value.data(), value.size());
  if (absl::EqualsIgnoreCase(key, "etag")) {
    t.validators.etag = std::string(value.substr(0, kMaxValidatorBytes + 1));
  } else if (absl::EqualsIgnoreCase(key, "last-modified")) {
    t.validators.last_modified =
        std::string(value.substr(0, kMaxValidatorBytes + 1));
  } else if (absl::EqualsIgnoreCase(key, "retry-after")) {
    t.retry_after = std::string(value.substr(0, kMaxValidatorBytes));
  } else if (absl::EqualsIgnoreCase(key, "date")) {
    t.date = ParseHttpDate(value);
  } else if (absl::EqualsIgnoreCase(key, "age")) {
    std::uint32_t seconds = 0;
    t.age = absl::SimpleAtoi(text, &seconds) ? absl::Seconds(seconds)
                                             : absl::ZeroDuration();
  } else if (absl::EqualsIgnoreCase(key, "content-encoding")) {
    // A second encoding would be a second packing: a bomb in a bomb.
    const bool gzip = absl::EqualsIgnoreCase(text, "gzip");
    if (gzip && !t.gzip) {
      t.gzip = true;
    } else if (!absl::EqualsIgnoreCase(text, "identity")) {
      t.unknown_encoding = true;
    }
  } else if (absl::EqualsIgnoreCase(key, "transfer-encoding") &&
             !absl::EqualsIgnoreCase(text, "chunked")) {
    // libcurl would unpack it, in layers, beyond our control.
    t.ended = SourceFailure::kContentEncoding;
  }
}

std::size_t OnHeader(char* data, std::size_t size, std::size_t count,
                     void* user) {
  Transfer& t = *static_cast<Transfer*>(user);
  const std::size_t got = size * count;
  t.header_bytes += got;
  if (t.header_bytes > kMaxHeaderBytes) t.ended = SourceFailure::kTooLarge;
  const std::string_view line(data, got);
  const std::size_t colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    // The headers before were those of an interim answer (1xx).
    t.validators = {};
    t.retry_after.clear();
    t.date.reset();
    t.age = absl::ZeroDuration();
    t.gzip = t.unknown_encoding = false;
  } else if (colon != line.npos) {
    const auto value = absl::StripAsciiWhitespace(
        absl::string_view(data + colon + 1, got - colon - 1));
    // libcurl is C: no exception may pass through it.
    const absl::Status caught = anchors::NoThrow([&] {
      TakeHeader(line.substr(0, colon), {value.data(), value.size()}, t);
      return absl::OkStatus();
    });
    if (!caught.ok()) return 0;
  }
  return t.ended.has_value() ? 0 : got;
}

std::size_t OnBody(char* data, std::size_t size, std::size_t count,
                   void* user) {
  Transfer& t = *static_cast<Transfer*>(user);
  const std::size_t got = size * count;
  if (StatusOf(t.curl) != kOk) {
    t.idle_bytes += got;
    return t.idle_bytes > kMaxIdleBytes ? 0 : got;
  }
  if (t.unknown_encoding) {
    t.ended = SourceFailure::kContentEncoding;
  } else if (got > t.max_bytes - t.body.size()) {
    t.ended = SourceFailure::kTooLarge;
  } else {
    const absl::Status caught = anchors::NoThrow([&] {
      t.body.append(data, got);
      return absl::OkStatus();
    });
    if (!caught.ok()) return 0;
  }
  return t.ended.has_value() ? 0 : got;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const std::atomic<bool>* cancelled = static_cast<Transfer*>(user)->cancelled;
  return cancelled != nullptr && *cancelled ? 1 : 0;
}

// --- One request -------------------------------------------------------------

long Milliseconds(absl::Duration duration) {
  // To libcurl, 0 means for ever.
  return std::max<long>(1,
                        static_cast<long>(absl::ToInt64Milliseconds(duration)));
}

void SetUpTls(CURL* curl, const DownloaderOptions& options) {
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (options.ca_path.empty()) return;
  curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_path.c_str());
  // Otherwise the system's certificate folder would be used as well.
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
}

void SetUpLimits(CURL* curl, const Request& request, absl::Duration left) {
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, Milliseconds(left));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   Milliseconds(std::min(left, request.connect_timeout)));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT,
                   static_cast<long>(kLeastBytesPerSecond));
  curl_easy_setopt(
      curl, CURLOPT_LOW_SPEED_TIME,
      std::max<long>(
          1, static_cast<long>(absl::ToInt64Seconds(request.stall_timeout))));
}

void SetUpCalls(Transfer& t) {
  curl_easy_setopt(t.curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(t.curl, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(t.curl, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(t.curl, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(t.curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(t.curl, CURLOPT_XFERINFODATA, &t);
  curl_easy_setopt(t.curl, CURLOPT_NOPROGRESS, 0L);
}

Headers RequestHeaders(const Validators& have) {
  // We unpack ourselves (gunzip.h), so that our limits hold.
  curl_slist* list = curl_slist_append(nullptr, "Accept-Encoding: gzip");
  if (!have.etag.empty()) {
    list = curl_slist_append(
        list, absl::StrCat("If-None-Match: ", have.etag).c_str());
  }
  if (!have.last_modified.empty()) {
    list = curl_slist_append(
        list, absl::StrCat("If-Modified-Since: ", have.last_modified).c_str());
  }
  return Headers(list, &curl_slist_free_all);
}

// How a request ended, as libcurl sees it.
struct Ending {
  CURLcode result = CURLE_OK;
  absl::Duration elapsed;
  // How long the request was allowed to take.
  absl::Duration allowed;
};

Ending Run(CURL* curl, absl::Duration allowed) {
  const auto begin = std::chrono::steady_clock::now();
  const CURLcode result = curl_easy_perform(curl);
  return {result, absl::FromChrono(std::chrono::steady_clock::now() - begin),
          allowed};
}

// Returns which of three time limits was exceeded: libcurl has one code for all
// of them.
SourceFailure WhichClock(const Ending& ending, CURL* curl) {
  curl_off_t sent = 0;
  curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &sent);
  const bool connected = sent > 0;
  return connected && ending.elapsed + kClockSlack < ending.allowed
             ? SourceFailure::kStalled
             : SourceFailure::kTimedOut;
}

SourceFailure FailureOf(const Ending& ending, CURL* curl) {
  switch (ending.result) {
    case CURLE_OPERATION_TIMEDOUT:
      return WhichClock(ending, curl);
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2_STREAM:
      return SourceFailure::kIncomplete;
    case CURLE_RECV_ERROR:
      return StatusOf(curl) == kOk ? SourceFailure::kIncomplete
                                   : SourceFailure::kUnreachable;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return SourceFailure::kTlsFailed;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
      return SourceFailure::kNotHttp;
    default:
      return SourceFailure::kUnreachable;
  }
}

// A date in Retry-After becomes a wait by the server's own clock, because ours
// may be wrong.
std::string RetryAfter(const Transfer& t) {
  const auto until = ParseHttpDate(t.retry_after);
  if (!until.has_value() || !t.date.has_value()) return t.retry_after;
  return absl::StrCat(
      std::max<std::int64_t>(0, absl::ToInt64Seconds(*until - *t.date)));
}

absl::Status BadStatus(long status, const std::string& retry_after) {
  absl::Status failure =
      FailSource(SourceFailure::kHttpStatus, absl::StrCat("HTTP ", status));
  SetHttpStatus(failure, static_cast<int>(status));
  if (!retry_after.empty()) SetRetryAfter(failure, retry_after);
  return failure;
}

// Drops validators that are too long: a shortened one would not be valid.
Validators Usable(Validators validators) {
  if (validators.etag.size() > kMaxValidatorBytes) validators.etag.clear();
  if (validators.last_modified.size() > kMaxValidatorBytes) {
    validators.last_modified.clear();
  }
  return validators;
}

// The address of the next hop, or the file.
struct Hop {
  std::string redirect;
  Download download;
};

// The server's answer decides before the transfer's result does.
absl::StatusOr<Hop> Judge(const Ending& ending, Transfer& t,
                          const Request& request) {
  Hop hop;
  hop.download.elapsed = ending.elapsed;
  if (t.ended == SourceFailure::kTooLarge) {
    return FailSource(*t.ended,
                      absl::StrCat("longer than ", t.max_bytes, " bytes"));
  }
  if (t.ended.has_value()) {
    return FailSource(*t.ended, "neither gzip nor plain");
  }
  if (ending.result == CURLE_ABORTED_BY_CALLBACK) {
    return FailSource(SourceFailure::kCancelled, "trustd is stopping");
  }
  const long status = StatusOf(t.curl);
  char* location = nullptr;
  curl_easy_getinfo(t.curl, CURLINFO_REDIRECT_URL, &location);
  if (status > 300 && status < 400 && status != kNotModified &&
      location != nullptr) {
    hop.redirect = location;
    return hop;
  }
  hop.download.not_modified = status == kNotModified && !request.have.empty();
  if (status > kOk && !hop.download.not_modified) {
    return BadStatus(status, RetryAfter(t));
  }
  if (ending.result != CURLE_OK) {
    return FailSource(FailureOf(ending, t.curl),
                      curl_easy_strerror(ending.result));
  }
  if (hop.download.not_modified) return hop;
  if (t.unknown_encoding) {
    return FailSource(SourceFailure::kContentEncoding,
                      "neither gzip nor plain");
  }
  hop.download.validators = Usable(std::move(t.validators));
  if (!t.gzip) {
    hop.download.body = std::move(t.body);
    return hop;
  }
  auto unpacked = Gunzip(t.body, t.max_bytes);
  if (!unpacked.ok()) return unpacked.status();
  hop.download.body = *std::move(unpacked);
  return hop;
}

absl::StatusOr<Hop> Perform(const DownloaderOptions& options,
                            const Request& request, const std::string& url,
                            absl::Duration left) {
  const Easy easy(curl_easy_init(), &curl_easy_cleanup);
  CURL* const curl = easy.get();
  if (curl == nullptr) {
    return FailSource(SourceFailure::kUnreachable, "libcurl cannot be started");
  }
  Transfer transfer;
  transfer.curl = curl;
  transfer.max_bytes = request.max_bytes;
  transfer.cancelled = options.cancelled.get();
  const Headers headers = RequestHeaders(request.have);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                   options.allow_loopback_http ? "http,https" : "https");
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  SetUpTls(curl, options);
  SetUpLimits(curl, request, left);
  SetUpCalls(transfer);
  const Ending ending = Run(curl, left);
  if (options.saw_date && transfer.date.has_value()) {
    options.saw_date(*transfer.date + transfer.age);
  }
  return Judge(ending, transfer, request);
}

// Whether a redirect stays on the origin that the configuration names.
absl::Status CheckRedirect(const WebOrigin& asked, const std::string& to) {
  const auto origin = ParseWebOrigin(to);
  if (origin.ok() && *origin == asked) return absl::OkStatus();
  return FailSource(
      SourceFailure::kRedirectRefused,
      absl::StrCat("from ", asked.scheme, "://", asked.host, ":", asked.port,
                   " to ", origin.ok() ? to : "no web address"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<CurlDownloader>> CurlDownloader::Create(
    DownloaderOptions options) {
  static std::once_flag started;
  static CURLcode result = CURLE_OK;
  std::call_once(started,
                 [] { result = curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (result != CURLE_OK) {
    return absl::UnavailableError("libcurl cannot be started");
  }
  return std::unique_ptr<CurlDownloader>(
      new CurlDownloader(std::move(options)));
}

absl::StatusOr<Download> CurlDownloader::Get(const Request& request) {
  if (absl::Status s =
          CheckWebAddress(request.url, options_.allow_loopback_http);
      !s.ok()) {
    return s;
  }
  const auto asked = ParseWebOrigin(request.url);
  if (!asked.ok()) return asked.status();

  std::string url = request.url;
  std::set<std::string> seen = {url};
  absl::Duration elapsed;
  for (int redirects = 0;; ++redirects) {
    const absl::Duration left = request.timeout - elapsed;
    if (left <= absl::ZeroDuration()) {
      return FailSource(SourceFailure::kTimedOut, "no time left");
    }
    auto hop = Perform(options_, request, url, left);
    if (!hop.ok()) return hop.status();
    elapsed += hop->download.elapsed;
    if (hop->redirect.empty()) {
      hop->download.url = url;
      hop->download.elapsed = elapsed;
      return std::move(hop->download);
    }
    if (absl::Status s = CheckRedirect(*asked, hop->redirect); !s.ok()) {
      return s;
    }
    url = hop->redirect;
    if (redirects == kMaxRedirects || !seen.insert(url).second) {
      return FailSource(SourceFailure::kRedirectLoop,
                        absl::StrCat("after ", redirects + 1, " redirects"));
    }
  }
}

}  // namespace anchorage::trustd

#include "trustd/alerts/webhook_post.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "trustd/sources/web_address.h"

namespace anchorage::trustd {
namespace {

constexpr int kFirstFinalStatus = 200;

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

bool StartCurl() {
  static std::once_flag started;
  static CURLcode result = CURLE_OK;
  std::call_once(started,
                 [] { result = curl_global_init(CURL_GLOBAL_DEFAULT); });
  return result == CURLE_OK;
}

// libcurl is C: no exception may pass through it. These two only count, and
// never throw.

// Called for headers and body alike.
std::size_t OnBytes(char*, std::size_t size, std::size_t count,
                    void* user) noexcept {
  std::size_t& seen = *static_cast<std::size_t*>(user);
  const std::size_t got = size * count;
  seen += got;
  return seen > kMaxReplyBytes ? 0 : got;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t,
               curl_off_t) noexcept {
  return *static_cast<const std::atomic<bool>*>(user) ? 1 : 0;
}

long Milliseconds(absl::Duration duration) {
  // To libcurl, 0 means for ever.
  return std::max<long>(1,
                        static_cast<long>(absl::ToInt64Milliseconds(duration)));
}

void SetUpConnection(CURL* curl, const WebhookPost& post) {
  curl_easy_setopt(curl, CURLOPT_URL, post.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                   post.allow_loopback_http ? "http,https" : "https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "anchorage-trustd");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, Milliseconds(post.timeout));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   Milliseconds(std::min(post.timeout, post.connect_timeout)));
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (post.ca_path.empty()) return;
  curl_easy_setopt(curl, CURLOPT_CAINFO, post.ca_path.c_str());
  // Otherwise the system's certificate folder would be used as well.
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
}

Headers RequestHeaders(const WebhookPost& post, absl::Time now) {
  curl_slist* list =
      curl_slist_append(nullptr, "Content-Type: application/json");
  if (!post.secret.empty()) {
    list = curl_slist_append(
        list, absl::StrCat("Anchorage-Signature: ",
                           SignAlert(post.secret, now, post.body))
                  .c_str());
  }
  // An alert is small: no "Expect: 100-continue" before it.
  list = curl_slist_append(list, "Expect:");
  return Headers(list, &curl_slist_free_all);
}

// If there is a status it decides, whatever became of the rest of the answer.
WebhookReply Judge(CURL* curl, CURLcode result) {
  WebhookReply reply;
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status < kFirstFinalStatus) {
    reply.failure =
        result == CURLE_OK ? "no answer of HTTP" : curl_easy_strerror(result);
    return reply;
  }
  reply.status = static_cast<int>(status);
  curl_off_t seconds = 0;
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
  if (seconds > 0) reply.retry_after = absl::Seconds(seconds);
  return reply;
}

}  // namespace

absl::StatusOr<std::string> ReadWebhookSecret(const std::string& path) {
  auto text = anchors::ReadPrivateFile(path, kMaxSecretBytes + 2);
  if (!text.ok()) return text.status();
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  const bool is_plain =
      std::all_of(text->begin(), text->end(),
                  [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (!is_plain || text->size() < kMinSecretBytes ||
      text->size() > kMaxSecretBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": must be one line of ", kMinSecretBytes, " to ",
        kMaxSecretBytes, " printable ASCII characters without spaces"));
  }
  return text;
}

std::string SignAlert(std::string_view secret, absl::Time time,
                      std::string_view body) {
  const std::string seconds = absl::StrCat(absl::ToUnixSeconds(time));
  const std::string text =
      absl::StrCat(seconds, ".", absl::string_view(body.data(), body.size()));
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
       &size);
  return absl::StrCat("t=", seconds, ",v1=",
                      absl::BytesToHexString(absl::string_view(
                          reinterpret_cast<const char*>(mac), size)));
}

WebhookReply PostAlert(const WebhookPost& post, absl::Time now,
                       const std::atomic<bool>& cancelled) {
  if (!CheckWebAddress(post.url, post.allow_loopback_http).ok()) {
    return {.failure = "the address is refused"};
  }
  const Easy easy(StartCurl() ? curl_easy_init() : nullptr, &curl_easy_cleanup);
  CURL* const curl = easy.get();
  if (curl == nullptr) return {.failure = "libcurl cannot be started"};
  const Headers headers = RequestHeaders(post, now);
  std::size_t seen = 0;
  SetUpConnection(curl, post);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post.body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(post.body.size()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnBytes);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &seen);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &seen);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &cancelled);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  return Judge(curl, curl_easy_perform(curl));
}

WebhookVerdict VerdictOf(const WebhookReply& reply,
                         v1::WebhookConfig::Format format) {
  if (reply.status >= 200 && reply.status < 300) {
    return WebhookVerdict::kDelivered;
  }
  switch (reply.status) {
    case 410:  // Gone
      return format == v1::WebhookConfig::FORMAT_SLACK
                 ? WebhookVerdict::kRetry
                 : WebhookVerdict::kGivenUp;
    case 401:  // Unauthorized
    case 404:  // Not Found
    case 405:  // Method Not Allowed
    case 407:  // Proxy Authentication Required
    case 408:  // Request Timeout
    case 421:  // Misdirected Request
    case 425:  // Too Early
    case 426:  // Upgrade Required
    case 429:  // Too Many Requests
      return WebhookVerdict::kRetry;
    default:
      return reply.status >= 400 && reply.status < 500 &&
                     !reply.retry_after.has_value()
                 ? WebhookVerdict::kRefused
                 : WebhookVerdict::kRetry;
  }
}

}  // namespace anchorage::trustd

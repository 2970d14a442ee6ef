#include "trustd/sources/web_address.h"

#include <curl/curl.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/host_port.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

using ParsedUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// Returns a part of `url`; empty if it has none.
std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  const std::string value(text);
  curl_free(text);
  return value;
}

absl::Status Refused(const std::string& url, const char* why) {
  return FailSource(SourceFailure::kAddressRefused,
                    absl::StrCat("'", url, "' ", why));
}

}  // namespace

absl::StatusOr<WebOrigin> ParseWebOrigin(const std::string& url) {
  const ParsedUrl parsed(curl_url(), &curl_url_cleanup);
  if (parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return Refused(url, "is not an address on the web");
  }
  WebOrigin origin;
  origin.scheme = Part(parsed.get(), CURLUPART_SCHEME);
  origin.host = absl::AsciiStrToLower(Part(parsed.get(), CURLUPART_HOST));
  origin.port = Part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (origin.scheme != "https" && origin.scheme != "http") {
    return Refused(url, "is not an https address");
  }
  // Its text is written to logs, which must not contain a password.
  if (!Part(parsed.get(), CURLUPART_USER).empty() ||
      !Part(parsed.get(), CURLUPART_PASSWORD).empty()) {
    return FailSource(SourceFailure::kAddressRefused,
                      "an address must not hold a user or a password");
  }
  return origin;
}

absl::Status CheckWebAddress(const std::string& url, bool allow_loopback_http) {
  const auto origin = ParseWebOrigin(url);
  if (!origin.ok()) return origin.status();
  if (origin->scheme == "https") return absl::OkStatus();
  if (allow_loopback_http && anchors::IsLoopbackHost(origin->host)) {
    return absl::OkStatus();
  }
  return Refused(url, allow_loopback_http
                          ? "is neither https nor of the loopback interface"
                          : "is not an https address");
}

}  // namespace anchorage::trustd

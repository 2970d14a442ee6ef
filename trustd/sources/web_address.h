// The parts of a web address that decide with whom we talk.

#ifndef ANCHORAGE_TRUSTD_SOURCES_WEB_ADDRESS_H_
#define ANCHORAGE_TRUSTD_SOURCES_WEB_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anchorage::trustd {

// Scheme, host and port of an http or https address.
struct WebOrigin {
  // "http" or "https".
  std::string scheme;
  // Lower-case; an IPv6 address in brackets.
  std::string host;
  std::string port;

  friend bool operator==(const WebOrigin&, const WebOrigin&) = default;
};

// Fails with kAddressRefused for anything but an http or https address, and for
// one with a user or password, which would end up in logs.
absl::StatusOr<WebOrigin> ParseWebOrigin(const std::string& url);

// Fails with kAddressRefused as ParseWebOrigin() does, and for plain http,
// unless `allow_loopback_http` is set and the host is the loopback interface.
absl::Status CheckWebAddress(const std::string& url, bool allow_loopback_http);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_WEB_ADDRESS_H_

// Addresses as people write them: HOST:PORT. Pure.

#ifndef ANCHORAGE_ANCHORS_BASE_HOST_PORT_H_
#define ANCHORAGE_ANCHORS_BASE_HOST_PORT_H_

#include <optional>
#include <string>
#include <string_view>

namespace anchorage::anchors {

struct HostPort {
  // A name or a numeric address, of IPv6 in brackets.
  std::string host;
  int port = 0;
};

// Returns nullopt where there is no host or no port from 0 to 65535.
std::optional<HostPort> ParseHostPort(std::string_view text);

// Whether `host` is of this machine: "localhost", "[::1]" or an IPv4 address of
// 127.0.0.0/8. A name that only begins like one may be anybody's.
bool IsLoopbackHost(const std::string& host);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_HOST_PORT_H_

#include "anchors/base/host_port.h"

#include <arpa/inet.h>

#include "absl/strings/numbers.h"

namespace anchorage::anchors {

std::optional<HostPort> ParseHostPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return std::nullopt;
  HostPort parsed{.host = std::string(text.substr(0, colon))};
  if (!absl::SimpleAtoi(std::string(text.substr(colon + 1)), &parsed.port) ||
      parsed.port < 0 || parsed.port > 65535) {
    return std::nullopt;
  }
  return parsed;
}

bool IsLoopbackHost(const std::string& host) {
  in_addr address{};
  if (inet_pton(AF_INET, host.c_str(), &address) == 1) {
    return host.starts_with("127.");
  }
  return host == "localhost" || host == "[::1]";
}

}  // namespace anchorage::anchors

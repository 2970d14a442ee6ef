#include "trustd/fleet/sender_address.h"

#include <cstddef>

namespace anchorage::trustd {
namespace {

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

IpAddress SenderAddress(const IpAddress& peer, std::string_view forwarded_for,
                        const AddressList& proxies) {
  IpAddress sender = peer;
  while (!forwarded_for.empty() && proxies.Contains(sender)) {
    const std::size_t comma = forwarded_for.rfind(',');
    const bool is_first = comma == std::string_view::npos;
    const auto before = IpAddress::Parse(
        Trimmed(is_first ? forwarded_for : forwarded_for.substr(comma + 1)));
    if (!before.has_value()) break;
    sender = *before;
    forwarded_for = is_first ? "" : forwarded_for.substr(0, comma);
  }
  return sender.Group();
}

}  // namespace anchorage::trustd

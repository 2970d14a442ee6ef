#include "trustd/net/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace anchorage::trustd {
namespace {

constexpr std::array<std::uint8_t, 12> kIpv4Prefix = {0, 0, 0, 0, 0,    0,
                                                      0, 0, 0, 0, 0xff, 0xff};
constexpr int kIpv4PrefixBits = 96;
constexpr std::size_t kGroupBytes = 8;

bool ParseNumber(std::string_view text, int most, int& number) {
  return !text.empty() && text.size() <= 5 &&
         text.find_first_not_of("0123456789") == text.npos &&
         absl::SimpleAtoi(absl::string_view(text.data(), text.size()),
                          &number) &&
         number <= most;
}

}  // namespace

std::optional<IpAddress> IpAddress::Of(const sockaddr_storage& address) {
  IpAddress result;
  if (address.ss_family == AF_INET) {
    std::copy(kIpv4Prefix.begin(), kIpv4Prefix.end(), result.bytes_.begin());
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(result.bytes_.data() + kIpv4Prefix.size(), &ipv4.sin_addr, 4);
    return result;
  }
  if (address.ss_family == AF_INET6) {
    const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::memcpy(result.bytes_.data(), &ipv6.sin6_addr, result.bytes_.size());
    return result;
  }
  return std::nullopt;
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  sockaddr_storage address{};
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(address);
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(address);
  if (::inet_pton(AF_INET, terminated.c_str(), &ipv4.sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else if (::inet_pton(AF_INET6, terminated.c_str(), &ipv6.sin6_addr) == 1) {
    address.ss_family = AF_INET6;
  }
  // A NUL within it would hide what follows.
  return terminated.size() == std::strlen(terminated.c_str()) ? Of(address)
                                                              : std::nullopt;
}

bool IpAddress::IsIpv4() const {
  return std::equal(kIpv4Prefix.begin(), kIpv4Prefix.end(), bytes_.begin());
}

IpAddress IpAddress::Loopback() {
  IpAddress loopback;
  loopback.bytes_.back() = 1;
  return loopback;
}

bool IpAddress::IsLoopback() const {
  if (IsIpv4()) return bytes_[kIpv4Prefix.size()] == 127;
  return *this == Loopback();
}

IpAddress IpAddress::Group() const {
  if (IsIpv4()) return *this;
  IpAddress group;
  std::copy_n(bytes_.begin(), kGroupBytes, group.bytes_.begin());
  return group;
}

bool IpAddress::SharesPrefix(const IpAddress& other, int bits) const {
  const int whole = bits / 8;
  if (!std::equal(bytes_.begin(), bytes_.begin() + whole,
                  other.bytes_.begin())) {
    return false;
  }
  const int rest = bits % 8;
  return rest == 0 ||
         (bytes_[whole] >> (8 - rest)) == (other.bytes_[whole] >> (8 - rest));
}

std::optional<Endpoint> Endpoint::Of(const sockaddr_storage& address) {
  const auto ip = IpAddress::Of(address);
  if (!ip.has_value()) return std::nullopt;
  const std::uint16_t port =
      address.ss_family == AF_INET
          ? reinterpret_cast<const sockaddr_in&>(address).sin_port
          : reinterpret_cast<const sockaddr_in6&>(address).sin6_port;
  return Endpoint{*ip, ntohs(port)};
}

std::optional<Endpoint> Endpoint::OfGrpcPeer(std::string_view peer) {
  if (!peer.starts_with("ipv4:") && !peer.starts_with("ipv6:")) {
    return std::nullopt;
  }
  peer.remove_prefix(5);
  const std::size_t colon = peer.rfind(':');
  int port = 0;
  if (colon == peer.npos || !ParseNumber(peer.substr(colon + 1), 65535, port)) {
    return std::nullopt;
  }
  std::string host =
      absl::StrReplaceAll(absl::string_view(peer.data(), colon),
                          {{"%5B", ""}, {"%5D", ""}, {"[", ""}, {"]", ""}});
  // A link-local address names its interface, as "%25eth0".
  host = host.substr(0, host.find('%'));
  const auto address = IpAddress::Parse(host);
  if (!address.has_value()) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(port)};
}

absl::StatusOr<AddressList> AddressList::Parse(
    const std::vector<std::string>& texts) {
  AddressList list;
  for (const std::string& text : texts) {
    const std::size_t slash = text.find('/');
    const auto address = IpAddress::Parse(text.substr(0, slash));
    const int most =
        address.has_value() && address->IsIpv4() && text.find(':') == text.npos
            ? 32
            : 128;
    int bits = most;
    if (!address.has_value() ||
        (slash != text.npos &&
         !ParseNumber(std::string_view(text).substr(slash + 1), most, bits))) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", text, "' is no address and no network"));
    }
    list.networks_.push_back(
        {*address, most == 32 ? bits + kIpv4PrefixBits : bits});
  }
  return list;
}

bool AddressList::Contains(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const Network& network) {
                       return address.SharesPrefix(network.first, network.bits);
                     });
}

}  // namespace anchorage::trustd

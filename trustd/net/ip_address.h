// Addresses of peers, as limits count them: an IPv4 address is one peer, and so
// is an IPv6 /64, since whoever has one address of it has them all.

#ifndef ANCHORAGE_TRUSTD_NET_IP_ADDRESS_H_
#define ANCHORAGE_TRUSTD_NET_IP_ADDRESS_H_

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace anchorage::trustd {

class IpAddress {
 public:
  // The unspecified address.
  IpAddress() = default;

  // nullopt for another family.
  static std::optional<IpAddress> Of(const sockaddr_storage& address);
  // Reads a numeric address without a port, such as 192.0.2.1 or 2001:db8::1.
  static std::optional<IpAddress> Parse(std::string_view text);

  // ::1.
  static IpAddress Loopback();

  bool IsIpv4() const;
  bool IsLoopback() const;

  // As IPv6 has it: of IPv4 ::ffff:a.b.c.d.
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

  // Returns what limits count as one peer: an IPv4 address, or an IPv6 address
  // with its last 64 bits zero.
  IpAddress Group() const;

  // Whether the first `bits` bits are those of `other`: 0 to 128, which for
  // IPv4 is 96 more than people write.
  bool SharesPrefix(const IpAddress& other, int bits) const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& address) {
    return H::combine(std::move(h), address.bytes_);
  }

 private:
  // An IPv4 address as IPv6 has it, ::ffff:a.b.c.d.
  std::array<std::uint8_t, 16> bytes_{};
};

// One end of a connection.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  static std::optional<Endpoint> Of(const sockaddr_storage& address);
  // Reads gRPC's name of a peer: "ipv4:192.0.2.1:80" or
  // "ipv6:%5B2001:db8::1%5D:80".
  static std::optional<Endpoint> OfGrpcPeer(std::string_view peer);

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const Endpoint& endpoint) {
    return H::combine(std::move(h), endpoint.address, endpoint.port);
  }
};

// A list of addresses and networks.
class AddressList {
 public:
  // Each is an address, or a network such as 192.0.2.0/24 or 2001:db8::/32.
  // Fails with INVALID_ARGUMENT and names the one that is neither.
  static absl::StatusOr<AddressList> Parse(
      const std::vector<std::string>& texts);

  bool Contains(const IpAddress& address) const;

  friend bool operator==(const AddressList&, const AddressList&) = default;

 private:
  struct Network {
    IpAddress first;
    int bits = 128;

    friend bool operator==(const Network&, const Network&) = default;
  };

  std::vector<Network> networks_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_NET_IP_ADDRESS_H_

// Whose report it is: the address that a limit and a count are for.

#ifndef ANCHORAGE_TRUSTD_FLEET_SENDER_ADDRESS_H_
#define ANCHORAGE_TRUSTD_FLEET_SENDER_ADDRESS_H_

#include <string_view>

#include "trustd/net/ip_address.h"

namespace anchorage::trustd {

// Returns the address of the sender, of IPv6 its /64 (IpAddress::Group()):
// `peer`, unless that is one of `proxies`. Then it is the last address in
// `forwarded_for`, the value of X-Forwarded-For, that is no proxy: what stands
// before that one is what the sender says of itself, and anybody can write it.
// Where an entry is no numeric address, or there is none, the proxy that is
// responsible for it is the sender. Pure.
//
// The loopback interface is no exception here: a proxy on this machine has to
// be among `proxies` like any other.
IpAddress SenderAddress(const IpAddress& peer, std::string_view forwarded_for,
                        const AddressList& proxies);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_SENDER_ADDRESS_H_

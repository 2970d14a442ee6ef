// How many file descriptors this process may have.

#ifndef ANCHORAGE_TRUSTD_NET_DESCRIPTORS_H_
#define ANCHORAGE_TRUSTD_NET_DESCRIPTORS_H_

#include <cstdint>

namespace anchorage::trustd {

// Raises the soft limit of descriptors to the hard one, and returns the
// resulting soft limit.
std::int64_t RaiseDescriptorLimit();

// Returns how many of `wanted` connections fit into `descriptors`, if each
// connection takes `each` and `reserved` are for other things; at least 8.
int FitConnections(int wanted, int each, std::int64_t descriptors,
                   std::int64_t reserved);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_NET_DESCRIPTORS_H_

#include "trustd/net/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace anchorage::trustd {
namespace {

// The kernel's own limit by default, for a process without one.
constexpr std::int64_t kMostDescriptors = 1 << 20;
constexpr std::int64_t kFewest = 8;

}  // namespace

std::int64_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised = {limit.rlim_max, limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  if (limit.rlim_cur == RLIM_INFINITY) return kMostDescriptors;
  return std::min<std::int64_t>(static_cast<std::int64_t>(limit.rlim_cur),
                                kMostDescriptors);
}

int FitConnections(int wanted, int each, std::int64_t descriptors,
                   std::int64_t reserved) {
  return static_cast<int>(
      std::clamp<std::int64_t>((descriptors - reserved) / each, kFewest,
                               std::max<std::int64_t>(wanted, kFewest)));
}

}  // namespace anchorage::trustd

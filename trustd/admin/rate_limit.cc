#include "trustd/admin/rate_limit.h"

#include <algorithm>

namespace anchorage::trustd {

bool RateLimit::Take(const std::string& name, absl::Duration now) {
  const absl::MutexLock lock(&mutex_);
  absl::Duration& full_at =
      full_at_.try_emplace(name, -absl::InfiniteDuration()).first->second;
  const absl::Duration next = std::max(full_at, now) + options_.refill;
  if (next > now + options_.burst * options_.refill) return false;
  full_at = next;
  return true;
}

}  // namespace anchorage::trustd

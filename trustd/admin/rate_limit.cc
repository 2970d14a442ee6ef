#include "trustd/admin/rate_limit.h"

#include <algorithm>
#include <cstddef>

namespace anchorage::trustd {
namespace {

// From so many names on, those are forgotten whose bucket is full again.
constexpr std::size_t kManyNames = 256;

}  // namespace

bool RateLimit::Take(const std::string& name, absl::Duration now) {
  const absl::MutexLock lock(&mutex_);
  if (full_at_.size() >= kManyNames) {
    absl::erase_if(full_at_,
                   [&](const auto& entry) { return entry.second <= now; });
  }
  absl::Duration& full_at =
      full_at_.try_emplace(name, -absl::InfiniteDuration()).first->second;
  const absl::Duration next = std::max(full_at, now) + options_.refill;
  if (next > now + options_.burst * options_.refill) return false;
  full_at = next;
  return true;
}

}  // namespace anchorage::trustd

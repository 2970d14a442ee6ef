#include "trustd/fleet/sender_limit.h"

#include <algorithm>

namespace anchorage::trustd {

SenderLimit::SenderLimit() : groups_(std::size_t{1} << kGroupBits) {}

absl::Duration SenderLimit::Take(std::uint64_t sender, absl::Duration now) {
  Group& group = groups_[sender >> (64 - kGroupBits)];
  auto bucket =
      std::find_if(group.begin(), group.end(),
                   [&](const Bucket& one) { return one.sender == sender; });
  if (bucket == group.end()) {
    bucket = std::min_element(
        group.begin(), group.end(),
        [](const Bucket& a, const Bucket& b) { return a.full_at < b.full_at; });
    *bucket = {.sender = sender};
  }
  const absl::Duration full_at = std::max(bucket->full_at, now) + kRefill;
  const absl::Duration wait = full_at - (now + kBurst * kRefill);
  if (wait > absl::ZeroDuration()) return wait;
  bucket->full_at = full_at;
  return absl::ZeroDuration();
}

}  // namespace anchorage::trustd

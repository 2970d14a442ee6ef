// How often each sender may report: a bucket of tokens for each, in memory that
// is bounded, whoever sends.
//
//   SenderLimit limit;
//   if (limit.Take(sender, SteadyNow()) > absl::ZeroDuration()) return TooMany();
//
// Only senders that have taken a token lately are remembered, 262,144 at a
// time, in 6 MiB. Where there are more, one is forgotten, which may then report
// sooner than it should: no sender keeps another out. The time is of the steady
// clock. Not thread-safe.

#ifndef ANCHORAGE_TRUSTD_FLEET_SENDER_LIMIT_H_
#define ANCHORAGE_TRUSTD_FLEET_SENDER_LIMIT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace anchorage::trustd {

class SenderLimit {
 public:
  static constexpr int kBurst = 5;
  static constexpr absl::Duration kRefill = absl::Minutes(1);

  SenderLimit();

  // Takes a token of `sender`. Returns how long to wait where it has none, and
  // otherwise zero.
  absl::Duration Take(std::uint64_t sender, absl::Duration now);

 private:
  struct Bucket {
    std::uint64_t sender = 0;
    // When it is full again.
    absl::Duration full_at = -absl::InfiniteDuration();
  };
  // The senders whose hashes begin the same share these.
  using Group = std::array<Bucket, 4>;

  static constexpr int kGroupBits = 16;

  std::vector<Group> groups_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_SENDER_LIMIT_H_

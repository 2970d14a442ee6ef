// Callers who say that they have a newer timestamp than ours: when to tell
// people.

#ifndef ANCHORAGE_TRUSTD_PUBLISH_TIMESTAMP_CLAIMS_H_
#define ANCHORAGE_TRUSTD_PUBLISH_TIMESTAMP_CLAIMS_H_

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace anchorage::trustd {

// A client asks first without its timestamp, and shows it when it has seen that
// ours is older: only who does not is told of. Anybody can claim, so it is told
// at most once a day. Times are of the steady clock. One thread at a time.
class TimestampClaims {
 public:
  static constexpr absl::Duration kPatience = absl::Seconds(10);
  static constexpr absl::Duration kInterval = absl::Hours(24);

  // Somebody says so.
  void Claimed(std::uint64_t version, absl::Duration now) {
    if (!since_.has_value()) {
      since_ = now;
      version_ = version;
    }
    version_ = std::max(version_, version);
  }

  // Somebody has shown one.
  void Proved() { since_.reset(); }

  // The highest version that was claimed and not proved for kPatience, once;
  // nullopt for none.
  std::optional<std::uint64_t> Due(absl::Duration now) {
    if (!since_.has_value()) return std::nullopt;
    if (now - *since_ < kPatience) return std::nullopt;
    since_.reset();
    if (now - told_ < kInterval) return std::nullopt;
    told_ = now;
    return version_;
  }

 private:
  std::optional<absl::Duration> since_;
  std::uint64_t version_ = 0;
  absl::Duration told_ = -absl::InfiniteDuration();
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_TIMESTAMP_CLAIMS_H_

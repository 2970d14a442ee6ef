// A moment of the monotonic clock by which something must be done.

#ifndef ANCHORAGE_CLIENT_VALIDATE_DEADLINE_H_
#define ANCHORAGE_CLIENT_VALIDATE_DEADLINE_H_

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>

#include "absl/time/time.h"

namespace anchorage::client {

// A value; safe to copy.
class Deadline {
 public:
  static Deadline After(absl::Duration duration) {
    return Deadline(NowMs() + absl::ToInt64Milliseconds(duration));
  }

  bool HasPassed() const { return NowMs() >= at_ms_; }

  // Waits until one of the poll(2) `events` of `descriptor` happens, an error
  // of it too; returns false at the deadline.
  bool Await(int descriptor, short events) const {
    while (true) {
      const std::int64_t left = at_ms_ - NowMs();
      if (left <= 0) return false;
      pollfd waited{descriptor, events, 0};
      const int ready = ::poll(
          &waited, 1, static_cast<int>(std::min<std::int64_t>(left, INT_MAX)));
      if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
    }
  }

 private:
  explicit Deadline(std::int64_t at_ms) : at_ms_(at_ms) {}

  static std::int64_t NowMs() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  }

  std::int64_t at_ms_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_DEADLINE_H_

#include "test/support/set_clock.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace anchorage::test {
namespace {

std::atomic<std::int64_t> seconds_ahead = 0;

}  // namespace

void SetClockAhead(absl::Duration ahead) {
  seconds_ahead = absl::ToInt64Seconds(ahead);
}

}  // namespace anchorage::test

// In the place of the C library's, for all that is linked with a test.

extern "C" int gettimeofday(struct timeval* time, void* zone) noexcept {
  const long result = ::syscall(SYS_gettimeofday, time, zone);
  if (result == 0) time->tv_sec += anchorage::test::seconds_ahead;
  return static_cast<int>(result);
}

extern "C" int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
  const long result = ::syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) {
    time->tv_sec += anchorage::test::seconds_ahead;
  }
  return static_cast<int>(result);
}

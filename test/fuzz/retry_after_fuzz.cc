// Input: a Retry-After header.
// Holds for any bytes:
//   1. it says how long to wait, or nothing; never for ever, never a time that
//      is over;
//   2. a number is that many seconds, whatever time it is;
//   3. whatever it says, a client comes again within the bounds of its own.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client/http/http_fetcher.h"
#include "client/refresh_schedule.h"
#include "test/fuzz/fuzz.h"

namespace anchorage::test {
namespace {

using client::ParseRetryAfter;
using client::RefreshSchedule;

void Check(std::string_view text) {
  const absl::Time now = absl::FromUnixSeconds(784'111'777);
  const auto wait = ParseRetryAfter(text, now);
  if (!wait.has_value()) return;
  Require(*wait >= absl::ZeroDuration() && *wait < absl::InfiniteDuration(),
          "neither over nor for ever");
  if (text.find(':') == std::string_view::npos) {
    Require(ParseRetryAfter(text, now + absl::Hours(1)) == wait,
            "seconds are seconds");
  }
  RefreshSchedule schedule(absl::Hours(6));
  const absl::Duration pause = schedule.After(false, *wait, 0.5);
  Require(pause >= RefreshSchedule::kFirstRetry &&
              pause <= 1.2 * RefreshSchedule::kMaxRetryAfter,
          "within the client's bounds");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}

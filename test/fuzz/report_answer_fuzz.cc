// Input: what a server answers to a report, a ReportOutcomesResponse.
// Holds for any bytes:
//   1. what protobuf reads, too, says the same to both;
//   2. whatever it says, a client reports again within the bounds of its own.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "client/notify/report.h"
#include "proto/anchorage/v1/report_service.pb.h"
#include "test/fuzz/fuzz.h"

namespace anchorage::test {
namespace {

using namespace client;

void Check(std::string_view bytes) {
  const ReportAnswer answer = ParseReportAnswer(bytes);
  v1::ReportOutcomesResponse response;
  if (answer.status.ok() && response.ParseFromString(std::string(bytes))) {
    const absl::Duration wait = answer.wait.value_or(absl::ZeroDuration());
    // protobuf cuts the bits off that have no room.
    Require(
        wait == absl::Seconds(response.seconds_until_next()) ||
            wait == absl::Seconds(std::numeric_limits<std::uint32_t>::max()),
        "the same time");
  }
  const ReportOptions options;
  Reporter reporter(options, absl::ZeroDuration(), [] { return 0.5; });
  const absl::Duration now = reporter.due();
  Require(
      reporter.Take(now, {{.slot = {}, .reason = std::nullopt, .count = 1}}, 1)
          .has_value(),
      "there is a report");
  reporter.Ended(now, answer);
  const absl::Duration pause = reporter.due() - now;
  Require(pause >= options.interval && pause <= kLongestReportWait,
          "within the client's bounds");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}

// Input: a serialised ReportOutcomesRequest.
// Holds for any bytes:
//   1. what is a report is within the limits of its fields, and so is what is
//      read of it;
//   2. one sender is one sender, whatever it says and however often, and alone
//      is no failure of a fleet;
//   3. names that are made up make no rows, and no window is too long to show;
//   4. a POST is answered with 200 if and only if it is a report.

#include <cstddef>
#include <cstdint>
#include <string>

#include "anchors/wire/wire_scan.h"
#include "prometheus/registry.h"
#include "test/fuzz/fuzz.h"
#include "trustd/fleet/report_service.h"
#include "verify/reason.h"

namespace anchorage::test {
namespace {

using namespace trustd;

constexpr char kSlot[] = "aws/eu-west-1/iid-rsa2048";
constexpr std::size_t kSlots = 3;

bool HasForm(const std::string& text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-+._/") == std::string::npos;
}

void CheckWindow(const Report& report) {
  Window window({kSlot});
  window.Add(report, 1);
  v1::FleetWindow once;
  window.Describe(256, once);
  window.Add(report, 1);
  v1::FleetWindow twice;
  window.Describe(256, twice);
  Require(window.senders() == 1, "one sender");
  Require(window.Failing({}, 1).empty(), "one sender is no fleet");
  Require(once.rows_size() == twice.rows_size(), "nothing new, no new rows");
  Require(static_cast<std::size_t>(once.rows_size()) <=
              kSlots * (verify::AllReasons().size() + 2),
          "made-up names make no rows");
  for (const v1::FleetRow& row : twice.rows()) {
    Require(row.senders() == 1, "one sender in each row");
    Require(row.outcomes() >= 2 && row.outcomes() <= 128 * kMostOutcomes,
            "no more outcomes than a report may have");
  }
  Require(once.SerializeAsString().size() < 64 * 1024, "a window is short");
}

void Check(std::string_view bytes) {
  v1::ReportOutcomesRequest request;
  const bool is_message = anchors::ParseBounded(bytes, {}, request).ok();
  const auto report =
      is_message
          ? ReadReport(request)
          : absl::StatusOr<Report>(absl::InvalidArgumentError("no message"));
  if (report.ok()) {
    Require(HasForm(report->version, 32), "a version has a form");
    Require(report->outcomes.size() <= 64, "at most 64 entries");
    for (const ReportedOutcome& outcome : report->outcomes) {
      Require(HasForm(outcome.slot, 32 + 1 + 32 + 1 + 16), "so has a slot");
      Require(HasForm(outcome.reason, 63), "so has a reason");
      Require(outcome.count >= 1 && outcome.count <= kMostOutcomes,
              "a count is within its limits");
    }
    CheckWindow(*report);
  }
  prometheus::Registry registry;
  Fleet::Options options;
  options.slots = [] { return std::vector<std::string>{kSlot}; };
  Fleet fleet(options, registry);
  const PostAnswer answer = ReportRoute(&fleet).answer({.body = bytes});
  Require(answer.status == (report.ok() ? 200 : 400), "200 for a report alone");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}

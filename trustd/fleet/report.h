// A report as the windows count it: what report_service.proto says, within its
// limits.

#ifndef ANCHORAGE_TRUSTD_FLEET_REPORT_H_
#define ANCHORAGE_TRUSTD_FLEET_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/anchorage/v1/report_service.pb.h"

namespace anchorage::trustd {

// The longest serialised request.
inline constexpr std::size_t kMaxReportBytes = 16 * 1024;
// The most that one entry of a report counts.
inline constexpr std::uint64_t kMostOutcomes = 1'000'000'000;

// The slot of evidence that names neither a partition nor a region.
inline constexpr std::string_view kUnreadSlot = "unread";
// The reason of what was accepted.
inline constexpr std::string_view kAccepted = "ACCEPTED";

// How often evidence of one slot had one outcome.
struct ReportedOutcome {
  // As verify::ToString() has it, "-" for a kind that is not known; or
  // kUnreadSlot. Not necessarily a slot that there is.
  std::string slot;
  // The name of a reason, of ours or not, or kAccepted.
  std::string reason;
  // 1 to kMostOutcomes.
  std::uint64_t count = 0;
};

struct Report {
  std::string version;
  std::uint64_t sequence = 0;
  std::vector<ReportedOutcome> outcomes;
};

// Fails with INVALID_ARGUMENT for what exceeds a limit of its field. Pure.
absl::StatusOr<Report> ReadReport(const v1::ReportOutcomesRequest& request);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_REPORT_H_

#include "trustd/fleet/report.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "anchors/catalog_proto.h"
#include "verify/anchor_set.h"
#include "verify/partition.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxNameBytes = 32;
constexpr std::size_t kMaxReasonBytes = 63;
constexpr int kMostCounts = 64;
constexpr std::uint32_t kMostSeconds = 7 * 24 * 60 * 60;
constexpr std::uint64_t kMostSampled = 1'000'000;

bool IsVersion(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' ||
         c == '+' || c == '-';
}

bool IsName(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_islower(byte) || absl::ascii_isdigit(byte) || c == '-';
}

bool IsReason(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isupper(byte) || absl::ascii_isdigit(byte) || c == '_';
}

bool Is(const std::string& text, std::size_t most, bool (*form)(char)) {
  return text.size() <= most && std::all_of(text.begin(), text.end(), form);
}

absl::Status Invalid(const char* field) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", field, "' is not within its limits"));
}

std::string SlotOf(const v1::OutcomeCount& count) {
  if (count.partition().empty() && count.region().empty()) {
    return std::string(kUnreadSlot);
  }
  v1::Slot message;
  message.set_partition(count.partition());
  if (count.partition().empty()) {
    message.set_partition(
        std::string(verify::PartitionOfRegion(count.region())));
  }
  // One root is for all regions of a partition.
  if (count.kind() != v1::ANCHOR_KIND_NITRO_ROOT) {
    message.set_region(count.region());
  }
  message.set_kind(count.kind());
  const auto slot = anchors::SlotFromProto(message);
  return slot.has_value()
             ? verify::ToString(*slot)
             : absl::StrCat(message.partition(), "/", message.region(), "/-");
}

}  // namespace

absl::StatusOr<Report> ReadReport(const v1::ReportOutcomesRequest& request) {
  Report report;
  report.version = request.library_version();
  report.sequence = request.bundle_sequence();
  if (report.version.empty() || !Is(report.version, kMaxNameBytes, IsVersion)) {
    return Invalid("library_version");
  }
  if (request.seconds() > kMostSeconds) return Invalid("seconds");
  if (request.sampled_one_in() > kMostSampled) {
    return Invalid("sampled_one_in");
  }
  if (request.counts_size() > kMostCounts) return Invalid("counts");
  const std::uint64_t factor =
      std::max<std::uint64_t>(request.sampled_one_in(), 1);
  for (const v1::OutcomeCount& count : request.counts()) {
    if (!Is(count.partition(), kMaxNameBytes, IsName)) {
      return Invalid("partition");
    }
    if (!Is(count.region(), kMaxNameBytes, IsName)) return Invalid("region");
    if (!Is(count.reason(), kMaxReasonBytes, IsReason)) {
      return Invalid("reason");
    }
    if (count.count() == 0) return Invalid("count");
    report.outcomes.push_back(
        {.slot = SlotOf(count),
         .reason =
             count.reason().empty() ? std::string(kAccepted) : count.reason(),
         // The product of the two least is far below 2^64.
         .count = std::min(std::min(count.count(), kMostOutcomes) * factor,
                           kMostOutcomes)});
  }
  return report;
}

}  // namespace anchorage::trustd

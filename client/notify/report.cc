#include "client/notify/report.h"

#include <algorithm>
#include <limits>

#include "anchors/base/steady_clock.h"
#include "anchors/base/version.h"
#include "anchors/wire/wire_field.h"

namespace anchorage::client {
namespace {

using anchors::PutBytes;
using anchors::PutVarint;

constexpr absl::Duration kShortestWait = absl::Minutes(1);
constexpr std::uint32_t kMaxSample = 1'000'000;

// The numbers of report_service.proto.
enum RequestField : std::uint32_t {
  kLibraryVersion = 1,
  kBundleSequence = 2,
  kSeconds = 3,
  kSampledOneIn = 4,
  kCounts = 5,
};
enum CountField : std::uint32_t {
  kPartition = 1,
  kRegion = 2,
  kKind = 3,
  kReason = 4,
  kCount = 5,
};
enum ResponseField : std::uint32_t { kSecondsUntilNext = 1 };

// As proto3 has it, empty and zero are absent.
void PutText(std::uint32_t field, std::string_view text, std::string& out) {
  if (!text.empty()) PutBytes(field, text, out);
}
void PutNumber(std::uint32_t field, std::uint64_t number, std::string& out) {
  if (number != 0) PutVarint(field, number, out);
}

std::string SerializeCount(const OutcomeCount& each) {
  std::string out;
  PutText(kPartition, each.slot.partition, out);
  PutText(kRegion, each.slot.region, out);
  // AnchorKind of catalog.proto has the same order, from 1.
  PutNumber(kKind, static_cast<std::uint64_t>(each.slot.kind) + 1, out);
  if (each.reason.has_value()) {
    PutText(kReason, verify::NameOf(*each.reason), out);
  }
  PutNumber(kCount, each.count, out);
  return out;
}

}  // namespace

std::string Serialize(const OutcomeReport& report) {
  std::string out;
  PutText(kLibraryVersion, anchors::kVersion, out);
  PutNumber(kBundleSequence, report.sequence, out);
  PutNumber(kSeconds,
            static_cast<std::uint64_t>(absl::ToInt64Seconds(report.time)), out);
  PutNumber(kSampledOneIn, report.sampled_one_in, out);
  for (const OutcomeCount& each : report.counts) {
    PutBytes(kCounts, SerializeCount(each), out);
  }
  return out;
}

ReportAnswer ParseReportAnswer(std::string_view bytes) {
  ReportAnswer answer;
  while (!bytes.empty()) {
    anchors::WireField field;
    if (!anchors::TakeField(bytes, field)) {
      return {absl::UnavailableError("the answer to a report is no message")};
    }
    if (field.number != kSecondsUntilNext || !field.varint.has_value())
      continue;
    // What the message has no room for is as good as its largest number.
    answer.wait = absl::Seconds(std::min<std::uint64_t>(
        *field.varint, std::numeric_limits<std::uint32_t>::max()));
  }
  return answer;
}

ReportAnswer ReportSendersInTurn::Send(std::string_view report,
                                       absl::Duration timeout) {
  const absl::Duration end = anchors::SteadyNow() + timeout;
  ReportAnswer failure{absl::UnimplementedError("no server takes reports")};
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    const std::size_t here = (first_ + i) % senders_.size();
    const absl::Duration left = end - anchors::SteadyNow();
    if (left <= absl::ZeroDuration()) break;
    ReportAnswer answer = senders_[here]->Send(
        report, left / static_cast<std::int64_t>(senders_.size() - i));
    if (answer.status.ok()) first_ = here;
    if (answer.status.ok() || absl::IsResourceExhausted(answer.status)) {
      return answer;
    }
    if (absl::IsUnimplemented(failure.status)) failure = std::move(answer);
  }
  return failure;
}

absl::Status CheckReportOptions(const ReportOptions& options) {
  if (options.interval < kShortestWait ||
      options.interval > kLongestReportWait) {
    return absl::InvalidArgumentError(
        "the time between reports is from 1 minute to 1 day");
  }
  if (options.sample_one_in < 1 || options.sample_one_in > kMaxSample) {
    return absl::InvalidArgumentError(
        "of reports, one in 1 to one in 1,000,000 is sent");
  }
  return absl::OkStatus();
}

Reporter::Reporter(const ReportOptions& options, absl::Duration now,
                   std::function<double()> random)
    : options_(options),
      random_(std::move(random)),
      due_(now + options.interval * random_()),
      since_(now) {}

Reporter::Key Reporter::KeyOf(const OutcomeCount& each) {
  return {each.slot, each.reason};
}

void Reporter::Schedule(absl::Duration now, absl::Duration at_least) {
  due_ = now + std::max(options_.interval * (0.9 + 0.2 * random_()), at_least);
}

std::optional<OutcomeReport> Reporter::Take(
    absl::Duration now, const std::vector<OutcomeCount>& counted,
    std::uint64_t sequence) {
  if (now < due_) return std::nullopt;
  OutcomeReport report{
      .sequence = sequence,
      .time = std::clamp(now - since_, absl::Seconds(1), kMaxReportTime),
      .sampled_one_in = options_.sample_one_in,
      .counts = {}};
  // What did not fit is of the sample as what did.
  const bool is_sampled = has_more_ || random_() * options_.sample_one_in < 1;
  has_more_ = false;
  const auto first =
      static_cast<std::size_t>(std::find_if(counted.begin(), counted.end(),
                                            [this](const OutcomeCount& each) {
                                              return from_ <= KeyOf(each);
                                            }) -
                               counted.begin());
  for (std::size_t i = 0; i < counted.size(); ++i) {
    const OutcomeCount& each = counted[(first + i) % counted.size()];
    std::uint64_t& done = done_[KeyOf(each)];
    if (done == each.count) continue;
    if (report.counts.size() == kMaxReportCounts) {
      has_more_ = true;
      from_ = KeyOf(each);
      break;
    }
    const std::uint64_t before = std::exchange(done, each.count);
    if (!is_sampled) continue;
    report.counts.push_back(each);
    report.counts.back().count -= before;
  }
  if (!has_more_) since_ = now;
  // Until the answer is known.
  Schedule(now, absl::ZeroDuration());
  if (report.counts.empty()) return std::nullopt;
  return report;
}

void Reporter::Ended(absl::Duration now, const ReportAnswer& answer) {
  absl::Duration wait = answer.wait.value_or(kShortestWait);
  if (absl::IsUnimplemented(answer.status)) wait = kLongestReportWait;
  wait = std::clamp(wait, kShortestWait, kLongestReportWait);
  if (has_more_ && answer.status.ok()) {
    due_ = now + wait;
  } else {
    Schedule(now, wait);
  }
}

}  // namespace anchorage::client

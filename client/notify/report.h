// What a client reports to its trustd, if it is told to: how many verifications
// ended how. Never an account, an instance or an address.
//
//   Reporter reporter(options, now, random);
//   if (auto report = reporter.Take(now, counters.Snapshot(), sequence)) {
//     reporter.Ended(now, sender.Send(Serialize(*report), timeout));
//   }
//
// The wire form is that of proto/anchorage/v1/report_service.proto, written
// without protobuf.

#ifndef ANCHORAGE_CLIENT_NOTIFY_REPORT_H_
#define ANCHORAGE_CLIENT_NOTIFY_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/notify/counters.h"
#include "verify/anchor_set.h"
#include "verify/reason.h"

namespace anchorage::client {

// Limits of the wire form.
inline constexpr std::size_t kMaxReportCounts = 64;
inline constexpr absl::Duration kMaxReportTime = absl::Hours(7 * 24);
// The longest that a server may be left alone; so is one that takes no reports.
inline constexpr absl::Duration kLongestReportWait = absl::Hours(24);

struct OutcomeReport {
  // Of the set that was in use when the report was made.
  std::uint64_t sequence = 0;
  // In which the counts came together: at most kMaxReportTime.
  absl::Duration time;
  // Of so many like this one, one is sent; at least 1.
  std::uint32_t sampled_one_in = 1;
  // At most kMaxReportCounts, none of them zero.
  std::vector<OutcomeCount> counts;
};

// Returns the message ReportOutcomesRequest, with this library's version.
std::string Serialize(const OutcomeReport& report);

// How a server answered.
struct ReportAnswer {
  // UNIMPLEMENTED: it takes no reports.
  absl::Status status;
  // How long it wants to be left alone.
  std::optional<absl::Duration> wait = std::nullopt;
};

// Reads the message ReportOutcomesResponse.
ReportAnswer ParseReportAnswer(std::string_view bytes);

// Sends reports, one at a time.
class ReportSender {
 public:
  // One report takes no longer.
  static constexpr absl::Duration kTimeout = absl::Seconds(5);

  virtual ~ReportSender() = default;

  // Sends one serialised report, within `timeout`.
  virtual ReportAnswer Send(std::string_view report,
                            absl::Duration timeout) = 0;
};

// Several senders as one: sends to the first that takes the report, and begins
// with that the next time.
class ReportSendersInTurn final : public ReportSender {
 public:
  // `senders` outlive this; the time is that of anchors::SteadyNow().
  explicit ReportSendersInTurn(std::vector<ReportSender*> senders)
      : senders_(std::move(senders)) {}

  // One that wants fewer reports ends the turn. Of other failures, those of
  // senders that take no reports count least, and the first counts most.
  ReportAnswer Send(std::string_view report, absl::Duration timeout) override;

 private:
  const std::vector<ReportSender*> senders_;
  std::size_t first_ = 0;
};

struct ReportOptions {
  // Between two reports, up to a tenth more or less: from 1 minute to 1 day.
  absl::Duration interval = absl::Minutes(15);
  // Of so many reports one is sent, chosen by chance; the others' counts are
  // dropped. From 1 to 1,000,000.
  std::uint32_t sample_one_in = 1;
};

// INVALID_ARGUMENT for what is out of its bounds.
absl::Status CheckReportOptions(const ReportOptions& options);

// Decides what is reported, and when. A value without clock, thread or network;
// not thread-safe. Times are of a steady clock.
//
// A report that could not be sent is dropped: the next one comes soon enough,
// and none counts twice. Where there is more than fits into one report, the rest
// follows as soon as the server lets it.
class Reporter {
 public:
  // The first report is made after up to an interval, so that a fleet which
  // started together does not report together. `random` returns a number from 0
  // up to, but not, 1.
  Reporter(const ReportOptions& options, absl::Duration now,
           std::function<double()> random);

  // When Take() is to be called next.
  absl::Duration due() const { return due_; }

  // Returns the report that is due; nullopt where none is, where nothing was
  // counted, or where this one is not of the sample. `counted`: everything since
  // the start, as Counters::Snapshot() returns it.
  std::optional<OutcomeReport> Take(absl::Duration now,
                                    const std::vector<OutcomeCount>& counted,
                                    std::uint64_t sequence);

  // How the sending of what Take() returned ended. What the server asks for is
  // kept to between a minute and a day.
  void Ended(absl::Duration now, const ReportAnswer& answer);

 private:
  using Key = std::pair<verify::Slot, std::optional<verify::Reason>>;

  static Key KeyOf(const OutcomeCount& each);
  void Schedule(absl::Duration now, absl::Duration at_least);

  const ReportOptions options_;
  const std::function<double()> random_;
  absl::Duration due_;
  // Since when what was not reported has been counted.
  absl::Duration since_;
  // How much of each count was reported, or dropped.
  std::map<Key, std::uint64_t> done_;
  // What did not fit into a report comes first in the next one.
  bool has_more_ = false;
  Key from_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_NOTIFY_REPORT_H_

// What the reports of one window of time say, in memory that is bounded
// whoever sends them.
//
//   Window window(SlotsOf(catalog));
//   window.Add(report, sender);
//   for (const std::string& slot : window.Failing({.senders = 5, .percent = 1},
//                                                 window.senders())) ...
//
// A slot that the catalog does not have, and a reason that we do not have, are
// counted in one row, kOther: names that senders make up make nothing grow. So
// there are at most kMostRows rows of 4 KiB. Not thread-safe.

#ifndef ANCHORAGE_TRUSTD_FLEET_WINDOW_H_
#define ANCHORAGE_TRUSTD_FLEET_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "proto/anchorage/v1/audit_service.pb.h"
#include "trustd/fleet/report.h"
#include "trustd/fleet/sender_count.h"
#include "trustd/fleet/senders_by_value.h"

namespace anchorage::trustd {

// When the failures of a slot are those of a fleet.
struct FailureThreshold {
  // That many senders, and that many of a hundred.
  int senders = 5;
  int percent = 1;

  friend bool operator==(const FailureThreshold&,
                         const FailureThreshold&) = default;
};

class Window {
 public:
  static constexpr std::size_t kMostSlots = 512;
  static constexpr std::size_t kMostRows = 16'384;

  // Knows `slots`, as verify::ToString() has them, but no more than kMostSlots.
  explicit Window(const std::vector<std::string>& slots);

  void Add(const Report& report, std::uint64_t sender);

  // How many senders there were.
  std::uint64_t senders() const { return senders_.size(); }
  std::uint64_t reports() const { return reports_; }

  // Returns the slots in which as many senders as `threshold` says refuse what
  // may be genuine (MayRefuseGenuine()), of a fleet of `fleet` senders, in
  // order.
  std::vector<std::string> Failing(const FailureThreshold& threshold,
                                   std::uint64_t fleet) const;

  // Fills in all but the times and `alerted`: the `most_rows` rows with the
  // most senders, and as many failures as a message has room for.
  void Describe(std::size_t most_rows, v1::FleetWindow& message) const;

  // Returns what is known of the failures of a slot.
  v1::FleetFailure FailureOf(const std::string& slot) const;

 private:
  struct Row {
    SenderCount senders;
    std::uint64_t outcomes = 0;
  };
  // The senders that refuse what may be genuine in one slot.
  struct Failure {
    SenderCount senders;
    SendersByValue versions{8};
    SendersByValue sequences{8};
    SendersByValue reasons{8};
    // Of kOther alone: what it was called.
    SendersByValue names{8};
  };
  using Key = std::pair<std::string, std::string>;

  static void Describe(const std::string& slot, const Failure& failure,
                       v1::FleetFailure& message);

  absl::flat_hash_set<std::string> slots_;
  SenderCount senders_;
  std::uint64_t reports_ = 0;
  SendersByValue versions_{32};
  SendersByValue sequences_{32};
  // By slot and reason.
  absl::flat_hash_map<Key, Row> rows_;
  absl::flat_hash_map<std::string, Failure> failures_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_WINDOW_H_

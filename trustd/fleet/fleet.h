// What instances report of their verifications, by windows of time, and when
// that is an alert.
//
//   Fleet fleet(options, registry);
//   const Fleet::Answer answer = fleet.Take(peer, forwarded_for, request);
//   ...
//   for (Alert& alert : fleet.TakeAlerts()) Raise(std::move(alert));
//
// Nothing is decided by a report: anybody can send one. Everything is in memory
// alone. A sender's address is never kept: it is a hash with a random key that
// lives as long as its window, so nobody can find out later who reported, nor
// choose an address that collides with another's. Of 64 bits, because two of a
// million senders then have the same one in 1 of 37,000,000 windows.
//
// Bounded (README.md): Window for the window under way, SenderLimit, and what is
// kept of at most kMostKept windows before it. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_FLEET_FLEET_H_
#define ANCHORAGE_TRUSTD_FLEET_FLEET_H_

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "proto/anchorage/v1/audit_service.pb.h"
#include "proto/anchorage/v1/report_service.pb.h"
#include "trustd/alerts/alert.h"
#include "trustd/fleet/fleet_config.h"
#include "trustd/fleet/sender_limit.h"
#include "trustd/fleet/window.h"
#include "trustd/net/ip_address.h"

namespace anchorage::trustd {

class Fleet {
 public:
  // How many windows that are over are kept, and how many rows of each.
  static constexpr std::size_t kMostKept = 168;
  static constexpr std::size_t kMostRowsKept = 256;

  struct Options {
    FleetSettings settings;
    AddressList proxies;
    // The slots of the catalog, as verify::ToString() has them; called at the
    // beginning of each window.
    std::function<std::vector<std::string>()> slots;
    std::function<absl::Time()> clock = [] { return absl::Now(); };
    anchors::SteadyClock uptime = &anchors::SteadyNow;
  };

  // What became of a report.
  struct Answer {
    // OK, INVALID_ARGUMENT, or RESOURCE_EXHAUSTED for a sender that reports too
    // often.
    absl::Status status;
    // How many seconds the sender is to wait with its next report.
    std::uint32_t seconds_until_next = 0;
  };

  // `registry` gets the metrics, and must outlive this.
  Fleet(Options options, prometheus::Registry& registry);

  // Counts a report that came from `peer` and with `forwarded_for` as its
  // X-Forwarded-For.
  Answer Take(const IpAddress& peer, std::string_view forwarded_for,
              const v1::ReportOutcomesRequest& request);

  // Returns FLEET_FAILURES of each slot that has begun to fail since the last
  // call. Call it every few seconds.
  std::vector<Alert> TakeAlerts();

  // Returns at most `windows` windows, the one under way first.
  v1::GetFleetResponse Describe(std::size_t windows);

 private:
  using Key = std::array<unsigned char, 32>;

  static Key NewKey();
  std::uint64_t HashOf(const IpAddress& sender) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Begins another window if the time of the one under way is over.
  void Turn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Alerts of the slots that fail in a fleet of `fleet` senders, unless people
  // were alerted before.
  void Check(std::uint64_t fleet) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Alert AlertOf(const std::string& slot, std::uint64_t fleet) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::FleetWindow Describe() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Show(const v1::FleetWindow& window)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  absl::Mutex mutex_;
  Key key_ ABSL_GUARDED_BY(mutex_);
  SenderLimit limit_ ABSL_GUARDED_BY(mutex_);
  Window window_ ABSL_GUARDED_BY(mutex_);
  absl::Duration began_ ABSL_GUARDED_BY(mutex_);
  absl::Time began_at_ ABSL_GUARDED_BY(mutex_);
  // How many senders the window before had; nothing while that is not known.
  std::optional<std::uint64_t> senders_before_ ABSL_GUARDED_BY(mutex_);
  // The slots of which people were alerted, until a window passes without.
  std::set<std::string> failing_ ABSL_GUARDED_BY(mutex_);
  // Those that failed at any time of the window under way.
  std::set<std::string> failed_ ABSL_GUARDED_BY(mutex_);
  std::vector<Alert> alerts_ ABSL_GUARDED_BY(mutex_);
  // Serialised v1::FleetWindow, the newest first.
  std::deque<std::string> kept_ ABSL_GUARDED_BY(mutex_);
  prometheus::Family<prometheus::Gauge>& failing_senders_;
  // What is shown in `failing_senders_`.
  std::map<std::string, prometheus::Gauge*> shown_ ABSL_GUARDED_BY(mutex_);
  prometheus::Gauge& senders_;
  prometheus::Counter& counted_;
  prometheus::Counter& refused_;
  prometheus::Counter& limited_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_FLEET_H_

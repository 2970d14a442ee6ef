// Watches AWS's public list of regions for one that has no anchor: "launched,
// no certificate yet". Nothing is decided by it; people are alerted, because
// until there is an anchor every product refuses the region's instances.
//
//   auto watch = RegionWatch::Start(settings, pinned, clock);
//   for (Alert& alert : (*watch)->TakeAlerts()) ...

#ifndef ANCHORAGE_TRUSTD_REGIONS_REGION_WATCH_H_
#define ANCHORAGE_TRUSTD_REGIONS_REGION_WATCH_H_

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/alerts/alert.h"
#include "trustd/base/poll_times.h"
#include "trustd/sources/downloader.h"

namespace anchorage::trustd {

// How often people are told again of a region that has no anchor yet.
inline constexpr absl::Duration kBetweenRegionAlerts = absl::Hours(7 * 24);
// Of a folder, the most files that are read.
inline constexpr int kMaxRegionFiles = 64;
// Of a page or file.
inline constexpr std::size_t kMaxRegionListBytes = 4 * 1024 * 1024;

struct RegionWatchSettings {
  // One of the two is empty.
  std::string address;
  std::string path;
  std::set<std::string> ignored;
  PollTimes times;
  std::string ca_path;
  bool allow_loopback_http = false;

  friend bool operator==(const RegionWatchSettings&,
                         const RegionWatchSettings&) = default;
};

// Reads what the configuration says, and fills the defaults into it; `path` is
// its file's. Fails with INVALID_ARGUMENT.
absl::StatusOr<RegionWatchSettings> ReadRegionWatch(
    v1::RegionWatchConfig& proto, const std::string& path);

struct RegionWatchState {
  // The last look that gave a list; InfinitePast: none.
  absl::Time last_success = absl::InfinitePast();
  // Looks since then, all of which failed, and the last one's failure.
  std::uint64_t failures = 0;
  absl::Status last;
  // Listed, not ignored, and without an anchor.
  std::set<std::string> without;
};

// Thread-safe.
class RegionWatch {
 public:
  // The regions of the catalog that is served, each once.
  using Pinned = std::function<std::set<std::string>()>;
  using Clock = std::function<absl::Time()>;

  // Looks now, and from then on when it is time, on a thread of its own. Fails
  // as CurlDownloader::Create() and StartThread() do.
  // `registry`, which gets two metrics, must outlive the watch.
  static absl::StatusOr<std::unique_ptr<RegionWatch>> Start(
      RegionWatchSettings settings, Pinned pinned, Clock clock,
      prometheus::Registry& registry);

  // Without a thread, for tests; `downloader` may be null for a path.
  RegionWatch(RegionWatchSettings settings, Pinned pinned, Clock clock,
              anchors::SteadyClock uptime,
              std::unique_ptr<Downloader> downloader,
              prometheus::Registry& registry);
  // Stops within a second or so.
  ~RegionWatch();

  // One look. Fails as the downloader or the file system does, and with
  // FAILED_PRECONDITION for a list that lacks half of the regions that are
  // pinned: it is cut, or not a list of regions.
  absl::Status Look();

  // What people should be told since the last call.
  std::vector<Alert> TakeAlerts();
  // People could not be told of that region after all: the next look that lists
  // it alerts again.
  void NotTold(const std::string& region);

  RegionWatchState state() const;

 private:
  absl::StatusOr<std::string> Read() const;
  void Run();

  const RegionWatchSettings settings_;
  const Pinned pinned_;
  const Clock clock_;
  const anchors::SteadyClock uptime_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ =
      std::make_shared<std::atomic<bool>>(false);
  std::unique_ptr<Downloader> downloader_;
  prometheus::Gauge& last_success_;
  prometheus::Gauge& without_;
  mutable absl::Mutex mutex_;
  RegionWatchState state_ ABSL_GUARDED_BY(mutex_);
  // When people were last told of each region, by the steady clock.
  std::map<std::string, absl::Duration> told_ ABSL_GUARDED_BY(mutex_);
  std::vector<Alert> alerts_ ABSL_GUARDED_BY(mutex_);
  anchors::StopSignal stopping_;
  std::thread thread_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_REGIONS_REGION_WATCH_H_

// The network between a host and trustd: a client's transport, in memory and in
// virtual time, with whatever somebody on the way makes of it.

#ifndef ANCHORAGE_TEST_FLEET_NETWORK_H_
#define ANCHORAGE_TEST_FLEET_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/bundle.h"
#include "anchors/tuf/fetcher.h"
#include "client/transport.h"
#include "test/fleet/vendor.h"
#include "test/simulation/world.h"

namespace anchorage::fleet {

// What is between a host and trustd.
enum class Weather {
  // Nothing but what gets lost, and what is late.
  kFair,
  // Nothing comes through.
  kPartition,
  // Whatever is asked, the answer never ends.
  kStalled,
  // A server that has what trustd served at an earlier time: for ever that, or
  // that with the newest roots.
  kReplay,
  // A server that answers anything but what was asked: a login page, noise,
  // nothing, files that are cut, files of other names, or that there are none.
  kNonsense,
  // Newer roots come through and nothing else.
  kRootsAlone,
  // A server whose owner has no key, and one whose owner has what lay on
  // trustd's host; the roots are trustd's.
  kForger,
  kThief,
};
inline constexpr int kWeathers = 8;
std::string_view NameOf(Weather weather);

// How many requests and refreshes there were in each minute of a run.
class Load {
 public:
  void Add(std::int64_t minute) { ++counts_[minute]; }
  std::int64_t worst() const;
  // When that was.
  std::int64_t worst_minute() const;
  std::int64_t total() const;

 private:
  std::map<std::int64_t, std::int64_t> counts_;
};

// One host's way to trustd.
struct Line {
  Weather weather = Weather::kFair;
  // Of kReplay: which timestamp and root are the newest there.
  std::int64_t timestamp = 0;
  std::int64_t root = 0;
  // The highest of the vendor's roots that ever came through.
  std::int64_t roots_seen = 1;
  // Whether a timestamp of the thief's ever came through, whose version is ahead
  // of the vendor's.
  bool saw_thiefs_timestamp = false;
  // How long the refresh under way has taken.
  absl::Duration elapsed;
  bool was_counted = false;
};

// What every line leads to.
struct Network {
  Vendor& vendor;
  simulation::Dice& dice;
  // The longest that one call takes.
  absl::Duration timeout;
  std::int64_t minute = 0;
  Load requests = {};
  Load refreshes = {};
};

// `network` and `line` outlive it.
class LineTransport final : public client::Transport {
 public:
  LineTransport(Network& network, Line& line)
      : network_(network), line_(line) {}

  std::unique_ptr<anchors::tuf::Fetcher> Begin(
      const anchors::BundleVersions& have, std::string held_timestamp,
      absl::Duration time) override;
  void Cancel() override {}

 private:
  Network& network_;
  Line& line_;
};

}  // namespace anchorage::fleet

#endif  // ANCHORAGE_TEST_FLEET_NETWORK_H_

// One run of a fleet. Its events are in fleet.cc, what must hold of them in
// properties.cc.

#ifndef ANCHORAGE_TEST_FLEET_RUN_H_
#define ANCHORAGE_TEST_FLEET_RUN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "client/transport.h"
#include "client/trust_client.h"
#include "test/fleet/disk.h"
#include "test/fleet/fleet.h"
#include "test/fleet/network.h"
#include "test/fleet/vendor.h"
#include "test/simulation/world.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_policy.h"

namespace anchorage::fleet {

// A machine, and what is known of its client that the client need not know.
struct Host {
  int number = 0;
  // How wrong its clock is.
  absl::Duration skew;
  bool refuses_expired = false;
  bool has_vendors_baked = false;

  Line line;
  Disk disk;
  // Of Mutation::kGoesBack: what the disk was at the last restart.
  Disk old_disk;
  // Null while it is off.
  std::unique_ptr<client::TrustClient> client;
  // Events of an earlier client do not count.
  int start = 0;
  int weather_number = 0;

  // Since when nothing is between it and trustd; InfiniteFuture while something
  // is.
  absl::Time fair_since;
  // What it has seen REVOKED, the highest sequence that it had, and the one
  // that it must still know, adopted under that root; 0: none.
  KeySet revoked;
  std::uint64_t sequence = 0;
  std::uint64_t knows = 0;
  std::int64_t root = 1;
  // Since when it follows that root and has no bundle under it; InfiniteFuture
  // once it has.
  absl::Time bare_since = absl::InfiniteFuture();
  // Whether a file was damaged since the last good refresh.
  bool is_damaged = false;
  // Whether it took the thief's bundle, and has not come back since.
  bool is_led_away = false;

  // Whether its clock is good enough for a timestamp of some days, and for a
  // bundle of today.
  bool has_clock() const {
    return skew > -absl::Hours(24) && skew < absl::Hours(5 * 24);
  }
};

class Fleet {
 public:
  Fleet(const Options& options, Outcome& outcome);
  void Run();

  std::unique_ptr<client::Transport> OpenLine(const std::string& number);
  absl::Duration steady() const { return now_ - begin_; }

 private:
  enum class Kind { kAsk, kRestart, kBoot, kWeather };
  struct Event {
    absl::Time time;
    std::uint64_t order = 0;
    int host = 0;
    // The Host::start, or weather_number, for which it is meant.
    int meant_for = 0;
    Kind kind = Kind::kAsk;

    bool operator<(const Event& other) const {
      return std::tie(other.time, other.order) < std::tie(time, order);
    }
  };

  // --- events ---------------------------------------------------------------
  double Chance() { return dice_.Below(1 << 30) / double{1 << 30}; }
  // A span that is `mean` on average, as for what happens at any time.
  absl::Duration About(absl::Duration mean);
  void At(absl::Time time, Host& host, Kind kind);
  void Take(const Event& event);
  void Happens(Incident incident);
  void PowerCut();
  void TargetsRotate();
  void KeysAreStolen();
  void TrustdFails();
  void Recover();

  void Start(Host& host);
  void Stop(Host& host);
  void Ask(Host& host);
  absl::Duration FirstPause(const Host& host) const;
  absl::Duration PauseAfter(const client::RefreshResult& refresh) const;
  void Restart(Host& host, absl::Duration off);
  void SetWeather(Host& host, Weather weather, absl::Duration lasts);
  void ChangeWeather(Host& host);

  // --- properties -----------------------------------------------------------
  void Fail(std::string_view property, const Host& host,
            const std::string& what);
  void Say(const std::string& what);
  void Count(std::string_view what, std::uint64_t times = 1) {
    outcome_.counts[std::string(what)] += times;
  }
  absl::Time ClockOf(const Host& host) const;
  // What is known of a set's keys, by number.
  struct View {
    std::shared_ptr<const verify::AnchorSet> set;
    std::vector<std::pair<std::size_t, const verify::Anchor*>> anchors;
    KeySet revoked;
  };
  const View& ViewOf(const std::shared_ptr<const verify::AnchorSet>& set);
  KeySet Accepts(const View& view, absl::Time clock) const;
  // How long a publication may take.
  absl::Duration Bound() const;
  bool IsHeldBack(const Host& host) const;
  absl::Time ReachableSince(const Host& host) const;
  // All that must hold of a host at any time.
  void Check(Host& host);
  // After a refresh that went well.
  void CheckAdopted(Host& host);
  void CheckAll();
  void CheckDocuments(Host& host);
  void CheckDocument(Host& host, const verify::Slot& slot,
                     const test::TestKey& key);
  void CheckLoad();

  const Options& options_;
  Outcome& outcome_;
  simulation::Dice dice_;
  const absl::Time begin_;
  absl::Time now_;
  Vendor vendor_;
  absl::Time up_since_;
  // When trustd runs again, and the stolen keys are replaced.
  absl::Time up_again_ = absl::InfiniteFuture();
  absl::Time rekey_ = absl::InfiniteFuture();
  Network network_;
  const anchors::BakedBundle baked_by_build_;
  const anchors::BakedBundle baked_by_vendor_;
  const verify::IdentityPolicy policy_;
  std::vector<Host> hosts_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  std::map<const verify::Anchor*, View> views_;
};

}  // namespace anchorage::fleet

#endif  // ANCHORAGE_TEST_FLEET_RUN_H_

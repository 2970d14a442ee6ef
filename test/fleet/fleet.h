// A fleet of real clients through months of bad weather, in virtual time.
//
//   const Outcome outcome = RunFleet({.seed = 7, .clients = 300});
//   for (const auto& [property, failures] : outcome.failures) ...
//
// Every client is a TrustClient. Its clock, its way to trustd, its disk and its
// waiting are the simulation's; what it verifies, believes, keeps and forgets
// is its own. One seed is one run: the same, everywhere and each time.
//
//   GENUINE   nothing genuine is refused: what is signed by a key that AWS uses
//             and that trustd has published, once the client could have known
//             it; and what it has known it goes on accepting, whatever happens
//             to trustd, for as long as its configuration says
//   FALSE     nothing false is accepted: no key that AWS never had
//   REVOKED   what a client has once seen revoked it never accepts again, after
//             restarts and with a damaged disk either
//   SEQUENCE  the sequence never goes back
//   CONVERGE  whatever is published is everywhere in time, but where somebody
//             keeps it away
//   HERD      the fleet does not ask together
//   AGREE     real documents, verified by the client, get the verdict that its
//             anchors say
//
// A client that somebody with the stolen keys has led away is out of this count
// until it has followed the root that ends those keys; so is what a client knew
// whose whole disk was lost.

#ifndef ANCHORAGE_TEST_FLEET_FLEET_H_
#define ANCHORAGE_TEST_FLEET_FLEET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "absl/time/time.h"

namespace anchorage::fleet {

// What happens besides bad weather, restarts and an AWS that changes.
enum class Incident {
  kPowerCut,
  kAwsKeyTheft,
  kTargetsRotation,
  kPoisonedPage,
  kKeyTheft,
  kOutage,
};
std::string_view NameOf(Incident incident);
std::set<Incident> AllIncidents();

// Rules that a broken client, or a broken world, does not keep: for the test
// that shows that each property can fail.
enum class Mutation {
  kNone,
  // Refuses when its anchors are EXPIRED, though it was not told to.
  kRefusesExpired,
  // Takes any signature of metadata for a good one.
  kBelievesAnySignature,
  // Loses its disk at each restart.
  kForgets,
  // Has, at each restart, the disk that it had at the one before.
  kGoesBack,
  // Does not ask again soon after a failure, but much later.
  kNoRetry,
  // Asks exactly when the interval is over, and at once after a start.
  kNoJitter,
  // Takes any anchor for one that verifies: of the simulation's own reading.
  kMisread,
};

struct Options {
  std::uint64_t seed = 1;
  int clients = 300;
  absl::Duration span = absl::Hours(180 * 24);
  absl::Duration interval = absl::Hours(6);
  std::set<Incident> incidents = AllIncidents();
  Mutation mutation = Mutation::kNone;
  // Is told what happens, for people.
  std::function<void(const std::string&)> trace = nullptr;
};

struct Failures {
  std::uint64_t count = 0;
  // The first one.
  std::string first;
};

struct Outcome {
  // By property.
  std::map<std::string, Failures> failures;
  // How often what happened, so that nobody believes a run in which nothing
  // did.
  std::map<std::string, std::uint64_t> counts;
  // The longest that a publication took to a client that could have it.
  absl::Duration longest_to_converge;
  // How many refreshes and requests reached trustd in the worst minute, and
  // refreshes on average.
  std::int64_t worst_refreshes = 0;
  std::int64_t worst_requests = 0;
  double mean_refreshes = 0;

  bool ok() const { return failures.empty(); }
};

Outcome RunFleet(const Options& options);

}  // namespace anchorage::fleet

#endif  // ANCHORAGE_TEST_FLEET_FLEET_H_

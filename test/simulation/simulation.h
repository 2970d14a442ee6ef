// Years of a trustd in a minute: the pure core (trustd/mirror/core.h) is driven
// with random events, and what rules promise is checked after each.
//
//   const Outcome outcome = Simulate({.seed = 7, .steps = 1'000'000});
//   if (outcome.failure) ... outcome.failure->seed ...
//
// A run is made of worlds of a few hundred steps: an AWS that re-issues,
// re-keys, adds, removes and goes back; sources of which some are one family,
// one is an old copy and one may be in bad hands; people who approve what they
// should not; a clock that jumps; starts, with another configuration or without
// what was not committed; signatures that fail. Each ends in quiet days, after
// which everything genuine must verify and nothing may be open.
//
//   P1  what is in use is signed by its own key, and each step is one that
//       CheckSuccessor() allows
//   P2  without the people that it needs no key, status, window or decision
//       changes; what is published without people is shown by every source
//       that speaks for the slot, and every source was asked
//   P3  the record folded anew is the running book
//   P4  a slot changes without people once an hour and four times a day at most
//   P5  after quiet days, and people's answers, everything genuine verifies and
//       nothing is open
//   P6  in which order sources are asked changes nothing
//
// What P2 knows of approvals is kept apart from the core, after the rules and
// not after the code.

#ifndef ANCHORAGE_TEST_SIMULATION_SIMULATION_H_
#define ANCHORAGE_TEST_SIMULATION_SIMULATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace anchorage::simulation {

struct Failure {
  // Of the world: it alone, with this seed, fails again.
  std::uint64_t seed = 0;
  int step = 0;
  // Such as "P2".
  std::string property;
  std::string what;
};

struct Outcome {
  std::uint64_t steps = 0;
  std::uint64_t worlds = 0;
  // How often what happened, so that nobody believes a run in which nothing
  // did.
  std::map<std::string, std::uint64_t> counts;
  std::optional<Failure> failure;
};

struct Options {
  // Of the first world; the next has the next.
  std::uint64_t seed = 1;
  // Events before the quiet days of the last world.
  std::uint64_t steps = 2000;
  // Is told every step, for people.
  std::function<void(const std::string&)> trace = nullptr;
};

// Ends at the first failure.
Outcome Simulate(const Options& options);

}  // namespace anchorage::simulation

#endif  // ANCHORAGE_TEST_SIMULATION_SIMULATION_H_

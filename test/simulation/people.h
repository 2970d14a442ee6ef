// What people have said, after the rules and not after the code: the half of
// the simulation that knows what may happen.

#ifndef ANCHORAGE_TEST_SIMULATION_PEOPLE_H_
#define ANCHORAGE_TEST_SIMULATION_PEOPLE_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "verify/anchor_set.h"

namespace anchorage::simulation {

// The keys of a slot and all that is said of them, but for where they were
// found.
std::string TextOf(const anchors::Catalog& catalog, const verify::Slot& slot);

// Keys, statuses and windows of a slot, without certificates.
std::string KeysOf(const anchors::Catalog& catalog, const verify::Slot& slot);

// Certificates in use of a slot, by key that verifies; the SHA-256 of each.
std::set<std::string> InUse(const anchors::Catalog& catalog,
                            const verify::Slot& slot);

class People {
 public:
  // What a person saw of the rotation that they approved.
  struct Sight {
    verify::Slot slot;
    // TextOf() the slot.
    std::string before;
    absl::Duration overlap;
  };

  void Approved(std::uint64_t rotation, const std::string& by, Sight sight) {
    if (now_.count(by) != 0) approvals_[rotation][by] = std::move(sight);
    held_.erase(rotation);
  }
  // A hold or a rejection ends what was approved before it.
  void Held(std::uint64_t rotation) {
    approvals_.erase(rotation);
    held_.insert(rotation);
  }
  void Rejected(std::uint64_t rotation) {
    approvals_.erase(rotation);
    rejected_.insert(rotation);
  }
  // Who is not among them any more has approved nothing, for good.
  void Are(std::set<std::string> now);

  // What was approved of another state of the slot is void, for good.
  void Now(const Sight& sight);

  // How many have approved exactly what would happen to the slot.
  int For(std::uint64_t rotation, const Sight& sight) const;
  // Whether the last word of a person was no.
  bool AreAgainst(std::uint64_t rotation) const {
    return held_.count(rotation) != 0 || rejected_.count(rotation) != 0;
  }
  bool HaveRejected(std::uint64_t rotation) const {
    return rejected_.count(rotation) != 0;
  }
  bool HaveSpoken(std::uint64_t rotation) const {
    return AreAgainst(rotation) || approvals_.count(rotation) != 0;
  }

 private:
  std::set<std::string> now_;
  std::map<std::uint64_t, std::map<std::string, Sight>> approvals_;
  std::set<std::uint64_t> held_;
  std::set<std::uint64_t> rejected_;
};

}  // namespace anchorage::simulation

#endif  // ANCHORAGE_TEST_SIMULATION_PEOPLE_H_

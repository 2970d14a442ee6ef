// A fake AWS that changes over time, and what attackers make of its pages.

#ifndef ANCHORAGE_TEST_SIMULATION_WORLD_H_
#define ANCHORAGE_TEST_SIMULATION_WORLD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/keys.h"
#include "trustd/rotation/observation.h"
#include "verify/anchor_set.h"

namespace anchorage::simulation {

// The same numbers for the same seed, everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  int Below(int limit) {
    return static_cast<int>(engine_() % static_cast<std::uint64_t>(limit));
  }
  bool Percent(int chance) { return Below(100) < chance; }
  template <typename T>
  const T& Of(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(Below(static_cast<int>(from.size())))];
  }

 private:
  std::mt19937_64 engine_;
};

// The certificates of a page, by slot, in the order of the page.
using Page = std::vector<std::pair<verify::Slot, std::string>>;

class World {
 public:
  // Five slots: two share a key and a certificate.
  World(Dice& dice, absl::Time now);

  // The first catalog of a trustd.
  anchors::Catalog Catalog(absl::Time now) const;
  Page Genuine() const;
  // The slots that AWS has now, or had.
  std::vector<verify::Slot> Slots() const;

  // Does one thing that AWS may do; returns it in words.
  std::string Change(absl::Time now);
  // Gives a slot a key that nobody has seen, and every slot that shares its
  // certificate.
  void Rekey(const verify::Slot& slot, absl::Time now);

  // What a page becomes in bad hands; returns it in words. May add problems.
  std::string Attack(Page& page, std::vector<trustd::SourceProblem>& problems,
                     absl::Time now);

  // The certificate that AWS has in the slot; empty for none.
  std::string Current(const verify::Slot& slot) const;
  // Whether AWS has it there now.
  bool IsCurrent(const verify::Slot& slot, const std::string& der) const;
  // Whether AWS ever had that key there.
  bool WasKey(const verify::Slot& slot, const std::string& spki_sha256) const;
  // Whether another slot has, or had, a certificate of this one.
  bool IsShared(const verify::Slot& slot) const;
  // Whether its own key has not signed it.
  bool IsForged(const std::string& der) const {
    return forged_.count(der) != 0;
  }
  // What an instance shows: signed with the key that AWS has in the slot, or, if
  // it is not genuine, with another. nullopt for a slot of no instances.
  struct Evidence {
    v1::Evidence evidence;
    std::string spki_sha256;
  };
  std::optional<Evidence> Show(const verify::Slot& slot, bool is_genuine,
                               absl::Time now);
  // The same, signed with `key`.
  Evidence ShowSigned(const verify::Slot& slot, const test::TestKey& key,
                      absl::Time now);
  // The key of that name that AWS ever had in the slot; null for none.
  const test::TestKey* FindKey(const verify::Slot& slot,
                               const std::string& spki_sha256) const;
  // A certificate that somebody could bring for the slot.
  std::string AnyFor(const verify::Slot& slot, absl::Time now);

 private:
  const test::TestKey& NewKey(verify::AnchorKind kind);
  std::string Make(const verify::Slot& slot, const test::TestKey& key,
                   absl::Time begins, bool forged = false);
  std::string Malleated(const verify::Slot& slot);
  void Put(const verify::Slot& slot, const test::TestKey& key, std::string der);
  std::vector<verify::Slot> Sharing(const verify::Slot& slot) const;

  struct Held {
    const test::TestKey* key = nullptr;
    std::string der;
    absl::Time begins;
    int serial = 0;
  };

  Dice& dice_;
  const test::FakeIdentity aws_;
  std::map<verify::Slot, Held> now_;
  std::map<verify::Slot, std::vector<Held>> history_;
  std::set<std::string> forged_;
  std::map<verify::AnchorKind, int> keys_;
  int serial_ = 0;
};

// SHA-256 of a certificate's key, lower-case hex.
std::string KeyOf(const std::string& der);

}  // namespace anchorage::simulation

#endif  // ANCHORAGE_TEST_SIMULATION_WORLD_H_

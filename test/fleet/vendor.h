// The vendor and what lies before it: a fake AWS that changes, the pages that
// say so, a trustd's core that judges them, its people, and the repository that
// it signs. And a thief, who may hold the repository's online keys.

#ifndef ANCHORAGE_TEST_FLEET_VENDOR_H_
#define ANCHORAGE_TEST_FLEET_VENDOR_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "test/fake_aws/keys.h"
#include "test/simulation/world.h"
#include "test/support/repository_simulator.h"
#include "trustd/mirror/core.h"
#include "verify/anchor_set.h"

namespace anchorage::fleet {

inline constexpr absl::Duration kDay = absl::Hours(24);

// Keys, each in one slot, by number.
inline constexpr std::size_t kMostKeys = 512;
using KeySet = std::bitset<kMostKeys>;

// A catalog that was published.
struct Publication {
  absl::Time time;
  std::uint64_t sequence = 0;
  struct Key {
    std::size_t number = 0;
    absl::Time valid_from;
    absl::Time valid_until;
  };
  // Of the anchors that verify.
  std::vector<Key> keys;

  // Those that verify what is made, and shown, at `now`.
  KeySet UsableAt(absl::Time now) const;
};

class Vendor {
 public:
  // From this sequence on, a catalog is the thief's.
  static constexpr std::uint64_t kThiefs = 1'000'000;

  // The key of those who lie, and where they say that it is.
  static const test::TestKey& NobodysKey();
  static const verify::Slot& NobodysSlot();

  Vendor(std::uint64_t seed, absl::Time begin);

  // What every program is built with: as part of the library, or as a vendor
  // has it, from the repository.
  anchors::BakedBundle BakedByBuild() const;
  anchors::BakedBundle BakedByVendor() const;
  std::string FirstRoot() const { return repository_.published("root", 1); }

  // Whether trustd runs: otherwise nothing is asked, signed or served.
  bool is_up() const { return is_up_; }
  void SetUp(bool is_up, absl::Time now);

  // One hour of trustd: sources are asked, people answer what waits, and what
  // expires is signed anew.
  void Hour(absl::Time now);

  // AWS does one thing; returns it in words.
  std::string AwsChanges(absl::Time now);
  // From now on, for three days, the page says what somebody else wants.
  std::string PoisonPage(absl::Time now);
  // A key of AWS is stolen, AWS uses another from now on, and the vendor's
  // people revoke the stolen one once the new one is published.
  std::string AwsKeyIsStolen(absl::Time now);
  // New keys for the targets, in the way of an ordinary ceremony: the targets
  // are signed anew by them alone.
  void RotateTargets(absl::Time now);
  // Somebody copies the keys that lie on trustd's host, and signs with them.
  void KeysAreStolen(absl::Time now);
  // Every key that was on that host is replaced.
  void Rekey(absl::Time now);

  // --- what is served ------------------------------------------------------

  using Files = std::map<std::string, std::string, std::less<>>;
  const Files& metadata() const { return repository_.metadata; }
  const Files& targets() const { return repository_.files; }
  // What the thief serves; null while there is none.
  const anchors::tuf::RepositorySimulator* thief() const {
    return thief_.get();
  }
  bool ThiefSignsTargets() const { return thief_ != nullptr && !is_offline_; }
  // Somebody without any key: catalogs of their own under the ids of the real
  // keys.
  const anchors::tuf::RepositorySimulator& forger();

  std::int64_t root_version() const { return repository_.root.version; }
  std::int64_t timestamp_version() const {
    return repository_.timestamp.version;
  }
  // The first root without the stolen keys; none: far away.
  std::int64_t rekey_root() const { return rekey_root_; }

  // --- what is true ----------------------------------------------------------

  std::size_t NumberOf(const verify::Slot& slot,
                       const std::string& spki_sha256);
  const std::vector<Publication>& publications() const { return publications_; }
  std::uint64_t sequence() const { return publications_.back().sequence; }
  const Publication& publication(std::uint64_t sequence) const {
    return publications_.at(static_cast<std::size_t>(sequence - 1));
  }
  // All that ever had a number.
  std::vector<std::pair<verify::Slot, std::string>> Keys() const;
  // The keys that AWS uses now, has ever used, and that people have revoked.
  const KeySet& current() const { return current_; }
  const KeySet& ever() const { return ever_; }
  const KeySet& revoked() const { return revoked_; }
  // Those that AWS uses now and that every catalog since then, and the one
  // before, lets verify what is made at `made`.
  KeySet PublishedSince(absl::Time time, absl::Time made) const;

  simulation::World& world() { return world_; }

 private:
  bool Take(const trustd::Event& event);
  void Publish();
  void Sign(const std::vector<std::string>& roles);
  void SetExpiries();
  void GiveTargetsKeys();
  void NoteAws();
  void AskSources();
  void PeopleAnswer();
  void RevokeWhatWasStolen();
  bool BringsGenuine(const trustd::RotationBook::Entry& entry) const;

  simulation::Dice dice_;
  simulation::World world_;
  absl::Time begin_;
  absl::Time now_;

  // trustd, without its shell.
  trustd::State state_;
  trustd::Moment moment_;
  trustd::CoreOptions options_;
  bool is_up_ = true;
  std::optional<std::pair<simulation::Page, absl::Time>> poison_;
  // When people get to an open rotation.
  std::map<std::uint64_t, absl::Time> answers_;
  std::vector<std::pair<verify::Slot, std::string>> stolen_;

  // Whether people sign the targets, two of three of them, elsewhere.
  bool is_offline_;
  anchors::tuf::RepositorySimulator repository_;
  absl::Time signed_;
  std::unique_ptr<anchors::tuf::RepositorySimulator> thief_;
  std::unique_ptr<anchors::tuf::RepositorySimulator> forger_;
  std::int64_t forged_of_ = 0;
  std::int64_t rekey_root_ = INT64_MAX;

  std::map<std::pair<verify::Slot, std::string>, std::size_t> numbers_;
  std::vector<Publication> publications_;
  KeySet current_;
  KeySet ever_;
  KeySet revoked_;
};

}  // namespace anchorage::fleet

#endif  // ANCHORAGE_TEST_FLEET_VENDOR_H_

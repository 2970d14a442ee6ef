// The pure half of the mirror: what follows from an event.
//
//   auto outcome = Decide(state, moment, event, at, options);
//   // on the record: outcome->draft.records(), with outcome->publish
//   // then: state and moment are what the outcome says
//
// Decide() judges, and folds each fact that it makes into the book; a start
// folds the same facts from the record and judges nothing, so both come to the
// same book. Nothing here has a lock, a clock, a store or a thread. All that one
// event leads to is one outcome: it goes on the record, with what is published,
// in one commit.

#ifndef ANCHORAGE_TRUSTD_MIRROR_CORE_H_
#define ANCHORAGE_TRUSTD_MIRROR_CORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/mirror/draft.h"
#include "trustd/mirror/rotation_config.h"
#include "trustd/record/rotation_book.h"
#include "trustd/rotation/classifier.h"
#include "trustd/rotation/gate.h"
#include "trustd/rotation/observation.h"
#include "verify/anchor_set.h"

namespace anchorage::trustd {

// Longest reason that a person gives, in bytes, and the most proofs that are
// kept of one rotation.
inline constexpr std::size_t kMaxWhyBytes = 1000;
inline constexpr int kMaxLiveProofs = 100;
// A rotation that is re-based is one record again, with all its proofs and
// decisions. Were it longer than a record may be, nothing that touches its slot
// could be decided any more, a revocation either: proofs are taken up to this
// size of the whole, and so many decisions, of one person and of all. A
// rejection always is.
inline constexpr std::size_t kMaxRotationBytes = 512 * 1024;
inline constexpr int kMaxDecisionsEach = 20;
inline constexpr int kMaxDecisions = 200;
// Document and signature together.
inline constexpr std::size_t kMaxEvidenceBytes = 64 * 1024;

struct CoreOptions {
  bool offline = false;
  RotationOptions rotations;
  // After how long an open rotation is alerted of again.
  absl::Duration held_too_long = absl::Hours(24);
  // Names of those who may decide: approvals of others do not count.
  std::set<std::string> people;
};

// What is served, as far as decisions need it.
struct Served {
  std::shared_ptr<const anchors::Catalog> catalog;
  // Of its text, lower-case hex.
  std::string catalog_sha256;
  // Above every one that clients may know.
  std::uint64_t next_sequence = 0;
  std::uint64_t targets_version = 0;
  // Of the list of releases; 0 for none.
  std::uint64_t releases_sequence = 0;
  absl::Time releases_created;
};

// What a start finds again: the record, folded, and what is served.
struct State {
  RotationBook book;
  Served served;
  // How many records there are.
  std::uint64_t records = 0;
};

// What is not on the record and empty after a start. It changes no decision but
// to delay it, until the sources have been asked again.
struct Moment {
  // The newest look of each source.
  std::map<std::string, std::shared_ptr<const Observation>> newest;
  // The enabled sources, each with the name of its family: sources of which one
  // is fed by another count once. nullopt: not known yet, and nothing is
  // published without people.
  std::optional<std::map<std::string, std::string>> sources;
  // Those that answered or failed since the start.
  std::set<std::string> asked;
  // Whether the book is what the record says, and not only what a checkpoint
  // says that it says: until then nothing comes into use.
  bool record_checked = true;
  std::map<std::string, v1::SourceHealth> health;
  // What a source's newest look means against a catalog, by its hash.
  struct Compared {
    std::string catalog_sha256;
    std::shared_ptr<const Classification> found;
  };
  std::map<std::string, Compared> compared;
  // The catalog that what approvals are of was last computed from.
  std::string refreshed;
  // When each slot was changed without people, by the steady clock.
  std::map<verify::Slot, std::vector<absl::Duration>> automatic;
  // Of each source, how many changes were found in slots in which nothing is
  // pinned, and since when that is counted, by the steady clock.
  struct NewSlots {
    absl::Duration since;
    int found = 0;
  };
  std::map<std::string, NewSlots> new_slots;
  // When each rotation was first seen, by the steady clock.
  std::map<std::uint64_t, absl::Duration> seen;
  // How many proofs of an unknown signer a rotation was tried with.
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> tried;
  // The catalog that an unknown signer was last looked for in.
  std::map<std::uint64_t, std::string> signers_checked;
  std::set<std::uint64_t> alerted_holds;
  // Files whose dates people were told of.
  std::set<std::string> dates_told;
};

// What a start goes on with. What was done before it counts as done no longer ago
// than its date says, and a date that is still to come as done just now.
Moment MomentAtStart(const RotationBook& book, absl::Time now,
                     absl::Duration steady);

// When an event happens.
struct At {
  absl::Time now;
  // Time that nobody sets, from any beginning.
  absl::Duration steady;
  // Whether the clock jumped, and nothing has confirmed it since.
  bool clock_is_suspect = false;
  // Whether something can be published. Not after a signature failed: then what
  // was decided goes on the record, and is published later.
  bool may_publish = true;
};

// --- events --------------------------------------------------------------------

struct SourceSaid {
  std::shared_ptr<const Observation> observation;
};
// It says the same as before.
struct SourceUnchanged {
  std::string source;
};
struct SourceBroke {
  std::string source;
  // Its stable name.
  std::string failure;
  std::string detail;
};
struct PersonDecides {
  std::uint64_t rotation_id = 0;
  v1::Decision::Kind kind = v1::Decision::KIND_UNSPECIFIED;
  std::string by;
  std::string why;
  // Of what the person looked at; empty: of anything. Required to approve.
  std::string change_id = {};
  std::string effect_sha256 = {};
  // Of the person's certificate.
  std::string certificate_sha256 = {};
};
struct PersonPins {
  v1::PinFact fact;
  // The slot may be left without a key that verifies.
  bool last_key = false;
  std::string certificate_sha256 = {};
};
struct InstanceShows {
  v1::Evidence evidence;
  std::string submitter;
};
// A store that went back was accepted.
struct StoreAccepted {
  v1::StoreFact fact;
  std::string text;
};
struct TimePassed {};

using Event =
    std::variant<SourceSaid, SourceUnchanged, SourceBroke, PersonDecides,
                 PersonPins, InstanceShows, StoreAccepted, TimePassed>;

// What an instance's evidence came to.
struct ProofOutcome {
  enum class Kind {
    // A pinned anchor verifies it: nothing new.
    kPinned,
    // An anchor verifies it that is not pinned yet: `rotation_id` says whose.
    kCandidate,
    // Nothing that we know of verifies it: an alarm, `rotation_id`.
    kUnknownSigner,
  };
  Kind kind = Kind::kPinned;
  std::uint64_t rotation_id = 0;
  verify::Slot slot;
  // Empty for an unknown signer.
  std::string spki_sha256;
  // As a PKCS #7 gives it; else empty.
  std::string signer_serial;
};

// --- outcomes ------------------------------------------------------------------

// An event on its way through the parts.
struct Work {
  const CoreOptions& options;
  const At at;
  Draft draft;
  Moment moment;
  // What is served once the outcome is committed.
  Served served;
  // What is to be published, as the version of the targets that is in
  // `served`.
  std::optional<Admitted> publish = std::nullopt;
  // MODE_OFFLINE: the text of the catalog that people are to sign; empty: none.
  std::optional<std::string> proposal = std::nullopt;
  // Of the source that the event is about, to be kept.
  std::optional<v1::SourceHealth> health = std::nullopt;
  // Of a decision, a pin that waits for people, and a proof.
  std::uint64_t rotation_id = 0;
  ProofOutcome proof = {};

  const RotationBook& book() const { return draft.book(); }
  const anchors::Catalog& catalog() const { return *served.catalog; }
};

// Fails as the functions of decisions.h and proofs.h: with what is told to a
// person or an instance; then nothing follows.
absl::StatusOr<Work> Decide(const State& state, const Moment& moment,
                            const Event& event, const At& at,
                            const CoreOptions& options);

// --- what the parts share --------------------------------------------------------

// What a rotation makes of a catalog. Fails as Apply().
absl::StatusOr<anchors::Catalog> Applied(const anchors::Catalog& catalog,
                                         const Change& change,
                                         const CoreOptions& options,
                                         absl::Time time);

// What publishing it takes back into use.
anchors::Reactivated ReactivatedBy(const Change& change);

// The numbers of the rotations that are live now: facts that are added change
// the book's own list.
std::vector<std::uint64_t> LiveOf(const Work& work);

// EffectSha256() of that; empty for what cannot be applied.
std::string EffectOf(const anchors::Catalog& catalog, const Change& change,
                     const CoreOptions& options, absl::Time time);

// Puts a rotation on the record again, as something that is done otherwise now.
// Approvals of what it was are void for good, also where it becomes that again.
void Rebase(Work& work, v1::Rotation again, std::string effect_sha256);

// What a person's change makes of a catalog.
absl::StatusOr<anchors::Catalog> ApplyPin(const anchors::Catalog& catalog,
                                          const v1::PinFact& fact,
                                          absl::Time time);

// What the gate is told.
Situation SituationOf(const Work& work);

// Whether a person's reason is one. INVALID_ARGUMENT.
absl::Status CheckWhy(const std::string& why);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_CORE_H_

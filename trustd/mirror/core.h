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
#include "anchors/bundle.h"
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

// The longest reason that a person gives, in bytes, and the most proofs that
// are kept of one rotation.
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
// For how long at most a person can say that an alert waits.
inline constexpr absl::Duration kLongestAcknowledged = absl::Hours(30 * 24);
// The most bytes of evidence, document and signature together.
inline constexpr std::size_t kMaxEvidenceBytes = 64 * 1024;

struct CoreOptions {
  bool offline = false;
  RotationOptions rotations;
  // After how long people are alerted again about an open rotation.
  absl::Duration held_too_long = absl::Hours(24);
  // The names of the people who may decide: approvals of others do not count.
  std::set<std::string> people;
};

// The part of what is served that decisions need.
struct Served {
  std::shared_ptr<const anchors::Catalog> catalog;
  // SHA-256 of the catalog's text, lower-case hex.
  std::string catalog_sha256;
  // The next sequence: above every one that clients may know.
  std::uint64_t next_sequence = 0;
  std::uint64_t targets_version = 0;
  // Of each target that there is.
  anchors::FactsByName facts;
};

// What a start restores: the record, folded, and what is served.
struct State {
  RotationBook book;
  Served served;
  // How many records there are.
  std::uint64_t records = 0;
};

// What is not on the record, and empty after a start. It changes no decision
// and can only delay one, until the sources have been polled again.
struct Moment {
  // The newest observation of each source.
  std::map<std::string, std::shared_ptr<const Observation>> newest;
  // The enabled sources, each with the name of its family: sources that feed
  // one another count once. nullopt: not known yet; then nothing is published
  // without people.
  std::optional<std::map<std::string, std::string>> sources;
  // The sources that answered or failed since the start.
  std::set<std::string> asked;
  // Whether the book comes from the record, and not only from a checkpoint:
  // until then nothing comes into use.
  bool record_checked = true;
  std::map<std::string, v1::SourceHealth> health;
  // What a source's newest observation means against a catalog, which its hash
  // names.
  struct Compared {
    std::string catalog_sha256;
    std::shared_ptr<const Classification> found;
  };
  std::map<std::string, Compared> compared;
  // The catalog against which the effects of approvals were last computed.
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
  // When the last poll of each source began, to the nanosecond.
  std::map<std::string, absl::Time> last_polls;
  // When each source is polled next.
  std::map<std::string, absl::Time> next_polls;
  // Of each source whose answer showed fewer slots than the one before: how many
  // it had shown, and when it showed fewer, by the steady clock.
  struct FewerSlots {
    absl::Duration since;
    std::size_t before = 0;
  };
  std::map<std::string, FewerSlots> fewer_slots;
  // When each rotation was first seen, by the steady clock.
  std::map<std::uint64_t, absl::Duration> seen;
  // How many proofs of an unknown signer were tried with a rotation.
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> tried;
  // The catalog in which an unknown signer was last searched for.
  std::map<std::uint64_t, std::string> signers_checked;
  // When people were last alerted about each rotation that waits for long, by
  // the steady clock.
  std::map<std::uint64_t, absl::Duration> alerted_holds;
  // The files about whose dates people were alerted.
  std::set<std::string> dates_told;
};

// Returns the moment at a start. What was done before it counts as done no
// longer ago than its date says; a date in the future counts as just now.
Moment MomentAtStart(const RotationBook& book, absl::Time now,
                     absl::Duration steady);

// When an event happens.
struct At {
  absl::Time now;
  // The steady clock, from any origin.
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
// A source says the same as before.
struct SourceUnchanged {
  std::string source;
};
struct SourceBroke {
  std::string source;
  // The failure's stable name.
  std::string failure;
  std::string detail;
};
struct PersonDecides {
  std::uint64_t rotation_id = 0;
  v1::Decision::Kind kind = v1::Decision::KIND_UNSPECIFIED;
  std::string by;
  std::string why;
  // The id of the change that the person was shown; empty: any. Required to
  // approve.
  std::string change_id = {};
  std::string effect_sha256 = {};
  // SHA-256 of the person's certificate.
  std::string certificate_sha256 = {};
};
struct PersonPins {
  v1::PinFact fact;
  // Whether the slot may be left without a key that verifies.
  bool last_key = false;
  std::string certificate_sha256 = {};
};
// A person asks for a published rotation to be taken back.
struct PersonUndoes {
  std::uint64_t rotation_id = 0;
  std::string by;
  std::string why;
  // Whether the keys that it brought were never AWS's.
  bool revokes = false;
  // SHA-256 of the person's certificate.
  std::string certificate_sha256 = {};
};
struct InstanceShows {
  v1::Evidence evidence;
  std::string submitter;
};
// The fact has everything but its time.
struct PersonAcknowledges {
  v1::AlertFact fact;
};
// A store that went back was accepted.
struct StoreAccepted {
  v1::StoreFact fact;
  std::string text;
};
// A manifest of an image was verified. It decides nothing.
struct ManifestReceived {
  v1::ManifestFact fact;
};
struct TimePassed {};

using Event =
    std::variant<SourceSaid, SourceUnchanged, SourceBroke, PersonDecides,
                 PersonPins, PersonUndoes, PersonAcknowledges, InstanceShows,
                 StoreAccepted, ManifestReceived, TimePassed>;

// The result for an instance's evidence.
struct ProofOutcome {
  enum class Kind {
    // A pinned anchor verifies it: nothing new.
    kPinned,
    // An anchor that is not pinned yet verifies it: `rotation_id` says which
    // rotation's.
    kCandidate,
    // Nothing that we know verifies it: rotation `rotation_id` is an alarm.
    kUnknownSigner,
  };
  Kind kind = Kind::kPinned;
  std::uint64_t rotation_id = 0;
  verify::Slot slot;
  // Empty for an unknown signer.
  std::string spki_sha256;
  // The serial that a PKCS #7 gives; otherwise empty.
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
  // The health of the source that the event is about, to be kept.
  std::optional<v1::SourceHealth> health = std::nullopt;
  // The rotation of a decision, of what waits for people, or of a proof.
  std::uint64_t rotation_id = 0;
  ProofOutcome proof = {};

  const RotationBook& book() const { return draft.book(); }
  const anchors::Catalog& catalog() const { return *served.catalog; }
};

// Fails as the functions of decisions.h and proofs.h do, with what the person
// or the instance is shown; then nothing follows.
absl::StatusOr<Work> Decide(const State& state, const Moment& moment,
                            const Event& event, const At& at,
                            const CoreOptions& options);

// --- what the parts share --------------------------------------------------------

// Returns what a rotation makes of a catalog. Fails as Apply() does.
absl::StatusOr<anchors::Catalog> Applied(const anchors::Catalog& catalog,
                                         const Change& change,
                                         const CoreOptions& options,
                                         absl::Time time);

// Returns the keys that publishing the change reactivates.
anchors::Reactivated ReactivatedBy(const Change& change);

// Returns a copy of the numbers of the live rotations, because facts that are
// added change the book's own list.
std::vector<std::uint64_t> LiveOf(const Work& work);

// Returns the EffectSha256() of applying a change; empty for one that cannot be
// applied.
std::string EffectOf(const anchors::Catalog& catalog, const Change& change,
                     const CoreOptions& options, absl::Time time);

// Records a rotation again whose effect has changed. Approvals of the earlier
// effect are void for good, even if the effect becomes the same again.
void Rebase(Work& work, v1::Rotation again, std::string effect_sha256);

// Returns what a person's change makes of a catalog.
absl::StatusOr<anchors::Catalog> ApplyPin(const anchors::Catalog& catalog,
                                          const v1::PinFact& fact,
                                          absl::Time time);

// Returns what the gate needs to know.
Situation SituationOf(const Work& work);

// Returns OK if a person's reason is acceptable. INVALID_ARGUMENT.
absl::Status CheckWhy(const std::string& why);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_CORE_H_

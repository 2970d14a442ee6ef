// The heart of trustd: records what sources, instances and people say, and
// publishes what follows.
//
//   auto mirror = Mirror::Open(options, store, publisher, hub, alerts, now);
//   (*mirror)->Observed(observation, now);       // a source said something
//   (*mirror)->Decide({...}, now);               // a person did
//   (*mirror)->Settle(now);                      // time has passed
//
// This is the shell of the pure core (core.h): for each event it has the core
// judge, signs what is to be published, puts all of it on the disk in one commit
// - the facts, the alerts about them, the publication - and then serves and
// notifies. So a crash at any moment loses no decision and publishes nothing
// twice. A signature that fails is decided again as an event after which nothing
// can be published: the facts go on the record, and the publication follows
// later. In MODE_OFFLINE what is approved becomes a proposed catalog for people
// to sign, and counts as published when they have: there the record follows the
// publication, at once or at the next start.
//
// If the record is damaged or cannot be written, every call says so and changes
// nothing; what is published stays served. Thread-safe.
//
// Locks: this is the one over decisions. All of them in their order: "The order
// of locks" in DESIGN.md. Watchers, webhooks and sources are called with none
// held.

#ifndef ANCHORAGE_TRUSTD_MIRROR_MIRROR_H_
#define ANCHORAGE_TRUSTD_MIRROR_MIRROR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/alerts/alert.h"
#include "trustd/base/store.h"
#include "trustd/mirror/core.h"
#include "trustd/publish/publication.h"
#include "trustd/publish/publisher.h"
#include "trustd/record/checkpoint.h"
#include "trustd/record/ledger.h"
#include "trustd/record/record_feed.h"
#include "trustd/record/record_index.h"
#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

// The receiver of alerts. Called under the mirror's lock.
class AlertSink {
 public:
  virtual ~AlertSink() = default;
  // Adds to `batch` what makes the alerts durable, and returns a function that
  // gives them at once: it is called without a lock when the batch is on the
  // disk, and dropped if it never is.
  virtual std::function<void()> Raise(const std::vector<Alert>& alerts,
                                      StoreBatch& batch) = 0;
};

class Mirror {
 public:
  struct Options {
    CoreOptions core;
    // MODE_OFFLINE: the file for the proposed catalog.
    std::string proposal_path;
    // The clock for the rates of automatic publication.
    anchors::SteadyClock steady = &anchors::SteadyNow;
    // Whether the clock jumped and nothing has confirmed it since. Default: no.
    std::function<bool()> clock_is_suspect;
    // How many records there are between two checkpoints.
    std::uint64_t records_between_checkpoints = kRecordsBetweenCheckpoints;
    // When people were last alerted, before this start, of each rotation that
    // waits for long. A date in the future does not count.
    std::map<std::uint64_t, absl::Time> reminded;
  };

  // Reads the record, or a checkpoint and the records after it; then
  // CheckRecord() must be called. `store`, `publisher`, `hub` and `alerts` must
  // outlive the mirror. A damaged record is not a failure: see
  // ledger().health().
  static absl::StatusOr<std::unique_ptr<Mirror>> Open(
      Options options, Store& store, Publisher& publisher, PublicationHub& hub,
      AlertSink& alerts, absl::Time now);

  // Reads the records that Open() took from a checkpoint, concurrently with
  // everything else; for a long record this takes long. Until it is done
  // nothing comes into use, whoever decided it; what people revoke and retire
  // does not wait. Fails with DATA_LOSS where the record says something else,
  // or is damaged: then that is ledger().health(), and nothing more is decided.
  // Fails with CANCELLED when `go_on` says no, or as Store does: then it can be
  // called again.
  absl::Status CheckRecord(const std::function<bool()>& go_on);

  // --- sources ---

  absl::Status Observed(const Observation& observation, absl::Time now);
  // Takes a poll that showed the same as before.
  absl::Status Unchanged(const std::string& source, absl::Time now);
  // Takes a failed poll. `failure` is the failure's stable name.
  absl::Status SourceFailed(const std::string& source,
                            const std::string& failure,
                            const std::string& detail, absl::Time now);

  // Sets which sources there are, each with the name of its family: sources
  // that feed one another count once. What other sources have said no longer
  // counts, and the policy publishes nothing until each source has answered or
  // failed.
  void SetSources(std::map<std::string, std::string> sources, absl::Time now);

  // Notes when a source is polled next, for people.
  void SetNextPoll(const std::string& source, absl::Time time);

  // --- people ---

  // Takes a decision, as TakeDecision() does; `by` is the name that TLS has
  // proved.
  absl::StatusOr<v1::Rotation> Decide(const PersonDecides& decision,
                                      absl::Time now);

  // The result of a pin.
  struct Pinned {
    // The sequence in which it was published; 0 where it waits for people or
    // signatures.
    std::uint64_t sequence = 0;
    // The rotation of what was asked for; 0 for what is done at once.
    std::uint64_t rotation_id = 0;
  };
  // Changes an anchor, as TakePin() does.
  absl::StatusOr<Pinned> Pin(const PersonPins& pin, absl::Time now);

  // Asks for a rotation to be taken back, as TakeUndo() does. Returns the
  // rotation that does it.
  absl::StatusOr<v1::Rotation> Undo(const PersonUndoes& undo, absl::Time now);

  // The other slots of the served catalog that have the key of a pin, neither
  // REVOKED nor RETIRED.
  std::vector<verify::Slot> SlotsSharing(const v1::PinFact& fact) const;

  // Takes that a person knows of an alert, as TakeAcknowledgement() does.
  absl::Status Acknowledge(const PersonAcknowledges& event, absl::Time now);

  // Accepts a store that went back, as Publisher::PlanAcceptance() does, with a
  // record and an alert, in one commit. `found` says how that was found.
  // INVALID_ARGUMENT also where no reason is given.
  absl::StatusOr<Acceptance> AcceptStore(
      const StoreHead& known, const std::string& found,
      const std::optional<anchors::BundleFiles>& bundle, const std::string& by,
      const std::string& why, absl::Time now);

  // --- instances ---

  // INVALID_ARGUMENT with the verifier's reason for evidence that cannot be
  // read.
  absl::StatusOr<ProofOutcome> SubmitEvidence(const v1::Evidence& evidence,
                                              const std::string& submitter,
                                              absl::Time now);

  // --- producers of images ---

  // Records a manifest that was verified, in one commit with `stored`: what
  // keeps it. Fails as Store and ledger().health() do; then nothing was kept.
  absl::Status ReceiveManifest(const v1::ManifestFact& fact,
                               const StoreBatch& stored, absl::Time now);

  // --- time ---

  // Does what is due: publishes what is approved, completes what is over,
  // records what others have published, and publishes again, with a new date,
  // what is dated after `now`.
  absl::Status Settle(absl::Time now);

  // --- reading ---

  const Ledger& ledger() const { return *ledger_; }
  // What the ledger is searched by. It reads nothing by itself.
  RecordIndex& index() { return index_; }
  // Returns the rotations for which `wanted` is true, in the order of their
  // numbers.
  std::vector<v1::Rotation> Rotations(
      const std::function<bool(const v1::Rotation&)>& wanted) const;
  std::optional<v1::Rotation> FindRotation(std::uint64_t id) const;
  std::vector<v1::SourceHealth> Sources() const;
  // Returns all that is known now, as an event at `now` would find it. A copy,
  // which costs as much as there are rotations that are not over; the mirror
  // must outlive it.
  Work View(absl::Time now) const;

  // Calls `visit` with all that is known. Everything else waits for it.
  void Read(const std::function<void(const RotationBook&, const Moment&)>&
                visit) const;

  // As RecordFeed::Watch().
  std::uint64_t Watch(RecordFeed::Watcher watcher);
  void Unwatch(std::uint64_t id);

 private:
  Mirror(Options options, Store& store, Publisher& publisher,
         PublicationHub& hub, AlertSink& alerts)
      : options_(std::move(options)),
        store_(store),
        publisher_(publisher),
        hub_(hub),
        alerts_(alerts) {}

  // Decides about an event and commits what follows; then, with no lock held,
  // notifies.
  absl::StatusOr<Work> Take(const Event& event, absl::Time now);
  absl::StatusOr<Work> TakeLocked(const Event& event, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts an outcome on the disk, with what `publish` signed.
  absl::Status Commit(const Work& work, std::optional<Prepared> publish)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CommitWith(const Work& work, const Ledger::Committer& commit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteProposal(const std::string& text)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  State CurrentState() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadHealth() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Notify() ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  Store& store_;
  Publisher& publisher_;
  PublicationHub& hub_;
  AlertSink& alerts_;
  std::unique_ptr<Ledger> ledger_;
  RecordIndex index_{
      [this](std::uint64_t index) { return ledger_->ReadBytes(index); }};
  RecordFeed feed_;

  mutable absl::Mutex mutex_;
  RotationBook book_ ABSL_GUARDED_BY(mutex_);
  // The checkpoint that the store has; nullopt if it has none that can be
  // believed.
  std::optional<Checkpoint> checkpoint_ ABSL_GUARDED_BY(mutex_);
  Moment moment_ ABSL_GUARDED_BY(mutex_);
  // The text in the proposal's file; nullopt: not known.
  std::optional<std::string> last_proposal_ ABSL_GUARDED_BY(mutex_);
  // The functions that give the alerts that were committed.
  std::vector<std::function<void()>> unsaid_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_MIRROR_H_

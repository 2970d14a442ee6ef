// The heart of trustd: takes what sources, instances and people say, puts it
// on the record, and publishes what follows.
//
//   auto mirror = Mirror::Open(options, store, publisher, hub, alerts, now);
//   (*mirror)->Observed(observation, now);     // a source said something
//   (*mirror)->Decide(rotation, decision, now);  // a person did
//   (*mirror)->Settle(now);                    // time has passed
//
// The order is always the same: the facts go on the record, in one commit with
// the alerts about them; then they take effect. What is published is committed
// together with the record of it. So a crash at any moment loses no decision
// and publishes nothing twice. In MODE_OFFLINE what is approved becomes a
// proposed catalog for people to sign, and counts as published when they have:
// there the record follows the publication, at once or at the next start.
//
// If the record is damaged or cannot be written, every call says so and changes
// nothing; what is published is served on. Thread-safe.

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
#include "anchors/catalog.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/alerts/alert.h"
#include "trustd/base/store.h"
#include "trustd/mirror/rotation_config.h"
#include "trustd/publish/publication.h"
#include "trustd/publish/publisher.h"
#include "trustd/record/ledger.h"
#include "trustd/record/rotation_book.h"
#include "trustd/rotation/apply.h"
#include "trustd/rotation/classifier.h"
#include "trustd/rotation/observation.h"
#include "trustd/rotation/publication_gate.h"
#include "trustd/rotation/rotation_policy.h"

namespace anchorage::trustd {

// Longest reason that a person gives, and the most proofs that are kept of one
// rotation.
inline constexpr std::size_t kMaxWhyBytes = 1000;
inline constexpr int kMaxLiveProofs = 100;
// Document and signature together.
inline constexpr std::size_t kMaxEvidenceBytes = 64 * 1024;

// Where alerts go. Called under the mirror's lock.
class AlertSink {
 public:
  virtual ~AlertSink() = default;
  // Adds to `batch` what makes the alerts durable, and returns what says them
  // at once: called when the batch is on the disk, dropped if it never is.
  virtual std::function<void()> Raise(const std::vector<Alert>& alerts,
                                      StoreBatch& batch) = 0;
};

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

class Mirror {
 public:
  struct Options {
    bool offline = false;
    RotationOptions rotations;
    // After how long an open rotation is alerted of again.
    absl::Duration held_too_long = absl::Hours(24);
    // MODE_OFFLINE: where the proposed catalog is put.
    std::string proposal_path;
  };

  // Reads the record. `store`, `publisher`, `hub` and `alerts` outlive the
  // mirror. A damaged record is no failure: see ledger().health().
  static absl::StatusOr<std::unique_ptr<Mirror>> Open(
      Options options, Store& store, Publisher& publisher, PublicationHub& hub,
      AlertSink& alerts, absl::Time now);

  // --- sources ---

  absl::Status Observed(const Observation& observation, absl::Time now);
  // The source says the same as before.
  absl::Status Unchanged(const std::string& source, absl::Time now);
  // `failure` is its stable name.
  absl::Status SourceFailed(const std::string& source,
                            const std::string& failure,
                            const std::string& detail, absl::Time now);

  // Says which sources there are: what others have said counts no more.
  void SetSources(const std::set<std::string>& names, absl::Time now);

  // --- people ---

  // Takes a decision; `by` is who the caller proved to be. A hold stops the
  // policy, and earlier approvals count no more until somebody approves again.
  // What is approved and not yet signed (MODE_OFFLINE) can be held or rejected.
  // NOT_FOUND, FAILED_PRECONDITION (the rotation is over, or is an anomaly or
  // an unknown signer and cannot be approved), INVALID_ARGUMENT (no reason
  // given).
  absl::StatusOr<v1::Rotation> Decide(std::uint64_t rotation_id,
                                      v1::Decision::Kind kind,
                                      const std::string& by,
                                      const std::string& why, absl::Time now);

  // Adds, revokes or retires an anchor at once, and returns the sequence it
  // was published in; 0 in MODE_OFFLINE, where it is proposed until it is
  // published. Fails as the functions of trustd/rotation/apply.h.
  absl::StatusOr<std::uint64_t> Pin(const v1::PinFact& fact, absl::Time now);

  // The other slots of the served catalog that have the key of a pin, neither
  // REVOKED nor RETIRED.
  std::vector<verify::Slot> SlotsSharing(const v1::PinFact& fact) const;

  // Goes on with a store that went back: as Publisher::PlanAcceptance(), on the
  // record with an alert, in one commit. `found` says how that was known.
  // INVALID_ARGUMENT also where no reason is given.
  absl::StatusOr<Acceptance> AcceptStore(
      const StoreHead& known, const std::string& found,
      const std::optional<BundleFiles>& bundle, const std::string& by,
      const std::string& why, absl::Time now);

  // --- instances ---

  // INVALID_ARGUMENT with the verifier's reason for evidence that cannot be
  // read.
  absl::StatusOr<ProofOutcome> SubmitEvidence(const v1::Evidence& evidence,
                                              const std::string& submitter,
                                              absl::Time now);

  // --- time ---

  // Does what is due: publishes what is approved, completes what is over,
  // records what others have published, and dates again what is dated after
  // `now`.
  absl::Status Settle(absl::Time now);

  // --- reading ---

  const Ledger& ledger() const { return *ledger_; }
  // In the order of their numbers, those for which `wanted` is true.
  std::vector<v1::Rotation> Rotations(
      const std::function<bool(const v1::Rotation&)>& wanted) const;
  std::optional<v1::Rotation> FindRotation(std::uint64_t id) const;
  std::vector<v1::SourceHealth> Sources() const;

  // Has `watcher` called after each record, in order, until Unwatch() returns.
  // It must be quick, and must not call Watch() or Unwatch().
  using RecordWatcher =
      std::function<void(std::uint64_t index, const v1::LedgerRecord&)>;
  std::uint64_t Watch(RecordWatcher watcher);
  void Unwatch(std::uint64_t id);

 private:
  using Entry = RotationBook::Entry;

  // Facts on their way to the record, with what goes with them.
  struct Draft {
    absl::Time time;
    std::vector<v1::LedgerRecord> records;
    std::vector<Alert> alerts;
    StoreBatch also;
    std::optional<v1::SourceHealth> health;

    Draft() = default;
    explicit Draft(absl::Time now) : time(now) {}

    v1::LedgerRecord& Add();
    // What was approved waits for people again.
    void AddHold(std::uint64_t id, std::string why);
    void AddState(std::uint64_t id, v1::RotationState state,
                  std::string reason);
  };

  Mirror(Options options, Store& store, Publisher& publisher,
         PublicationHub& hub, AlertSink& alerts)
      : options_(std::move(options)),
        store_(store),
        publisher_(publisher),
        hub_(hub),
        alerts_(alerts) {}

  // Puts a draft on the record and takes it up. `commit` may publish with it.
  absl::Status Commit(Draft draft) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CommitWith(Draft draft, const Ledger::Committer& commit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeUp(const std::vector<v1::LedgerRecord>& records, std::uint64_t first)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status AddObservation(const Observation& observation, Draft& draft)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddDetections(const std::vector<Change>& changes,
                     const std::string& source, Draft& draft)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddOtherStances(const Change& change, const std::string& source,
                       absl::Time now,
                       std::map<std::string, Classification>& classified,
                       v1::Rotation& rotation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddStances(const Observation& observation, const Classification& found,
                  Draft& draft) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseAnomalies(const std::string& source,
                      const std::vector<Change>& changes, std::size_t sources,
                      Draft& draft) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void AddRecovered(const std::string& source, Draft& draft);
  static void AddHealth(v1::SourceHealth health, Draft& draft);
  absl::Status CommitHealth(Draft draft) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  static bool MayBeAnotherKey(const absl::Status& refused,
                              const verify::Slot& slot);
  static bool TakesProof(const Entry& entry, const v1::LiveProof& proof);
  bool MayOpenUnknownSigner(const anchors::Catalog& catalog,
                            const verify::Slot& slot,
                            const std::string& submitter) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status SettleLocked(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Reconcile(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status MendDates(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CloseWhatWentAway(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TryEarlierProofs(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status DecideWhatIsDue(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Decision DecidedByPolicy(const Entry& entry, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  NewestLooks Looks() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status PublishApproved(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  anchors::Catalog WithApproved(anchors::Catalog catalog,
                                std::vector<std::uint64_t>& ids, Draft& draft)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Propose(const anchors::Catalog& before, Draft draft)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CompareAgain(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CloseKnownSigners(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CompleteWhatIsOver(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status AlertOfLongHolds(absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Publishes `catalog` with the record of it, and `more` before that.
  absl::StatusOr<std::uint64_t> PublishCatalog(
      anchors::Catalog catalog, const std::vector<std::uint64_t>& rotation_ids,
      Draft draft) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What `change` would make of the served catalog.
  absl::StatusOr<anchors::Catalog> Applied(const anchors::Catalog& catalog,
                                           const Entry& entry,
                                           absl::Time now) const;

  // Calls the watchers of records, outside the lock.
  void Tell() ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  Store& store_;
  Publisher& publisher_;
  PublicationHub& hub_;
  AlertSink& alerts_;
  std::unique_ptr<Ledger> ledger_;

  mutable absl::Mutex mutex_;
  RotationBook book_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, v1::SourceHealth> health_ ABSL_GUARDED_BY(mutex_);
  // The newest of each source, since the start.
  std::map<std::string, Observation> newest_ ABSL_GUARDED_BY(mutex_);
  // How many proofs of an unknown signer a rotation was tried with.
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> tried_
      ABSL_GUARDED_BY(mutex_);
  // The sequence that the newest observations were compared with.
  std::uint64_t compared_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  // The sequence that an unknown signer was last looked for in.
  std::map<std::uint64_t, std::uint64_t> signers_checked_
      ABSL_GUARDED_BY(mutex_);
  std::set<std::uint64_t> alerted_holds_ ABSL_GUARDED_BY(mutex_);
  // Files whose dates people were told of.
  std::set<std::string> dates_told_ ABSL_GUARDED_BY(mutex_);
  // nullopt: not known what the file has.
  std::optional<std::string> last_proposal_ ABSL_GUARDED_BY(mutex_);

  absl::Mutex watch_mutex_;
  std::map<std::uint64_t, std::shared_ptr<const RecordWatcher>> watchers_
      ABSL_GUARDED_BY(watch_mutex_);
  std::uint64_t next_watcher_ ABSL_GUARDED_BY(watch_mutex_) = 1;
  std::vector<std::pair<std::uint64_t, v1::LedgerRecord>> untold_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_MIRROR_H_

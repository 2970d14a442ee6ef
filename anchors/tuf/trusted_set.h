// What is trusted from one repository: the one path that every bundle takes,
// whether fetched, cached or baked in.
//
//   auto set = TrustedSet::FromRoot(baked_in_root, now);
//   set->UpdateRoot(bytes_2);  set->FinishRoots();
//   set->UpdateTimestamp(t);   set->UpdateSnapshot(s);  set->UpdateTargets(g);
//
// The order is fixed; a call out of it fails with kOutOfOrder. Each call makes
// all checks of its step of the TUF client workflow (specification 1.0.34,
// section 5), and changes the set only if all pass: after a failure the set is
// unchanged, and the same step may be retried with other bytes.
//
// Files that an earlier refresh left are given with the Hold...() calls. They
// are verified again, and then serve as a floor: later files must not be older,
// even where a held file has itself expired. UseHeld...() makes a held file the
// current one of its step if nothing newer is called for. A root that revokes
// the keys which signed a held file drops it: so a repository recovers from a
// stolen online key that raised version numbers.
//
// No clock: `now` is an argument and the same for all checks. A caller that
// judges age by itself, such as one that starts from a cache, gives
// absl::InfinitePast(): then nothing has expired, and expires() tells when it
// will. Not thread-safe; copies are cheap, share the (immutable) files and are
// independent.

#ifndef ANCHORAGE_ANCHORS_TUF_TRUSTED_SET_H_
#define ANCHORAGE_ANCHORS_TUF_TRUSTED_SET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/tuf/metadata.h"

namespace anchorage::anchors::tuf {

// What became of a timestamp that UpdateTimestamp() accepted.
enum class TimestampUpdate {
  // It is newer, and is now the current one.
  kAdopted,
  // It is the held one, except perhaps for its signatures: the held one is
  // current.
  kUnchanged,
  // It has the held one's version but says something else. The held one is
  // current, nothing of the other is accepted, and somebody who has the
  // timestamp key signs two different texts: alert people.
  kEquivocated,
};

class TrustedSet {
 public:
  // Starts from a root that is trusted because the caller says so. Its expiry
  // does not matter. Fails as ParseRoot() does, and with kRootNotSelfSigned.
  static absl::StatusOr<TrustedSet> FromRoot(std::string bytes, absl::Time now);

  // Returns a set with only this root, to start from at `now`.
  TrustedSet WithRootOnly(absl::Time now) const;

  // Starts another refresh at `now`: every file becomes a held one; the root
  // stays trusted.
  void Begin(absl::Time now);

  // Accepts the next root. kThresholdNotMet: not signed by the trusted root's
  // threshold. kRootNotSelfSigned: not signed by its own. kRootVersionNotNext.
  // Drops held files that are no longer properly signed.
  absl::Status UpdateRoot(std::string bytes);

  // Call this when there is no newer root. kRootExpired.
  absl::Status FinishRoots();

  // Each takes a file that an earlier refresh left, and drops it unless it is
  // signed by the keys that the trusted root names. Never fails: without a held
  // file there is merely no floor.
  void HoldTimestamp(std::string bytes);
  void HoldSnapshot(std::string bytes);
  void HoldTargets(std::string bytes);

  // kThresholdNotMet, kTimestampRollback, kSnapshotEntryRollback,
  // kTimestampExpired (of the timestamp that would be current).
  absl::StatusOr<TimestampUpdate> UpdateTimestamp(std::string bytes);
  // kLengthMismatch, kHashMismatch, kHashAlgorithmUnknown, kThresholdNotMet,
  // kSnapshotVersionMismatch, kSnapshotRollback, kEquivocation,
  // kSnapshotEntryRemoved, kTargetsEntryRollback, kSnapshotExpired.
  absl::Status UpdateSnapshot(std::string bytes);
  // kRoleMissing, kLengthMismatch, kHashMismatch, kHashAlgorithmUnknown,
  // kThresholdNotMet, kTargetsVersionMismatch, kEquivocation, kTargetsExpired.
  absl::Status UpdateTargets(std::string bytes);

  // Each makes the held file the current one of its step if it passes every
  // check of Update...(). kOutOfOrder where nothing is held.
  absl::Status UseHeldTimestamp();
  absl::Status UseHeldSnapshot();
  absl::Status UseHeldTargets();

  // Makes the held targets current on their own. For a cache that a newer root
  // has overtaken: the keys of its timestamp or snapshot were replaced, those
  // of its targets were not. The held targets then say what is trusted, but no
  // longer how fresh it is: timestamp() and snapshot() are null. kOutOfOrder
  // where no targets are held; kTargetsExpired.
  absl::Status UseHeldTargetsAlone();

  // Accepts the file of a role to which `delegator`, which this set returned,
  // delegates, and returns it. It counts for this delegator only, since another
  // one may name other keys. kRoleMissing, kLengthMismatch, kHashMismatch,
  // kHashAlgorithmUnknown, kThresholdNotMet, kTargetsVersionMismatch,
  // kDelegatedExpired.
  absl::StatusOr<std::shared_ptr<const Targets>> UpdateDelegated(
      const std::shared_ptr<const Targets>& delegator, std::string_view role,
      std::string bytes);

  // The file that UpdateDelegated() accepted for that delegator and role; null
  // if there is none.
  std::shared_ptr<const Targets> delegated(
      const std::shared_ptr<const Targets>& delegator,
      std::string_view role) const;

  // Whether all four roles are current.
  bool complete() const { return stage_ == Stage::kComplete; }

  absl::Time now() const { return now_; }
  const Root& root() const { return *root_; }
  // The held or current file, at any step: properly signed under root(), or
  // null.
  const std::shared_ptr<const Timestamp>& held_timestamp() const {
    return timestamp_;
  }
  const std::shared_ptr<const Snapshot>& held_snapshot() const {
    return snapshot_;
  }
  const std::shared_ptr<const Targets>& held_targets() const {
    return targets_;
  }
  // The current files; each is null before its step.
  std::shared_ptr<const Timestamp> timestamp() const;
  std::shared_ptr<const Snapshot> snapshot() const;
  std::shared_ptr<const Targets> targets() const;

  // When the first of the current files expires. Call only if complete().
  absl::Time expires() const;

  // Returns what targets.json says about `path`. kOutOfOrder if not complete();
  // kTargetNotFound. Asks no delegated role: see Updater::FindTarget().
  absl::StatusOr<Target> Lookup(std::string_view path) const;

  // Succeeds if `bytes` are the target `path` of targets.json. Fails as
  // Lookup() and VerifyTargetBytes() do.
  absl::Status VerifyTarget(std::string_view path,
                            std::string_view bytes) const;

 private:
  // The last completed step.
  enum class Stage { kStart, kRoot, kTimestamp, kSnapshot, kComplete };

  TrustedSet(Root root, absl::Time now)
      : root_(std::make_shared<const Root>(std::move(root))), now_(now) {}

  absl::Status RequireStage(Stage stage, std::string_view call) const;
  absl::Status VerifyByRoot(const Envelope& envelope,
                            const RoleKeys& role) const;
  absl::Status VerifyNewSnapshot(const Snapshot& snapshot) const;
  absl::Status VerifyCurrent(const Timestamp& timestamp) const;
  absl::Status VerifyCurrent(const Snapshot& snapshot) const;
  absl::Status VerifyCurrent(const Targets& targets) const;
  void DropWhatIsNoLongerSigned();
  void Complete();

  std::shared_ptr<const Root> root_;
  absl::Time now_;
  Stage stage_ = Stage::kStart;
  // Each file is held before its stage, and current from then on.
  std::shared_ptr<const Timestamp> timestamp_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const Targets> targets_;
  // The accepted files of delegated roles, by delegator and role.
  std::map<std::pair<std::shared_ptr<const Targets>, std::string>,
           std::shared_ptr<const Targets>>
      delegated_;
};

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_TUF_TRUSTED_SET_H_

#include "anchors/tuf/trusted_set.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "anchors/tuf/file_hash.h"
#include "anchors/tuf/tuf_error.h"

// The checks, in the order of the workflow:
//   root       1. signed by the trusted root's threshold
//              2. signed by its own threshold
//              3. the next version
//              4. not expired (only the last root)
//   timestamp  1. signed
//              2. not older than the held one; the same version, the same text
//              3. its snapshot not older than the held one's
//              4. not expired
//   snapshot   1. length and hashes that the timestamp gives
//              2. signed
//              3. the version that the timestamp gives
//              4. not older than the held one; the same version, the same text
//              5. every file of the held one still there, and not older
//              6. not expired
//   targets    1. listed in the snapshot; its length and hashes
//              2. signed by whom the delegator names
//              3. the version that the snapshot gives
//              4. the held one's version, the held one's text
//              5. not expired

namespace anchorage::anchors::tuf {
namespace {

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status VerifyNotExpired(const Envelope& envelope, absl::Time now,
                              TufReason reason) {
  if (envelope.expires > now) return absl::OkStatus();
  return RejectUpdate(
      reason, absl::StrCat("expired ", FormatExpires(envelope.expires)));
}

absl::Status VerifySelfSigned(const Root& root) {
  const absl::Status status =
      VerifySignatures(root.envelope, root.root, root.keys);
  if (status.ok() || TufReasonOf(status) == TufReason::kCryptoUnavailable) {
    return status;
  }
  return RejectUpdate(TufReason::kRootNotSelfSigned,
                      std::string(status.message()));
}

std::string Versions(std::int64_t actual, std::int64_t expected) {
  return absl::StrCat("version ", actual, ", not ", expected);
}

absl::Status VerifyVersion(const Envelope& envelope, const MetaFile& expected,
                           TufReason reason) {
  if (envelope.version == expected.version) return absl::OkStatus();
  return RejectUpdate(reason, Versions(envelope.version, expected.version));
}

// Whether one version has two texts. Different signatures on the same text do
// no harm.
bool IsOtherText(const Envelope& a, const Envelope& b) {
  return a.version == b.version && a.signed_bytes != b.signed_bytes;
}

absl::StatusOr<MetaFile> FileInSnapshot(const Snapshot& snapshot,
                                        std::string_view role) {
  const MetaFile* file = snapshot.Find(role);
  if (file != nullptr) return *file;
  return RejectUpdate(TufReason::kRoleMissing,
                      absl::StrCat(View(role), " is not in the snapshot"));
}

}  // namespace

absl::StatusOr<TrustedSet> TrustedSet::FromRoot(std::string bytes,
                                                absl::Time now) {
  auto root = ParseRoot(std::move(bytes));
  if (!root.ok()) return root.status();
  absl::Status self_signed = VerifySelfSigned(*root);
  if (!self_signed.ok()) return self_signed;
  return TrustedSet(*std::move(root), now);
}

TrustedSet TrustedSet::WithRootOnly(absl::Time now) const {
  return TrustedSet(*root_, now);
}

void TrustedSet::Begin(absl::Time now) {
  now_ = now;
  stage_ = Stage::kStart;
}

absl::Status TrustedSet::RequireStage(Stage stage,
                                      std::string_view call) const {
  if (stage_ == stage) return absl::OkStatus();
  return RejectUpdate(TufReason::kOutOfOrder, call);
}

// --- Root ------------------------------------------------------------------

absl::Status TrustedSet::UpdateRoot(std::string bytes) {
  absl::Status order = RequireStage(Stage::kStart, "UpdateRoot");
  if (!order.ok()) return order;
  auto root = ParseRoot(std::move(bytes));
  if (!root.ok()) return root.status();
  // 1.
  absl::Status trusted =
      VerifySignatures(root->envelope, root_->root, root_->keys);
  if (!trusted.ok()) return trusted;
  // 2.
  absl::Status self_signed = VerifySelfSigned(*root);
  if (!self_signed.ok()) return self_signed;
  // 3.
  const std::int64_t next = root_->envelope.version + 1;
  if (root->envelope.version != next) {
    return RejectUpdate(TufReason::kRootVersionNotNext,
                        Versions(root->envelope.version, next));
  }
  root_ = std::make_shared<const Root>(*std::move(root));
  DropWhatIsNoLongerSigned();
  return absl::OkStatus();
}

absl::Status TrustedSet::VerifyByRoot(const Envelope& envelope,
                                      const RoleKeys& role) const {
  return VerifySignatures(envelope, role, root_->keys);
}

void TrustedSet::DropWhatIsNoLongerSigned() {
  if (timestamp_ &&
      !VerifyByRoot(timestamp_->envelope, root_->timestamp).ok()) {
    timestamp_ = nullptr;
  }
  if (snapshot_ && !VerifyByRoot(snapshot_->envelope, root_->snapshot).ok()) {
    snapshot_ = nullptr;
  }
  if (targets_ && !VerifyByRoot(targets_->envelope, root_->targets).ok()) {
    targets_ = nullptr;
  }
}

absl::Status TrustedSet::FinishRoots() {
  absl::Status order = RequireStage(Stage::kStart, "FinishRoots");
  if (!order.ok()) return order;
  // 4.
  absl::Status fresh =
      VerifyNotExpired(root_->envelope, now_, TufReason::kRootExpired);
  if (!fresh.ok()) return fresh;
  stage_ = Stage::kRoot;
  return absl::OkStatus();
}

// --- What an earlier refresh left ------------------------------------------

void TrustedSet::HoldTimestamp(std::string bytes) {
  if (stage_ >= Stage::kTimestamp) return;
  auto timestamp = ParseTimestamp(std::move(bytes));
  if (!timestamp.ok() ||
      !VerifyByRoot(timestamp->envelope, root_->timestamp).ok()) {
    return;
  }
  timestamp_ = std::make_shared<const Timestamp>(*std::move(timestamp));
}

void TrustedSet::HoldSnapshot(std::string bytes) {
  if (stage_ >= Stage::kSnapshot) return;
  auto snapshot = ParseSnapshot(std::move(bytes));
  if (!snapshot.ok() ||
      !VerifyByRoot(snapshot->envelope, root_->snapshot).ok()) {
    return;
  }
  snapshot_ = std::make_shared<const Snapshot>(*std::move(snapshot));
}

void TrustedSet::HoldTargets(std::string bytes) {
  if (stage_ >= Stage::kComplete) return;
  auto targets = ParseTargets(std::move(bytes));
  if (!targets.ok() || !VerifyByRoot(targets->envelope, root_->targets).ok()) {
    return;
  }
  targets_ = std::make_shared<const Targets>(*std::move(targets));
}

// --- Timestamp -------------------------------------------------------------

absl::Status TrustedSet::VerifyCurrent(const Timestamp& timestamp) const {
  return VerifyNotExpired(timestamp.envelope, now_,
                          TufReason::kTimestampExpired);
}

absl::StatusOr<TimestampUpdate> TrustedSet::UpdateTimestamp(std::string bytes) {
  absl::Status order = RequireStage(Stage::kRoot, "UpdateTimestamp");
  if (!order.ok()) return order;
  if (timestamp_ != nullptr && bytes == timestamp_->envelope.bytes) {
    absl::Status used = UseHeldTimestamp();
    if (!used.ok()) return used;
    return TimestampUpdate::kUnchanged;
  }
  auto timestamp = ParseTimestamp(std::move(bytes));
  if (!timestamp.ok()) return timestamp.status();
  // 1.
  absl::Status signatures = VerifyByRoot(timestamp->envelope, root_->timestamp);
  if (!signatures.ok()) return signatures;
  if (timestamp_ != nullptr) {
    // 2.
    const Envelope& held = timestamp_->envelope;
    if (timestamp->envelope.version < held.version) {
      return RejectUpdate(TufReason::kTimestampRollback,
                          Versions(timestamp->envelope.version, held.version));
    }
    if (timestamp->envelope.version == held.version) {
      absl::Status used = UseHeldTimestamp();
      if (!used.ok()) return used;
      return IsOtherText(timestamp->envelope, held)
                 ? TimestampUpdate::kEquivocated
                 : TimestampUpdate::kUnchanged;
    }
    // 3.
    if (timestamp->snapshot.version < timestamp_->snapshot.version) {
      return RejectUpdate(
          TufReason::kSnapshotEntryRollback,
          Versions(timestamp->snapshot.version, timestamp_->snapshot.version));
    }
  }
  // 4.
  absl::Status current = VerifyCurrent(*timestamp);
  if (!current.ok()) return current;
  timestamp_ = std::make_shared<const Timestamp>(*std::move(timestamp));
  stage_ = Stage::kTimestamp;
  return TimestampUpdate::kAdopted;
}

absl::Status TrustedSet::UseHeldTimestamp() {
  absl::Status order = RequireStage(Stage::kRoot, "UseHeldTimestamp");
  if (!order.ok()) return order;
  if (timestamp_ == nullptr) {
    return RejectUpdate(TufReason::kOutOfOrder, "no timestamp is held");
  }
  absl::Status current = VerifyCurrent(*timestamp_);
  if (!current.ok()) return current;
  stage_ = Stage::kTimestamp;
  return absl::OkStatus();
}

// --- Snapshot --------------------------------------------------------------

absl::Status TrustedSet::VerifyCurrent(const Snapshot& snapshot) const {
  return VerifyNotExpired(snapshot.envelope, now_, TufReason::kSnapshotExpired);
}

// Checks 4 and 5.
absl::Status TrustedSet::VerifyNewSnapshot(const Snapshot& snapshot) const {
  if (snapshot_ == nullptr) return absl::OkStatus();
  const std::int64_t held = snapshot_->envelope.version;
  if (snapshot.envelope.version < held) {
    return RejectUpdate(TufReason::kSnapshotRollback,
                        Versions(snapshot.envelope.version, held));
  }
  for (const auto& [name, file] : snapshot_->files) {
    const auto found = snapshot.files.find(name);
    if (found == snapshot.files.end()) {
      return RejectUpdate(TufReason::kSnapshotEntryRemoved, name);
    }
    if (found->second.version < file.version) {
      return RejectUpdate(
          TufReason::kTargetsEntryRollback,
          absl::StrCat(name, " ",
                       Versions(found->second.version, file.version)));
    }
  }
  if (IsOtherText(snapshot.envelope, snapshot_->envelope)) {
    return RejectUpdate(TufReason::kEquivocation,
                        absl::StrCat("snapshot version ", held));
  }
  return absl::OkStatus();
}

absl::Status TrustedSet::UpdateSnapshot(std::string bytes) {
  absl::Status order = RequireStage(Stage::kTimestamp, "UpdateSnapshot");
  if (!order.ok()) return order;
  const MetaFile& expected = timestamp_->snapshot;
  // 1.
  absl::Status file = VerifyMetaFile(expected, bytes);
  if (!file.ok()) return file;
  auto snapshot = ParseSnapshot(std::move(bytes));
  if (!snapshot.ok()) return snapshot.status();
  // 2.
  absl::Status signatures = VerifyByRoot(snapshot->envelope, root_->snapshot);
  if (!signatures.ok()) return signatures;
  // 3.
  absl::Status version = VerifyVersion(snapshot->envelope, expected,
                                       TufReason::kSnapshotVersionMismatch);
  if (!version.ok()) return version;
  // 4, 5.
  absl::Status forward = VerifyNewSnapshot(*snapshot);
  if (!forward.ok()) return forward;
  // 6.
  absl::Status current = VerifyCurrent(*snapshot);
  if (!current.ok()) return current;
  snapshot_ = std::make_shared<const Snapshot>(*std::move(snapshot));
  stage_ = Stage::kSnapshot;
  return absl::OkStatus();
}

absl::Status TrustedSet::UseHeldSnapshot() {
  absl::Status order = RequireStage(Stage::kTimestamp, "UseHeldSnapshot");
  if (!order.ok()) return order;
  if (snapshot_ == nullptr) {
    return RejectUpdate(TufReason::kOutOfOrder, "no snapshot is held");
  }
  const MetaFile& expected = timestamp_->snapshot;
  absl::Status file = VerifyMetaFile(expected, snapshot_->envelope.bytes);
  if (!file.ok()) return file;
  absl::Status version = VerifyVersion(snapshot_->envelope, expected,
                                       TufReason::kSnapshotVersionMismatch);
  if (!version.ok()) return version;
  absl::Status current = VerifyCurrent(*snapshot_);
  if (!current.ok()) return current;
  stage_ = Stage::kSnapshot;
  return absl::OkStatus();
}

// --- Targets ---------------------------------------------------------------

absl::Status TrustedSet::VerifyCurrent(const Targets& targets) const {
  return VerifyNotExpired(targets.envelope, now_, TufReason::kTargetsExpired);
}

void TrustedSet::Complete() {
  delegated_.clear();
  stage_ = Stage::kComplete;
}

absl::Status TrustedSet::UpdateTargets(std::string bytes) {
  absl::Status order = RequireStage(Stage::kSnapshot, "UpdateTargets");
  if (!order.ok()) return order;
  // 1.
  const auto expected = FileInSnapshot(*snapshot_, kTargetsRole);
  if (!expected.ok()) return expected.status();
  absl::Status file = VerifyMetaFile(*expected, bytes);
  if (!file.ok()) return file;
  auto targets = ParseTargets(std::move(bytes));
  if (!targets.ok()) return targets.status();
  // 2.
  absl::Status signatures = VerifyByRoot(targets->envelope, root_->targets);
  if (!signatures.ok()) return signatures;
  // 3.
  absl::Status version = VerifyVersion(targets->envelope, *expected,
                                       TufReason::kTargetsVersionMismatch);
  if (!version.ok()) return version;
  // 4.
  if (targets_ != nullptr &&
      IsOtherText(targets->envelope, targets_->envelope)) {
    return RejectUpdate(
        TufReason::kEquivocation,
        absl::StrCat("targets version ", targets->envelope.version));
  }
  // 5.
  absl::Status current = VerifyCurrent(*targets);
  if (!current.ok()) return current;
  targets_ = std::make_shared<const Targets>(*std::move(targets));
  Complete();
  return absl::OkStatus();
}

absl::Status TrustedSet::UseHeldTargets() {
  absl::Status order = RequireStage(Stage::kSnapshot, "UseHeldTargets");
  if (!order.ok()) return order;
  if (targets_ == nullptr) {
    return RejectUpdate(TufReason::kOutOfOrder, "no targets are held");
  }
  const auto expected = FileInSnapshot(*snapshot_, kTargetsRole);
  if (!expected.ok()) return expected.status();
  absl::Status file = VerifyMetaFile(*expected, targets_->envelope.bytes);
  if (!file.ok()) return file;
  absl::Status version = VerifyVersion(targets_->envelope, *expected,
                                       TufReason::kTargetsVersionMismatch);
  if (!version.ok()) return version;
  absl::Status current = VerifyCurrent(*targets_);
  if (!current.ok()) return current;
  Complete();
  return absl::OkStatus();
}

absl::Status TrustedSet::UseHeldTargetsAlone() {
  absl::Status order = RequireStage(Stage::kRoot, "UseHeldTargetsAlone");
  if (!order.ok()) return order;
  if (targets_ == nullptr) {
    return RejectUpdate(TufReason::kOutOfOrder, "no targets are held");
  }
  absl::Status current = VerifyCurrent(*targets_);
  if (!current.ok()) return current;
  timestamp_ = nullptr;
  snapshot_ = nullptr;
  Complete();
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Targets>> TrustedSet::UpdateDelegated(
    const std::shared_ptr<const Targets>& delegator, std::string_view role,
    std::string bytes) {
  absl::Status order = RequireStage(Stage::kComplete, "UpdateDelegated");
  if (!order.ok()) return order;
  const auto& delegations = delegator->delegations;
  const Delegation* delegation =
      delegations.has_value() ? delegations->Find(role) : nullptr;
  if (delegation == nullptr) {
    return RejectUpdate(TufReason::kRoleMissing,
                        absl::StrCat("nobody delegates to ", View(role)));
  }
  // 1.
  if (snapshot_ == nullptr) {
    return RejectUpdate(TufReason::kOutOfOrder, "no snapshot is current");
  }
  const auto expected = FileInSnapshot(*snapshot_, role);
  if (!expected.ok()) return expected.status();
  absl::Status file = VerifyMetaFile(*expected, bytes);
  if (!file.ok()) return file;
  auto targets = ParseTargets(std::move(bytes));
  if (!targets.ok()) return targets.status();
  // 2.
  absl::Status signatures =
      VerifySignatures(targets->envelope, delegation->role, delegations->keys);
  if (!signatures.ok()) return signatures;
  // 3.
  absl::Status version = VerifyVersion(targets->envelope, *expected,
                                       TufReason::kTargetsVersionMismatch);
  if (!version.ok()) return version;
  // 5.
  absl::Status fresh =
      VerifyNotExpired(targets->envelope, now_, TufReason::kDelegatedExpired);
  if (!fresh.ok()) return fresh;
  auto held = std::make_shared<const Targets>(*std::move(targets));
  delegated_.insert_or_assign({delegator, std::string(role)}, held);
  return held;
}

std::shared_ptr<const Targets> TrustedSet::delegated(
    const std::shared_ptr<const Targets>& delegator,
    std::string_view role) const {
  const auto found = delegated_.find({delegator, std::string(role)});
  return found == delegated_.end() ? nullptr : found->second;
}

// --- What it says ----------------------------------------------------------

std::shared_ptr<const Timestamp> TrustedSet::timestamp() const {
  return stage_ >= Stage::kTimestamp ? timestamp_ : nullptr;
}

std::shared_ptr<const Snapshot> TrustedSet::snapshot() const {
  return stage_ >= Stage::kSnapshot ? snapshot_ : nullptr;
}

std::shared_ptr<const Targets> TrustedSet::targets() const {
  return stage_ >= Stage::kComplete ? targets_ : nullptr;
}

absl::Time TrustedSet::expires() const {
  absl::Time first =
      std::min(root_->envelope.expires, targets_->envelope.expires);
  if (timestamp_ != nullptr) {
    first = std::min(first, timestamp_->envelope.expires);
  }
  if (snapshot_ != nullptr)
    first = std::min(first, snapshot_->envelope.expires);
  return first;
}

absl::StatusOr<Target> TrustedSet::Lookup(std::string_view path) const {
  absl::Status order = RequireStage(Stage::kComplete, "Lookup");
  if (!order.ok()) return order;
  const auto found = targets_->targets.find(path);
  if (found == targets_->targets.end()) {
    return RejectUpdate(TufReason::kTargetNotFound, path);
  }
  return found->second;
}

absl::Status TrustedSet::VerifyTarget(std::string_view path,
                                      std::string_view bytes) const {
  const auto target = Lookup(path);
  if (!target.ok()) return target.status();
  return VerifyTargetBytes(*target, bytes);
}

}  // namespace anchorage::anchors::tuf

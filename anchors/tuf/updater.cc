#include "anchors/tuf/updater.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "anchors/tuf/delegation.h"
#include "anchors/tuf/file_hash.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors::tuf {
namespace {

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

std::string RootName(std::int64_t version) {
  return absl::StrCat(version, ".root.json");
}

std::string RootHistoryName(std::int64_t version) {
  return absl::StrCat("root_history/", RootName(version));
}

std::string StoredName(std::string_view role) {
  return absl::StrCat(EncodeRoleName(role), ".json");
}

// Turns a fetcher's failure into a reason.
absl::Status FetchError(std::string_view name, const absl::Status& status,
                        TufReason too_large) {
  const std::string detail = absl::StrCat(View(name), ": ", status.ToString());
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return RejectUpdate(TufReason::kFileNotOnServer, detail);
    case absl::StatusCode::kOutOfRange:
      return RejectUpdate(too_large, detail);
    default:
      return RejectUpdate(TufReason::kFetchFailed, detail);
  }
}

// A path becomes a file name in many places, so one that leads out of its
// folder is refused here.
bool IsSafeTargetPath(std::string_view path) {
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '\\';
  });
  if (!plain) return false;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::size_t LimitFor(const MetaFile& file, std::size_t max_bytes) {
  if (!file.length.has_value()) return max_bytes;
  return std::min(max_bytes, static_cast<std::size_t>(*file.length));
}

}  // namespace

std::string EncodeRoleName(std::string_view role) {
  std::string encoded;
  for (const char c : role) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (letter || digit || c == '-' || c == '_' || c == '.' || c == '~') {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string TargetFileName(std::string_view path, const Target& target,
                           bool consistent_snapshot) {
  if (!consistent_snapshot) return std::string(path);
  const std::size_t slash = path.rfind('/');
  const std::size_t base = slash == std::string_view::npos ? 0 : slash + 1;
  return absl::StrCat(View(path.substr(0, base)), target.hashes.front().hex,
                      ".", View(path.substr(base)));
}

absl::StatusOr<Updater> Updater::Create(std::string trusted_root,
                                        absl::Time now, Fetcher* fetcher,
                                        MetadataStore* store) {
  auto trusted = TrustedSet::FromRoot(std::move(trusted_root), now);
  if (!trusted.ok()) return trusted.status();
  Updater updater(*std::move(trusted), fetcher, store);
  updater.LoadRoots();
  return updater;
}

Updater Updater::Continue(const TrustedSet& verified, absl::Time now,
                          Fetcher* fetcher, MetadataStore* store) {
  Updater updater(verified, fetcher, store);
  updater.trusted_.Begin(now);
  return updater;
}

absl::Status Updater::Save(std::string_view name, std::string_view bytes) {
  const absl::Status saved = store_->Save(name, bytes);
  if (saved.ok()) return saved;
  return RejectUpdate(TufReason::kStoreFailed,
                      absl::StrCat(View(name), ": ", saved.ToString()));
}

// --- Root ------------------------------------------------------------------

// A stored root to which the one before does not lead counts as absent.
void Updater::LoadRoots() {
  CheckStoredRoot("root.json");
  CheckStoredRoot(RootHistoryName(trusted_.root().envelope.version));
  if (stored_fork_.has_value()) return;
  // No limit: each root is signed by the one before it, and a client that gave
  // up here would never reach the newest.
  while (true) {
    const std::int64_t next = trusted_.root().envelope.version + 1;
    auto bytes = store_->Load(RootHistoryName(next), kMaxRootBytes);
    if (!bytes.has_value() || !trusted_.UpdateRoot(*std::move(bytes)).ok()) {
      return;
    }
  }
}

// Roots below the trusted one are history, and those above it are accepted by
// the ordinary rule. One of the same version must be the same.
void Updater::CheckStoredRoot(std::string_view name) {
  auto bytes = store_->Load(name, kMaxRootBytes);
  if (!bytes.has_value()) return;
  const Envelope& trusted = trusted_.root().envelope;
  auto stored = ParseRoot(*std::move(bytes));
  if (!stored.ok() || stored->envelope.version != trusted.version) return;
  if (stored->envelope.signed_bytes == trusted.signed_bytes) return;
  // A damaged file is not another root.
  const Root& root = trusted_.root();
  if (VerifySignatures(stored->envelope, root.root, root.keys).ok()) {
    stored_fork_ = std::string(name);
  }
}

absl::Status Updater::SaveRoot() {
  const std::string& bytes = trusted_.root().envelope.bytes;
  if (store_->Load("root.json", kMaxRootBytes) == bytes) {
    return absl::OkStatus();
  }
  return Save("root.json", bytes);
}

absl::Status Updater::UpdateRoots() {
  absl::Status saved = SaveRoot();
  if (!saved.ok()) return saved;
  for (int round = 0; round < kMaxRootRotations; ++round) {
    const std::int64_t next = trusted_.root().envelope.version + 1;
    const std::string name = RootName(next);
    auto bytes = fetcher_->FetchMetadata(name, kMaxRootBytes);
    if (absl::IsNotFound(bytes.status())) {
      return InFile(RootName(next - 1), trusted_.FinishRoots());
    }
    if (!bytes.ok()) {
      return FetchError(name, bytes.status(), TufReason::kMetadataTooLarge);
    }
    absl::Status updated = trusted_.UpdateRoot(*std::move(bytes));
    if (!updated.ok()) return InFile(name, updated);
    // The history is saved first, because it is what the next start follows.
    saved = Save(RootHistoryName(next), trusted_.root().envelope.bytes);
    if (!saved.ok()) return saved;
    saved = SaveRoot();
    if (!saved.ok()) return saved;
  }
  return RejectUpdate(
      TufReason::kRootLimit,
      absl::StrCat("more than ", kMaxRootRotations, " new roots"));
}

// --- Timestamp, snapshot, targets ------------------------------------------

void Updater::HoldStored() {
  if (trusted_.held_timestamp() == nullptr) {
    auto timestamp = store_->Load("timestamp.json", kMaxTimestampBytes);
    if (timestamp.has_value()) trusted_.HoldTimestamp(*std::move(timestamp));
  }
  if (trusted_.held_snapshot() == nullptr) {
    auto snapshot = store_->Load("snapshot.json", kMaxSnapshotBytes);
    if (snapshot.has_value()) trusted_.HoldSnapshot(*std::move(snapshot));
  }
  if (trusted_.held_targets() == nullptr) {
    auto targets = store_->Load("targets.json", kMaxTargetsBytes);
    if (targets.has_value()) trusted_.HoldTargets(*std::move(targets));
  }
}

absl::Status Updater::UpdateTimestamp() {
  constexpr std::string_view kName = "timestamp.json";
  auto bytes = fetcher_->FetchMetadata(kName, kMaxTimestampBytes);
  if (!bytes.ok()) {
    return FetchError(kName, bytes.status(), TufReason::kMetadataTooLarge);
  }
  const auto update = trusted_.UpdateTimestamp(*std::move(bytes));
  if (!update.ok()) return InFile(kName, update.status());
  equivocation_seen_ = *update == TimestampUpdate::kEquivocated;
  if (*update != TimestampUpdate::kAdopted) return absl::OkStatus();
  return Save(kName, trusted_.timestamp()->envelope.bytes);
}

std::string Updater::RoleFileName(std::string_view role,
                                  const MetaFile& file) const {
  if (!trusted_.root().consistent_snapshot) return StoredName(role);
  return absl::StrCat(file.version, ".", StoredName(role));
}

absl::StatusOr<std::string> Updater::FetchRole(std::string_view role,
                                               const MetaFile& file,
                                               std::size_t max_bytes) {
  const std::string name = RoleFileName(role, file);
  auto bytes = fetcher_->FetchMetadata(name, LimitFor(file, max_bytes));
  if (bytes.ok()) return bytes;
  const bool stated = LimitFor(file, max_bytes) < max_bytes;
  return FetchError(
      name, bytes.status(),
      stated ? TufReason::kLengthMismatch : TufReason::kMetadataTooLarge);
}

absl::Status Updater::UpdateSnapshot() {
  if (trusted_.UseHeldSnapshot().ok()) return absl::OkStatus();
  auto bytes = FetchRole(kSnapshotRole, trusted_.timestamp()->snapshot,
                         kMaxSnapshotBytes);
  if (!bytes.ok()) return bytes.status();
  absl::Status updated = trusted_.UpdateSnapshot(*std::move(bytes));
  if (!updated.ok()) {
    return InFile(RoleFileName(kSnapshotRole, trusted_.timestamp()->snapshot),
                  updated);
  }
  return Save("snapshot.json", trusted_.snapshot()->envelope.bytes);
}

absl::Status Updater::UpdateTargets() {
  const absl::Status held = trusted_.UseHeldTargets();
  if (held.ok()) return held;
  const MetaFile* file = trusted_.snapshot()->Find(kTargetsRole);
  if (file == nullptr) {
    return RejectUpdate(TufReason::kRoleMissing,
                        "targets is not in the snapshot");
  }
  auto bytes = FetchRole(kTargetsRole, *file, kMaxTargetsBytes);
  if (!bytes.ok()) return bytes.status();
  absl::Status updated = trusted_.UpdateTargets(*std::move(bytes));
  if (!updated.ok()) {
    return InFile(RoleFileName(kTargetsRole, *file), updated);
  }
  return Save("targets.json", trusted_.targets()->envelope.bytes);
}

absl::Status Updater::Refresh() {
  trusted_.Begin(trusted_.now());
  equivocation_seen_ = false;
  absl::Status roots = UpdateRoots();
  if (!roots.ok()) return roots;
  HoldStored();
  absl::Status timestamp = UpdateTimestamp();
  if (!timestamp.ok()) return timestamp;
  absl::Status snapshot = UpdateSnapshot();
  if (!snapshot.ok()) return snapshot;
  return UpdateTargets();
}

// --- Targets ---------------------------------------------------------------

absl::StatusOr<std::shared_ptr<const Targets>> Updater::LoadDelegated(
    const std::shared_ptr<const Targets>& delegator, std::string_view role) {
  if (auto known = trusted_.delegated(delegator, role)) return known;
  auto stored = store_->Load(StoredName(role), kMaxTargetsBytes);
  if (stored.has_value()) {
    auto usable = trusted_.UpdateDelegated(delegator, role, *std::move(stored));
    if (usable.ok()) return usable;
  }
  const MetaFile* file = trusted_.snapshot()->Find(role);
  if (file == nullptr) {
    return RejectUpdate(TufReason::kRoleMissing,
                        absl::StrCat(View(role), " is not in the snapshot"));
  }
  auto bytes = FetchRole(role, *file, kMaxTargetsBytes);
  if (!bytes.ok()) return bytes.status();
  auto updated = trusted_.UpdateDelegated(delegator, role, *std::move(bytes));
  if (!updated.ok()) return InFile(RoleFileName(role, *file), updated.status());
  absl::Status saved = Save(StoredName(role), (*updated)->envelope.bytes);
  if (!saved.ok()) return saved;
  return updated;
}

absl::StatusOr<Target> Updater::FindTarget(std::string_view path) {
  auto top = trusted_.Lookup(path);
  if (TufReasonOf(top.status()) != TufReason::kTargetNotFound) return top;
  DelegationWalk walk(path, trusted_.targets());
  int asked = 0;
  while (const auto edge = walk.Next()) {
    if (++asked > kMaxDelegations) {
      return RejectUpdate(TufReason::kDelegationLimit, path);
    }
    const auto role = LoadDelegated(edge->delegator, edge->role);
    if (!role.ok()) return role.status();
    const auto found = (*role)->targets.find(path);
    if (found != (*role)->targets.end()) return found->second;
    walk.Visit(*role);
  }
  return top.status();
}

absl::StatusOr<std::string> Updater::DownloadTarget(std::string_view path,
                                                    const Target& target) {
  if (!IsSafeTargetPath(path)) {
    return RejectUpdate(TufReason::kTargetPathUnsafe, path);
  }
  const std::string name =
      TargetFileName(path, target, trusted_.root().consistent_snapshot);
  auto bytes =
      fetcher_->FetchTarget(name, static_cast<std::size_t>(target.length));
  if (!bytes.ok()) {
    return FetchError(name, bytes.status(), TufReason::kTargetLengthMismatch);
  }
  absl::Status verified = VerifyTargetBytes(target, *bytes);
  if (!verified.ok()) return InFile(name, verified);
  return bytes;
}

}  // namespace anchorage::anchors::tuf

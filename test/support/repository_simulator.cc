#include "test/support/repository_simulator.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anchors/tuf/canonical_json.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors::tuf {
namespace {

// A simulation that cannot go on must not look like a verdict.
template <typename T>
T ValueOrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::cerr << "repository simulator: " << value.status() << "\n";
    std::abort();
  }
  return *std::move(value);
}

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

KeyPtr TestKey(int n) {
  std::string seed(kEd25519SeedBytes, '\0');
  seed[0] = static_cast<char>(n & 0xff);
  seed[1] = static_cast<char>(n >> 8);
  return ValueOrDie(SoftwareKey::Ed25519FromSeed(seed));
}

std::string SignJson(std::string_view signed_json,
                     const std::vector<KeyPtr>& keys) {
  const auto body = ValueOrDie(
      verify::ParseJson(signed_json, {.max_bytes = 64 * 1024 * 1024}));
  const std::string message = ValueOrDie(CanonicalJson(body));
  std::string signatures;
  for (const KeyPtr& key : keys) {
    const std::string sig = ValueOrDie(key->Sign(message));
    absl::StrAppend(&signatures, signatures.empty() ? "" : ",", "{\"keyid\":\"",
                    key->public_key().keyid(), "\",\"sig\":\"",
                    absl::BytesToHexString(sig), "\"}");
  }
  return absl::StrCat("{\"signatures\":[", signatures,
                      "],\"signed\":", View(signed_json), "}");
}

RepositorySimulator::RepositorySimulator(absl::Time now)
    : safe_expiry_(now + absl::Hours(24 * 30)) {
  root.expires = safe_expiry_;
  timestamp.expires = safe_expiry_;
  snapshot.expires = safe_expiry_;
  targets().expires = safe_expiry_;
  for (const char* role : {"root", "timestamp", "snapshot", "targets"}) {
    AddKey(role, NewKey());
  }
  Publish({"root", "targets", "snapshot", "timestamp"});
}

RoleSpec& RepositorySimulator::RootRole(std::string_view role) {
  if (role == kRootRole) return root.root;
  if (role == kTimestampRole) return root.timestamp;
  return role == kSnapshotRole ? root.snapshot : root.targets;
}

void RepositorySimulator::AddKey(std::string_view role, const KeyPtr& key) {
  RootRole(role).keys.push_back(key->public_key());
  signers[std::string(role)].push_back(key);
}

void RepositorySimulator::RotateKeys(std::string_view role) {
  RootRole(role).keys.clear();
  signers[std::string(role)].clear();
  AddKey(role, NewKey());
}

std::int64_t& RepositorySimulator::VersionOf(const std::string& name) {
  if (name == kRootRole) return root.version;
  if (name == kTimestampRole) return timestamp.version;
  if (name == kSnapshotRole) return snapshot.version;
  return roles[name].version;
}

std::string RepositorySimulator::Write(const std::string& name) {
  if (name == kRootRole) return ValueOrDie(WriteRoot(root));
  if (name == kTimestampRole) return ValueOrDie(WriteTimestamp(timestamp));
  if (name == kSnapshotRole) return ValueOrDie(WriteSnapshot(snapshot));
  return ValueOrDie(WriteTargets(roles[name]));
}

void RepositorySimulator::Enter(const std::string& name,
                                std::string_view bytes) {
  if (name == kRootRole || name == kTimestampRole) return;
  MetaFile file;
  file.version = VersionOf(name);
  if (list_hashes) file = DescribeMetaFile(file.version, bytes);
  if (name == kSnapshotRole) {
    timestamp.snapshot = file;
  } else {
    snapshot.files[name + ".json"] = file;
  }
}

void RepositorySimulator::PublishAgain(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::vector<const SigningKey*> keys;
    for (const KeyPtr& key : signers[name]) keys.push_back(key.get());
    const std::string bytes = ValueOrDie(SignNew(Write(name), keys));
    const std::string file = EncodeRoleName(name) + ".json";
    metadata[absl::StrCat(VersionOf(name), ".", file)] = bytes;
    metadata[file] = bytes;
    Enter(name, bytes);
  }
}

void RepositorySimulator::Publish(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (published_once_[name]) ++VersionOf(name);
    published_once_[name] = true;
    PublishAgain({name});
  }
}

const std::string& RepositorySimulator::published(std::string_view role,
                                                  std::int64_t version) const {
  return metadata.at(absl::StrCat(version, ".", EncodeRoleName(role), ".json"));
}

void RepositorySimulator::AddTarget(const std::string& role,
                                    const std::string& path,
                                    const std::string& bytes) {
  const Target target = DescribeTarget(bytes);
  roles[role].targets[path] = target;
  files[TargetFileName(path, target, true)] = bytes;
  files[path] = bytes;
}

void RepositorySimulator::AddDelegation(const std::string& delegator,
                                        DelegationSpec delegation) {
  const KeyPtr key = NewKey();
  delegation.role.keys.push_back(key->public_key());
  signers[delegation.name].push_back(key);
  if (!roles.contains(delegation.name)) {
    roles[delegation.name].expires = safe_expiry_;
  }
  roles[delegator].delegations.push_back(std::move(delegation));
}

absl::StatusOr<std::string> RepositorySimulator::Serve(
    const std::map<std::string, std::string, std::less<>>& from,
    const std::string& request, std::string_view name, std::size_t max_bytes) {
  requests.push_back(request);
  const auto failure = failures.find(request);
  if (failure != failures.end()) return failure->second;
  const auto found = from.find(name);
  if (found == from.end()) return absl::NotFoundError(request);
  if (found->second.size() > max_bytes) return absl::OutOfRangeError(request);
  return found->second;
}

absl::StatusOr<std::string> RepositorySimulator::FetchMetadata(
    std::string_view name, std::size_t max_bytes) {
  return Serve(metadata, std::string(name), name, max_bytes);
}

absl::StatusOr<std::string> RepositorySimulator::FetchTarget(
    std::string_view name, std::size_t max_bytes) {
  return Serve(files, absl::StrCat("targets/", View(name)), name, max_bytes);
}

std::optional<std::string> MemoryStore::Load(std::string_view name,
                                             std::size_t max_bytes) {
  const auto found = files.find(name);
  if (found == files.end() || found->second.size() > max_bytes) {
    return std::nullopt;
  }
  return found->second;
}

absl::Status MemoryStore::Save(std::string_view name, std::string_view bytes) {
  if (saves_left.has_value() && (*saves_left)-- <= 0) {
    return absl::ResourceExhaustedError("no space left");
  }
  saved.emplace_back(name);
  files[std::string(name)] = bytes;
  return absl::OkStatus();
}

}  // namespace anchorage::anchors::tuf

#include "trustd/publish/keys.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/base/atomic_file.h"

namespace anchorage::trustd {
namespace {

using anchors::tuf::SigningKey;
using anchors::tuf::SoftwareKey;

absl::StatusOr<std::unique_ptr<SigningKey>> MakeKey(const std::string& path) {
  auto key = SoftwareKey::GenerateEd25519();
  if (!key.ok()) return key.status();
  const auto pem = (*key)->ToPem();
  if (!pem.ok()) return pem.status();
  const std::filesystem::path folder =
      std::filesystem::path(path).parent_path();
  if (absl::Status s = anchors::MakeFolder(folder.string()); !s.ok()) return s;
  if (absl::Status s = anchors::WriteFileAtomically(
          path, pem->view(), anchors::FileAccess::kPrivate);
      !s.ok()) {
    return s;
  }
  return std::unique_ptr<SigningKey>(*std::move(key));
}

absl::StatusOr<std::unique_ptr<SigningKey>> LoadOrMakeKey(
    const std::string& path, bool may_make) {
  auto pem =
      anchors::ReadPrivateFile(path, anchors::tuf::kMaxPrivateKeyPemBytes);
  if (absl::IsNotFound(pem.status())) {
    if (may_make) return MakeKey(path);
    return absl::NotFoundError(absl::StrCat(
        "the signing key ", path,
        " is gone (restore it from a backup: a key is never made anew for a "
        "repository that exists)"));
  }
  if (!pem.ok()) return pem.status();
  const anchors::tuf::Secret secret(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  auto key = SoftwareKey::FromPem(secret.view());
  if (!key.ok()) {
    return absl::Status(key.status().code(),
                        absl::StrCat(path, ": ", key.status().message()));
  }
  return std::unique_ptr<SigningKey>(*std::move(key));
}

bool IsOf(const SigningKey& key, const anchors::tuf::RoleKeys& role) {
  return std::find(role.keyids.begin(), role.keyids.end(),
                   key.public_key().keyid()) != role.keyids.end();
}

}  // namespace

const SigningKey* SigningKeys::OnlineFor(
    const anchors::tuf::RoleKeys& role) const {
  for (const auto& key : online) {
    if (IsOf(*key, role)) return key.get();
  }
  return nullptr;
}

absl::StatusOr<SigningKeys> LoadKeys(const PublisherConfig& config,
                                     bool may_make) {
  SigningKeys keys;
  if (config.mode == v1::TrustdConfig::MODE_ONLINE) {
    auto root = LoadOrMakeKey(config.root_key_path, may_make);
    if (!root.ok()) return root.status();
    keys.root = *std::move(root);
    auto targets = LoadOrMakeKey(config.targets_key_path, may_make);
    if (!targets.ok()) return targets.status();
    keys.targets = *std::move(targets);
  }
  auto online = LoadOrMakeKey(config.online_key_path, may_make);
  if (!online.ok()) return online.status();
  keys.online.push_back(*std::move(online));
  auto next = LoadKey(absl::StrCat(
      config.online_key_path,
      absl::string_view(kNextKeySuffix.data(), kNextKeySuffix.size())));
  if (next.ok()) {
    keys.online.push_back(*std::move(next));
  } else if (!absl::IsNotFound(next.status())) {
    return next.status();
  }
  return keys;
}

absl::StatusOr<std::unique_ptr<SigningKey>> LoadKey(const std::string& path) {
  return LoadOrMakeKey(path, /*may_make=*/false);
}

absl::Status CheckKeys(const PublisherConfig& config, const SigningKeys& keys,
                       const anchors::tuf::Root& root) {
  const struct {
    const char* role;
    const anchors::tuf::RoleKeys& wanted;
    const SigningKey& key;
    bool is_named;
    const std::string& path;
  } rows[] = {
      {"root", root.root, *keys.root, IsOf(*keys.root, root.root),
       config.root_key_path},
      {"targets", root.targets, *keys.targets,
       IsOf(*keys.targets, root.targets), config.targets_key_path},
      {"snapshot", root.snapshot, *keys.online.front(),
       keys.OnlineFor(root.snapshot) != nullptr, config.online_key_path},
      {"timestamp", root.timestamp, *keys.online.front(),
       keys.OnlineFor(root.timestamp) != nullptr, config.online_key_path},
  };
  for (const auto& row : rows) {
    if (!row.is_named) {
      return absl::FailedPreconditionError(
          absl::StrCat(row.path, " has key ", row.key.public_key().keyid(),
                       ", and root ", root.envelope.version, " wants ",
                       absl::StrJoin(row.wanted.keyids, " or "), " for ",
                       row.role, ": put the file with that key there"));
    }
    if (row.wanted.threshold > 1) {
      return absl::FailedPreconditionError(
          absl::StrCat("root ", root.envelope.version, " wants ",
                       row.wanted.threshold, " signatures for ", row.role,
                       ", and MODE_ONLINE signs with one key, ", row.path,
                       ": it is a repository for MODE_OFFLINE"));
    }
  }
  return absl::OkStatus();
}

}  // namespace anchorage::trustd

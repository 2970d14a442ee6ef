#include "trustd/publish/keys.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
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

absl::StatusOr<std::unique_ptr<SigningKey>> LoadKey(const std::string& path,
                                                    bool may_make) {
  auto pem = anchors::ReadPrivateFile(
      path, anchors::tuf::kMaxPrivateKeyPemBytes);
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

}  // namespace

const SigningKey* SigningKeys::OnlineFor(
    const anchors::tuf::RoleKeys& role) const {
  for (const auto& key : online) {
    if (std::find(role.keyids.begin(), role.keyids.end(),
                  key->public_key().keyid()) != role.keyids.end()) {
      return key.get();
    }
  }
  return nullptr;
}

absl::StatusOr<SigningKeys> LoadKeys(const PublisherConfig& config,
                                     bool may_make) {
  SigningKeys keys;
  if (config.mode == v1::TrustdConfig::MODE_ONLINE) {
    auto root = LoadKey(config.root_key_path, may_make);
    if (!root.ok()) return root.status();
    keys.root = *std::move(root);
    auto targets = LoadKey(config.targets_key_path, may_make);
    if (!targets.ok()) return targets.status();
    keys.targets = *std::move(targets);
  }
  auto online = LoadKey(config.online_key_path, may_make);
  if (!online.ok()) return online.status();
  keys.online.push_back(*std::move(online));
  auto next = LoadKey(
      absl::StrCat(config.online_key_path,
                   absl::string_view(kNextKeySuffix.data(),
                                     kNextKeySuffix.size())),
      /*may_make=*/false);
  if (next.ok()) {
    keys.online.push_back(*std::move(next));
  } else if (!absl::IsNotFound(next.status())) {
    return next.status();
  }
  return keys;
}

}  // namespace anchorage::trustd

#include "anchors/baked/baked.h"

#include <algorithm>
#include <string>

#include "anchors/baked/baked_files.h"
#include "anchors/baked/build_key.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/tuf_key.h"

namespace anchorage::anchors {
namespace {

// Written by the build, so it is a time.
absl::Time ParseAsOf(std::string_view text) {
  return tuf::ParseExpires(text).value_or(absl::InfinitePast());
}

bool Names(const tuf::RoleKeys& role, const std::string& keyid) {
  return std::find(role.keyids.begin(), role.keyids.end(), keyid) !=
         role.keyids.end();
}

}  // namespace

std::string_view BakedBundle::operator()(std::string_view path) const {
  const std::string_view text = files.target(path);
  return text.empty() && path == kCatalogTargetPath ? baked_files::Catalog()
                                                    : text;
}

BakedBundle NewBakedBundle() {
  // Not as one aggregate: g++ 12 destroys a part of it twice where memory ends.
  BakedBundle baked;
  baked.root = baked_files::Root();
  baked.files.timestamp = baked_files::Timestamp();
  baked.files.snapshot = baked_files::Snapshot();
  baked.files.targets = baked_files::Targets();
  baked.as_of = ParseAsOf(baked_files::AsOf());
  return baked;
}

const BakedBundle& DefaultBakedBundle() {
  static const BakedBundle& baked = *[] {
    auto* const made = new BakedBundle(NewBakedBundle());
    made->files.SetTarget(kCatalogTargetPath,
                          std::string(baked_files::Catalog()));
    return made;
  }();
  return baked;
}

bool IsBuildKeyRoot(std::string_view root) {
  if (root == baked_files::Root()) return true;
  const auto parsed = tuf::ParseRoot(std::string(root));
  const auto build_key =
      tuf::TufKey::Make("ed25519", "ed25519", kBuildKeyPublicHex);
  if (!parsed.ok() || !build_key.ok()) return false;
  // By the key itself: one key may stand there under any id.
  return std::any_of(
      parsed->keys.begin(), parsed->keys.end(), [&](const auto& entry) {
        const auto& [keyid, key] = entry;
        return key.identity() == build_key->identity() &&
               (Names(parsed->root, keyid) || Names(parsed->timestamp, keyid) ||
                Names(parsed->snapshot, keyid) ||
                Names(parsed->targets, keyid));
      });
}

}  // namespace anchorage::anchors

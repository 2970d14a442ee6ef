#include "anchors/publishing/bundle_builder.h"

#include <utility>

#include "anchors/baked/build_key.h"
#include "anchors/catalog.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/publishing/signer.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/trusted_set.h"

namespace anchorage::anchors {
namespace {

absl::StatusOr<std::string> Sign(const absl::StatusOr<std::string>& file,
                                 const tuf::SigningKey& key) {
  if (!file.ok()) return file.status();
  return tuf::AddSignature(*file, key);
}

// A bundle that our own clients would refuse must not be built in.
absl::Status Check(const BundleMetadata& bundle, std::string_view catalog,
                   absl::Time now) {
  auto trusted = tuf::TrustedSet::FromRoot(bundle.root, now);
  if (!trusted.ok()) return trusted.status();
  if (absl::Status s = trusted->FinishRoots(); !s.ok()) return s;
  const auto updated = trusted->UpdateTimestamp(bundle.timestamp);
  if (!updated.ok()) return updated.status();
  if (absl::Status s = trusted->UpdateSnapshot(bundle.snapshot); !s.ok()) {
    return s;
  }
  if (absl::Status s = trusted->UpdateTargets(bundle.targets); !s.ok()) {
    return s;
  }
  return trusted->VerifyTarget(kCatalogTargetPath, catalog);
}

}  // namespace

absl::StatusOr<BundleMetadata> BuildBundle(std::string_view catalog) {
  const auto parsed = ParseCatalog(catalog);
  if (!parsed.ok()) return parsed.status();
  const auto key = tuf::SoftwareKey::Ed25519FromSeed(kBuildKeySeed);
  if (!key.ok()) return key.status();
  const tuf::SigningKey& build_key = **key;
  const absl::Time expires = parsed->created + kBakedValidity;
  const tuf::RoleSpec role{.keys = {build_key.public_key()}, .threshold = 1};

  BundleMetadata bundle;
  bundle.as_of = tuf::FormatExpires(parsed->created);
  auto root = Sign(tuf::WriteRoot({.expires = expires,
                                   .root = role,
                                   .timestamp = role,
                                   .snapshot = role,
                                   .targets = role}),
                   build_key);
  if (!root.ok()) return root.status();
  bundle.root = *std::move(root);
  auto targets =
      Sign(tuf::WriteTargets({.expires = expires,
                              .targets = {{std::string(kCatalogTargetPath),
                                           tuf::DescribeTarget(catalog)}},
                              .delegations = {}}),
           build_key);
  if (!targets.ok()) return targets.status();
  bundle.targets = *std::move(targets);
  auto snapshot = Sign(
      tuf::WriteSnapshot({.expires = expires,
                          .files = {{"targets.json", tuf::DescribeMetaFile(
                                                         1, bundle.targets)}}}),
      build_key);
  if (!snapshot.ok()) return snapshot.status();
  bundle.snapshot = *std::move(snapshot);
  auto timestamp = Sign(tuf::WriteTimestamp({.expires = expires,
                                             .snapshot = tuf::DescribeMetaFile(
                                                 1, bundle.snapshot)}),
                        build_key);
  if (!timestamp.ok()) return timestamp.status();
  bundle.timestamp = *std::move(timestamp);
  absl::Status checked = Check(bundle, catalog, parsed->created);
  if (!checked.ok()) return checked;
  return bundle;
}

}  // namespace anchorage::anchors

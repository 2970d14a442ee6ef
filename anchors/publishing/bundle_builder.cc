#include "anchors/publishing/bundle_builder.h"

#include <string>
#include <utility>

#include "anchors/baked/build_key.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/publishing/signer.h"
#include "anchors/tuf/metadata.h"

namespace anchorage::anchors {
namespace {

absl::StatusOr<std::string> Sign(const absl::StatusOr<std::string>& file,
                                 const tuf::SigningKey& key) {
  if (!file.ok()) return file.status();
  return tuf::AddSignature(*file, key);
}

// A bundle that our own clients refuse is not built in.
absl::Status Check(const BundleFiles& files, absl::Time now) {
  auto set = FollowRoots(files.roots.front(), {}, now);
  if (!set.ok()) return set.status();
  if (absl::Status s = TakeMetadata(files, *set); !s.ok()) return s;
  return ReadTargets(*set, files).status();
}

}  // namespace

absl::StatusOr<BundleFiles> BuildBundle(const ByPath& target_files,
                                        absl::Time as_of) {
  const auto key = tuf::SoftwareKey::Ed25519FromSeed(kBuildKeySeed);
  if (!key.ok()) return key.status();
  const tuf::SigningKey& build_key = **key;
  const absl::Time expires = as_of + kBakedValidity;
  const tuf::RoleSpec role{.keys = {build_key.public_key()}, .threshold = 1};

  BundleFiles files;
  files.target_files = target_files;
  auto root = Sign(tuf::WriteRoot({.expires = expires,
                                   .root = role,
                                   .timestamp = role,
                                   .snapshot = role,
                                   .targets = role}),
                   build_key);
  if (!root.ok()) return root.status();
  files.roots = {*std::move(root)};
  tuf::TargetsSpec spec{.expires = expires, .targets = {}, .delegations = {}};
  for (const auto& [path, bytes] : target_files) {
    spec.targets.emplace(path, tuf::DescribeTarget(bytes));
  }
  auto targets = Sign(tuf::WriteTargets(spec), build_key);
  if (!targets.ok()) return targets.status();
  files.targets = *std::move(targets);
  auto snapshot = Sign(
      tuf::WriteSnapshot({.expires = expires,
                          .files = {{"targets.json", tuf::DescribeMetaFile(
                                                         1, files.targets)}}}),
      build_key);
  if (!snapshot.ok()) return snapshot.status();
  files.snapshot = *std::move(snapshot);
  auto timestamp = Sign(tuf::WriteTimestamp({.expires = expires,
                                             .snapshot = tuf::DescribeMetaFile(
                                                 1, files.snapshot)}),
                        build_key);
  if (!timestamp.ok()) return timestamp.status();
  files.timestamp = *std::move(timestamp);
  if (absl::Status s = Check(files, as_of); !s.ok()) return s;
  return files;
}

}  // namespace anchorage::anchors

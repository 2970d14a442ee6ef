#include "anchors/bundle_proto.h"

#include <algorithm>
#include <iterator>

namespace anchorage::anchors {
namespace {

// The targets that have fields of their own: those that were there before
// `other_targets`.
struct TargetField {
  std::string_view path;
  const std::string& (v1::GetUpdateResponse::*get)() const;
  std::string* (v1::GetUpdateResponse::*mutable_get)();
  const std::string& (v1::BundleVersions::*hash)() const;
  std::string* (v1::BundleVersions::*mutable_hash)();
};

constexpr TargetField kFields[] = {
    {kCatalogTargetPath, &v1::GetUpdateResponse::catalog,
     &v1::GetUpdateResponse::mutable_catalog,
     &v1::BundleVersions::catalog_sha256,
     &v1::BundleVersions::mutable_catalog_sha256},
    {kReleasesTargetPath, &v1::GetUpdateResponse::releases,
     &v1::GetUpdateResponse::mutable_releases,
     &v1::BundleVersions::releases_sha256,
     &v1::BundleVersions::mutable_releases_sha256},
};

// Null for a target that has none.
const TargetField* FieldOf(std::string_view path) {
  const auto* const found = std::find_if(
      std::begin(kFields), std::end(kFields),
      [&](const TargetField& field) { return field.path == path; });
  return found == std::end(kFields) ? nullptr : found;
}

}  // namespace

BundleFiles FromProto(const v1::GetUpdateResponse& message) {
  BundleFiles files;
  files.roots = {message.roots().begin(), message.roots().end()};
  files.timestamp = message.timestamp();
  files.snapshot = message.snapshot();
  files.targets = message.targets();
  for (const TargetKind& kind : TargetKinds()) {
    files.SetTarget(kind.path, TargetIn(message, kind.path));
  }
  return files;
}

v1::GetUpdateResponse ToProto(const BundleFiles& files) {
  v1::GetUpdateResponse message;
  message.mutable_roots()->Assign(files.roots.begin(), files.roots.end());
  message.set_timestamp(files.timestamp);
  message.set_snapshot(files.snapshot);
  message.set_targets(files.targets);
  for (const auto& [path, bytes] : files.target_files) {
    AddTarget(path, bytes, message);
  }
  return message;
}

const std::string& TargetIn(const v1::GetUpdateResponse& message,
                            std::string_view path) {
  if (const TargetField* field = FieldOf(path)) return (message.*field->get)();
  for (const v1::TargetFile& file : message.other_targets()) {
    if (file.path() == path) return file.bytes();
  }
  return v1::TargetFile::default_instance().bytes();
}

void AddTarget(std::string_view path, const std::string& bytes,
               v1::GetUpdateResponse& message) {
  if (const TargetField* field = FieldOf(path)) {
    *(message.*field->mutable_get)() = bytes;
    return;
  }
  v1::TargetFile& file = *message.add_other_targets();
  file.set_path(std::string(path));
  file.set_bytes(bytes);
}

BundleVersions FromProto(const v1::BundleVersions& message) {
  BundleVersions versions = {.root = message.root_version(),
                             .timestamp = message.timestamp_version(),
                             .snapshot = message.snapshot_version(),
                             .targets = message.targets_version(),
                             .target_sha256 = {}};
  for (const TargetField& field : kFields) {
    versions.target_sha256.emplace(field.path, (message.*field.hash)());
  }
  for (const v1::TargetHash& target : message.other_targets()) {
    versions.target_sha256.emplace(target.path(), target.sha256());
  }
  return versions;
}

v1::BundleVersions ToProto(const BundleVersions& versions) {
  v1::BundleVersions message;
  message.set_root_version(versions.root);
  message.set_timestamp_version(versions.timestamp);
  message.set_snapshot_version(versions.snapshot);
  message.set_targets_version(versions.targets);
  for (const TargetKind& kind : TargetKinds()) {
    const auto found = versions.target_sha256.find(kind.path);
    const std::string hash =
        found == versions.target_sha256.end() ? "" : found->second;
    if (const TargetField* field = FieldOf(kind.path)) {
      *(message.*field->mutable_hash)() = hash;
      continue;
    }
    v1::TargetHash& target = *message.add_other_targets();
    target.set_path(std::string(kind.path));
    target.set_sha256(hash);
  }
  return message;
}

}  // namespace anchorage::anchors

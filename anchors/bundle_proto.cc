#include "anchors/bundle_proto.h"

namespace anchorage::anchors {
namespace {

struct TargetField {
  std::string_view path;
  const std::string& (v1::GetUpdateResponse::*get)() const;
  std::string* (v1::GetUpdateResponse::*mutable_get)();
};

constexpr TargetField kFields[] = {
    {kCatalogTargetPath, &v1::GetUpdateResponse::catalog,
     &v1::GetUpdateResponse::mutable_catalog},
    {kReleasesTargetPath, &v1::GetUpdateResponse::releases,
     &v1::GetUpdateResponse::mutable_releases},
};

}  // namespace

BundleFiles FromProto(const v1::GetUpdateResponse& message) {
  BundleFiles files;
  files.roots = {message.roots().begin(), message.roots().end()};
  files.timestamp = message.timestamp();
  files.snapshot = message.snapshot();
  files.targets = message.targets();
  for (const TargetField& field : kFields) {
    files.SetTarget(field.path, (message.*field.get)());
  }
  return files;
}

v1::GetUpdateResponse ToProto(const BundleFiles& files) {
  v1::GetUpdateResponse message;
  message.mutable_roots()->Assign(files.roots.begin(), files.roots.end());
  message.set_timestamp(files.timestamp);
  message.set_snapshot(files.snapshot);
  message.set_targets(files.targets);
  for (const TargetField& field : kFields) {
    const std::string& bytes = files.target(field.path);
    if (!bytes.empty()) *(message.*field.mutable_get)() = bytes;
  }
  return message;
}

const std::string& TargetIn(const v1::GetUpdateResponse& message,
                            std::string_view path) {
  for (const TargetField& field : kFields) {
    if (field.path == path) return (message.*field.get)();
  }
  return v1::GetUpdateResponse::default_instance().catalog();
}

}  // namespace anchorage::anchors

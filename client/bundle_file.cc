#include "client/bundle_file.h"

#include "anchors/wire/wire_field.h"

namespace anchorage::client {
namespace {

using anchors::BundleFiles;
using anchors::WireType;

constexpr int kMaxFields = 4096;

// The fields' numbers in GetUpdateResponse.
enum Field : unsigned {
  kRoots = 1,
  kTimestamp = 3,
  kSnapshot = 4,
  kTargets = 5,
  kCatalog = 6,
  kSequence = 7,
  kReleases = 8,
  kOtherTargets = 9,
};
// Those in TargetFile.
enum TargetField : unsigned { kPath = 1, kBytes = 2 };

// As proto3 has it, empty is absent.
void PutFile(unsigned field, std::string_view bytes, std::string& out) {
  if (!bytes.empty()) anchors::PutBytes(field, bytes, out);
}

// A target that has no field of its own.
void PutOther(std::string_view path, std::string_view bytes, std::string& out) {
  std::string target;
  PutFile(kPath, path, target);
  PutFile(kBytes, bytes, target);
  anchors::PutBytes(kOtherTargets, target, out);
}

// Takes every field of a message; `set` is called with one that is no number.
template <typename Set>
bool TakeFields(std::string_view bytes, const Set& set) {
  anchors::WireField field;
  for (int fields = 0; !bytes.empty(); ++fields) {
    if (fields == kMaxFields || !anchors::TakeField(bytes, field)) return false;
    if (field.value.has_value() && !set(field.number, *field.value)) {
      return false;
    }
  }
  return true;
}

// Of a path that stands twice, the first counts.
bool SetOther(std::string_view bytes, BundleFiles& files) {
  std::string_view path;
  std::string_view target;
  const bool is_read =
      TakeFields(bytes, [&](std::uint32_t field, std::string_view value) {
        if (field == kPath) path = value;
        if (field == kBytes) target = value;
        return true;
      });
  if (is_read && anchors::FindTargetKind(path) != nullptr &&
      files.target(path).empty()) {
    files.SetTarget(path, std::string(target));
  }
  return is_read;
}

bool Set(std::uint32_t field, std::string_view value, BundleFiles& files) {
  switch (field) {
    case kRoots:
      files.roots.emplace_back(value);
      return true;
    case kTimestamp:
      files.timestamp = value;
      return true;
    case kSnapshot:
      files.snapshot = value;
      return true;
    case kTargets:
      files.targets = value;
      return true;
    case kCatalog:
      files.SetTarget(anchors::kCatalogTargetPath, std::string(value));
      return true;
    case kReleases:
      files.SetTarget(anchors::kReleasesTargetPath, std::string(value));
      return true;
    case kOtherTargets:
      return SetOther(value, files);
    default:
      return true;
  }
}

}  // namespace

std::string SerializeBundle(const BundleFiles& files, std::uint64_t sequence) {
  std::string out;
  for (const std::string& root : files.roots)
    anchors::PutBytes(kRoots, root, out);
  PutFile(kTimestamp, files.timestamp, out);
  PutFile(kSnapshot, files.snapshot, out);
  PutFile(kTargets, files.targets, out);
  PutFile(kCatalog, files.catalog(), out);
  if (sequence != 0) {
    anchors::PutVarint(kSequence, sequence, out);
  }
  PutFile(kReleases, files.releases(), out);
  for (const auto& [path, bytes] : files.target_files) {
    if (path != anchors::kCatalogTargetPath &&
        path != anchors::kReleasesTargetPath) {
      PutOther(path, bytes, out);
    }
  }
  return out;
}

absl::StatusOr<BundleFiles> ParseBundle(std::string_view bytes) {
  BundleFiles files;
  if (!TakeFields(bytes, [&](std::uint32_t field, std::string_view value) {
        return Set(field, value, files);
      })) {
    return absl::DataLossError("the cached bundle is damaged");
  }
  return files;
}

}  // namespace anchorage::client

#include "client/bundle_file.h"

namespace anchorage::client {
namespace {

using anchors::BundleFiles;

constexpr int kMaxFields = 4096;
constexpr int kMaxVarintBytes = 10;

enum WireType : unsigned { kVarint = 0, k64Bit = 1, kLength = 2, k32Bit = 5 };

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

void PutVarint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(value | 0x80));
  }
  out.push_back(static_cast<char>(value));
}

void PutBytes(unsigned field, std::string_view bytes, std::string& out) {
  PutVarint(field << 3 | kLength, out);
  PutVarint(bytes.size(), out);
  out.append(bytes);
}

// As proto3 has it, empty is absent.
void PutFile(unsigned field, std::string_view bytes, std::string& out) {
  if (!bytes.empty()) PutBytes(field, bytes, out);
}

// A target that has no field of its own.
void PutOther(std::string_view path, std::string_view bytes, std::string& out) {
  std::string target;
  PutFile(kPath, path, target);
  PutFile(kBytes, bytes, target);
  PutBytes(kOtherTargets, target, out);
}

bool TakeVarint(std::string_view& bytes, std::uint64_t& value) {
  value = 0;
  for (int i = 0; i < kMaxVarintBytes && !bytes.empty(); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

bool TakeBytes(std::string_view& bytes, std::uint64_t size,
               std::string_view& taken) {
  if (size > bytes.size()) return false;
  taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

// Takes a field; `set` is called with one that has a length.
template <typename Set>
bool TakeField(std::string_view& bytes, const Set& set) {
  std::uint64_t tag = 0;
  std::uint64_t number = 0;
  std::string_view value;
  if (!TakeVarint(bytes, tag) || tag > UINT32_MAX || tag >> 3 == 0) {
    return false;
  }
  switch (tag & 7) {
    case kVarint:
      return TakeVarint(bytes, number);
    case k64Bit:
      return TakeBytes(bytes, 8, value);
    case k32Bit:
      return TakeBytes(bytes, 4, value);
    case kLength:
      return TakeVarint(bytes, number) && TakeBytes(bytes, number, value) &&
             set(tag >> 3, value);
    default:
      return false;
  }
}

// Takes every field of a message.
template <typename Set>
bool TakeFields(std::string_view bytes, const Set& set) {
  for (int fields = 0; !bytes.empty(); ++fields) {
    if (fields == kMaxFields || !TakeField(bytes, set)) return false;
  }
  return true;
}

// Of a path that stands twice, the first counts.
bool SetOther(std::string_view bytes, BundleFiles& files) {
  std::string_view path;
  std::string_view target;
  const bool is_read =
      TakeFields(bytes, [&](std::uint64_t field, std::string_view value) {
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

bool Set(std::uint64_t field, std::string_view value, BundleFiles& files) {
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
  for (const std::string& root : files.roots) PutBytes(kRoots, root, out);
  PutFile(kTimestamp, files.timestamp, out);
  PutFile(kSnapshot, files.snapshot, out);
  PutFile(kTargets, files.targets, out);
  PutFile(kCatalog, files.catalog(), out);
  if (sequence != 0) {
    PutVarint(kSequence << 3 | kVarint, out);
    PutVarint(sequence, out);
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
  if (!TakeFields(bytes, [&](std::uint64_t field, std::string_view value) {
        return Set(field, value, files);
      })) {
    return absl::DataLossError("the cached bundle is damaged");
  }
  return files;
}

}  // namespace anchorage::client

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
};

void PutVarint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(value | 0x80));
  }
  out.push_back(static_cast<char>(value));
}

void PutBytes(Field field, std::string_view bytes, std::string& out) {
  PutVarint(field << 3 | kLength, out);
  PutVarint(bytes.size(), out);
  out.append(bytes);
}

// As proto3 has it, empty is absent.
void PutFile(Field field, std::string_view bytes, std::string& out) {
  if (!bytes.empty()) PutBytes(field, bytes, out);
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

void Set(std::uint64_t field, std::string_view value, BundleFiles& files) {
  switch (field) {
    case kRoots:
      files.roots.emplace_back(value);
      break;
    case kTimestamp:
      files.timestamp = value;
      break;
    case kSnapshot:
      files.snapshot = value;
      break;
    case kTargets:
      files.targets = value;
      break;
    case kCatalog:
      files.SetTarget(anchors::kCatalogTargetPath, std::string(value));
      break;
    case kReleases:
      files.SetTarget(anchors::kReleasesTargetPath, std::string(value));
      break;
    default:
      break;
  }
}

bool TakeField(std::string_view& bytes, BundleFiles& files) {
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
      if (!TakeVarint(bytes, number) || !TakeBytes(bytes, number, value)) {
        return false;
      }
      Set(tag >> 3, value, files);
      return true;
    default:
      return false;
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
  return out;
}

absl::StatusOr<BundleFiles> ParseBundle(std::string_view bytes) {
  BundleFiles files;
  int fields = 0;
  while (!bytes.empty()) {
    if (++fields > kMaxFields || !TakeField(bytes, files)) {
      return absl::DataLossError("the cached bundle is damaged");
    }
  }
  return files;
}

}  // namespace anchorage::client

#include "verify/encoding/cbor.h"

#include <algorithm>

#include "verify/encoding/utf8.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// The low five bits of a head (RFC 8949 3).
constexpr std::uint8_t kOneByteFollows = 24;
constexpr std::uint8_t kEightBytesFollow = 27;
constexpr std::uint8_t kIndefinite = 31;
constexpr char kBreak = '\xff';

enum MajorType : std::uint8_t {
  kMajorUnsigned = 0,
  kMajorNegative = 1,
  kMajorBytes = 2,
  kMajorText = 3,
  kMajorArray = 4,
  kMajorMap = 5,
  kMajorTag = 6,
};

// Takes the argument of a head with these low bits off the front of `rest`;
// nullopt if it is cut off, or if a shorter head would hold it.
std::optional<std::uint64_t> TakeArgument(std::uint8_t low_bits,
                                          std::string_view& rest) {
  if (low_bits < kOneByteFollows) return low_bits;
  if (low_bits > kEightBytesFollow) return std::nullopt;
  const std::size_t size = std::size_t{1} << (low_bits - kOneByteFollows);
  if (rest.size() < size) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : rest.substr(0, size)) {
    value = value << 8 | static_cast<std::uint8_t>(c);
  }
  rest.remove_prefix(size);
  const bool minimal =
      size == 1 ? value >= kOneByteFollows : value >> (size * 4) != 0;
  if (!minimal) return std::nullopt;
  return value;
}

// The simple values that exist here have no argument (RFC 8949 3.3).
std::optional<CborItem> SimpleValue(std::uint8_t low_bits) {
  switch (low_bits) {
    case 20:
      return CborItem{.type = CborType::kBool, .value = 0};
    case 21:
      return CborItem{.type = CborType::kBool, .value = 1};
    case 22:
      return CborItem{.type = CborType::kNull};
    case 23:
      return CborItem{.type = CborType::kUndefined};
    default:
      return std::nullopt;
  }
}

std::optional<CborItem> TakeString(CborType type, std::uint64_t size,
                                   std::string_view& rest) {
  if (size > rest.size()) return std::nullopt;
  const CborItem item = {.type = type, .string = rest.substr(0, size)};
  if (type == CborType::kText && !IsUtf8(item.string)) return std::nullopt;
  rest.remove_prefix(size);
  return item;
}

std::optional<CborItem> TakeContainer(CborType type, std::uint64_t count,
                                      std::string_view rest) {
  const std::size_t bytes_each = type == CborType::kMap ? 2 : 1;
  if (count > rest.size() / bytes_each) return std::nullopt;
  return CborItem{.type = type, .value = count};
}

// Takes one item off the front of `rest`, whose position is unspecified after a
// failure.
std::optional<CborItem> TakeItem(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  const auto head = static_cast<std::uint8_t>(rest.front());
  const std::uint8_t major = head >> 5;
  const std::uint8_t low_bits = head & 0x1f;
  rest.remove_prefix(1);
  if (major > kMajorTag) return SimpleValue(low_bits);
  const bool container = major == kMajorArray || major == kMajorMap;
  if (container && low_bits == kIndefinite) {
    return CborItem{
        .type = major == kMajorMap ? CborType::kMap : CborType::kArray,
        .indefinite = true};
  }
  const std::optional<std::uint64_t> argument = TakeArgument(low_bits, rest);
  if (!argument.has_value()) return std::nullopt;
  switch (major) {
    case kMajorUnsigned:
      return CborItem{.type = CborType::kUnsigned, .value = *argument};
    case kMajorNegative:
      return CborItem{.type = CborType::kNegative, .value = *argument};
    case kMajorBytes:
      return TakeString(CborType::kBytes, *argument, rest);
    case kMajorText:
      return TakeString(CborType::kText, *argument, rest);
    case kMajorArray:
      return TakeContainer(CborType::kArray, *argument, rest);
    case kMajorMap:
      return TakeContainer(CborType::kMap, *argument, rest);
    default:
      return CborItem{.type = CborType::kTag, .value = *argument};
  }
}

absl::Status SkipKey(CborReader& reader, CborKeys& keys) {
  const std::string_view before = reader.rest();
  const std::optional<CborItem> key = reader.Read();
  if (!key.has_value()) {
    return Reject(Reason::kCborMalformed, "a key of a map is malformed");
  }
  switch (key->type) {
    case CborType::kUnsigned:
    case CborType::kNegative:
    case CborType::kBytes:
    case CborType::kText:
      // Heads are minimal, so equal keys have equal bytes.
      return keys.Add(before.substr(0, before.size() - reader.rest().size()));
    default:
      return Reject(Reason::kCborMalformed,
                    "a key of a map is neither a number nor a string");
  }
}

absl::Status SkipPairs(CborReader& reader, CborItem& map, int depth) {
  // Thousands of empty maps fit into one document: none of them may cost a
  // table of keys.
  if (!reader.More(map)) return absl::OkStatus();
  CborKeys keys;
  do {
    const absl::Status key = SkipKey(reader, keys);
    if (!key.ok()) return key;
    const absl::Status value = SkipCborValue(reader, depth);
    if (!value.ok()) return value;
  } while (reader.More(map));
  return absl::OkStatus();
}

}  // namespace

std::optional<CborItem> CborReader::Read() {
  std::string_view rest = rest_;
  std::optional<CborItem> item = TakeItem(rest);
  if (item.has_value()) rest_ = rest;
  return item;
}

bool CborReader::More(CborItem& container) {
  if (container.indefinite) {
    if (rest_.empty() || rest_.front() != kBreak) return true;
    rest_.remove_prefix(1);
    return false;
  }
  if (container.value == 0) return false;
  --container.value;
  return true;
}

absl::Status CborKeys::Add(std::string_view key) {
  const auto end = keys_.begin() + size_;
  // Comparing the last byte first spares a hostile map's keys most whole
  // comparisons.
  const auto is_same = [key](std::string_view other) {
    return other.size() == key.size() &&
           (key.empty() || other.back() == key.back()) && other == key;
  };
  if (std::any_of(keys_.begin(), end, is_same)) {
    return Reject(Reason::kDuplicateKey, "a map has the same key twice");
  }
  if (size_ == kMaxKeys) {
    return Reject(Reason::kCborMalformed, "a map has too many keys");
  }
  keys_[size_++] = key;
  return absl::OkStatus();
}

absl::Status SkipCborValue(CborReader& reader, int depth) {
  std::optional<CborItem> item = reader.Read();
  if (!item.has_value() || item->Is(CborType::kTag)) {
    return Reject(Reason::kCborMalformed, "a value is malformed, or has a tag");
  }
  const bool is_map = item->Is(CborType::kMap);
  if (!is_map && !item->Is(CborType::kArray)) return absl::OkStatus();
  if (depth == 0) {
    return Reject(Reason::kCborMalformed, "maps and arrays nest too deeply");
  }
  if (is_map) return SkipPairs(reader, *item, depth - 1);
  while (reader.More(*item)) {
    const absl::Status value = SkipCborValue(reader, depth - 1);
    if (!value.ok()) return value;
  }
  return absl::OkStatus();
}

}  // namespace anchorage::verify

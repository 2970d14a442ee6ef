#include "anchors/wire/wire_field.h"

#include <limits>

namespace anchorage::anchors {
namespace {

constexpr std::uint64_t kMaxTag = std::numeric_limits<std::uint32_t>::max();
constexpr int kMaxVarintBytes = 10;

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

void Put(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(value | 0x80));
  }
  out.push_back(static_cast<char>(value));
}

bool Take(std::string_view& bytes, std::uint64_t size,
          std::string_view& taken) {
  if (size > bytes.size()) return false;
  taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

}  // namespace

bool TakeField(std::string_view& bytes, WireField& field) {
  std::uint64_t tag = 0;
  std::uint64_t number = 0;
  std::string_view value;
  if (!TakeVarint(bytes, tag) || tag > kMaxTag || tag >> 3 == 0) return false;
  field.number = static_cast<std::uint32_t>(tag >> 3);
  field.value.reset();
  field.varint.reset();
  switch (tag & 7) {
    case kVarint:
      if (!TakeVarint(bytes, number)) return false;
      field.varint = number;
      return true;
    case k64Bit:
      return Take(bytes, 8, value);
    case k32Bit:
      return Take(bytes, 4, value);
    case kLength:
      if (!TakeVarint(bytes, number) || !Take(bytes, number, value)) {
        return false;
      }
      field.value = value;
      return true;
    default:
      return false;
  }
}

void PutVarint(std::uint32_t field, std::uint64_t value, std::string& out) {
  Put(std::uint64_t{field} << 3 | kVarint, out);
  Put(value, out);
}

void PutBytes(std::uint32_t field, std::string_view bytes, std::string& out) {
  Put(std::uint64_t{field} << 3 | kLength, out);
  Put(bytes.size(), out);
  out.append(bytes);
}

}  // namespace anchorage::anchors

#include "anchors/wire/wire_scan.h"

#include <cstdint>
#include <limits>
#include <string>

namespace anchorage::anchors {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// The low three bits of a tag.
enum WireType : unsigned { kVarint = 0, k64Bit = 1, kLength = 2, k32Bit = 5 };

constexpr std::uint64_t kMaxTag = std::numeric_limits<std::uint32_t>::max();
constexpr int kMaxVarintBytes = 10;

absl::Status Malformed() {
  return absl::InvalidArgumentError("not the wire form of a message");
}

// Takes one varint off the front of `bytes`.
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

bool Take(std::string_view& bytes, std::uint64_t size,
          std::string_view& taken) {
  if (size > bytes.size()) return false;
  taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

class Scanner {
 public:
  explicit Scanner(const WireLimits& limits)
      : fields_left_(limits.fields), depth_left_(limits.depth) {}

  absl::Status Scan(std::string_view bytes, const Descriptor& type) {
    if (depth_left_-- == 0) {
      return absl::ResourceExhaustedError("messages stand too deep");
    }
    while (!bytes.empty()) {
      if (absl::Status s = ScanField(bytes, type); !s.ok()) return s;
    }
    ++depth_left_;
    return absl::OkStatus();
  }

 private:
  absl::Status Count(std::size_t fields) {
    if (fields > fields_left_) {
      return absl::ResourceExhaustedError(
          "more fields than a message may have");
    }
    fields_left_ -= fields;
    return absl::OkStatus();
  }

  absl::Status ScanField(std::string_view& bytes, const Descriptor& type) {
    std::uint64_t tag = 0;
    if (!TakeVarint(bytes, tag) || tag > kMaxTag || tag >> 3 == 0) {
      return Malformed();
    }
    if (absl::Status s = Count(1); !s.ok()) return s;
    std::uint64_t number = 0;
    std::string_view value;
    switch (tag & 7) {
      case kVarint:
        return TakeVarint(bytes, number) ? absl::OkStatus() : Malformed();
      case k64Bit:
        return Take(bytes, 8, value) ? absl::OkStatus() : Malformed();
      case k32Bit:
        return Take(bytes, 4, value) ? absl::OkStatus() : Malformed();
      case kLength:
        if (!TakeVarint(bytes, number) || !Take(bytes, number, value)) {
          return Malformed();
        }
        return ScanValue(value,
                         type.FindFieldByNumber(static_cast<int>(tag >> 3)));
      default:
        return Malformed();
    }
  }

  // Scans a length-delimited value. `field` is null for a field that the type
  // does not have, which protobuf keeps as one string.
  absl::Status ScanValue(std::string_view value, const FieldDescriptor* field) {
    if (field == nullptr) return absl::OkStatus();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return Scan(value, *field->message_type());
    }
    // An element of a packed list has at least one byte.
    return field->is_packable() ? Count(value.size()) : absl::OkStatus();
  }

  std::size_t fields_left_;
  int depth_left_;
};

}  // namespace

absl::Status ScanWire(std::string_view bytes, const Descriptor& type,
                      const WireLimits& limits) {
  return Scanner(limits).Scan(bytes, type);
}

absl::Status ParseBounded(std::string_view bytes, const WireLimits& limits,
                          google::protobuf::Message& message) {
  if (bytes.size() >
      static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return absl::ResourceExhaustedError("longer than a message may be");
  }
  if (absl::Status s = ScanWire(bytes, *message.GetDescriptor(), limits);
      !s.ok()) {
    return s;
  }
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("not a " + message.GetTypeName());
}

}  // namespace anchorage::anchors

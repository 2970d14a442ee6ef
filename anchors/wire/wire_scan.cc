#include "anchors/wire/wire_scan.h"

#include <cstddef>
#include <limits>
#include <string>

#include "anchors/wire/wire_field.h"

namespace anchorage::anchors {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

absl::Status Malformed() {
  return absl::InvalidArgumentError("not the wire form of a message");
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
    if (absl::Status s = Count(1); !s.ok()) return s;
    WireField field;
    if (!TakeField(bytes, field)) return Malformed();
    if (!field.value.has_value()) return absl::OkStatus();
    return ScanValue(*field.value,
                     type.FindFieldByNumber(static_cast<int>(field.number)));
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

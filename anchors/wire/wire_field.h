// The fields of a serialised message, without protobuf.
//
//   while (!bytes.empty()) {
//     WireField field;
//     if (!TakeField(bytes, field)) return Malformed();
//     ...
//   }
//
//   PutBytes(kName, name, out);
//
// Pure.

#ifndef ANCHORAGE_ANCHORS_WIRE_WIRE_FIELD_H_
#define ANCHORAGE_ANCHORS_WIRE_WIRE_FIELD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace anchorage::anchors {

// The type of a field: the low three bits of its tag.
enum WireType : unsigned { kVarint = 0, k64Bit = 1, kLength = 2, k32Bit = 5 };

struct WireField {
  // At least 1.
  std::uint32_t number = 0;
  // Of text, bytes, an inner message or a packed list; nullopt for a number.
  std::optional<std::string_view> value;
  // Of a number of the type kVarint.
  std::optional<std::uint64_t> varint;
};

// Takes a field off the front of `bytes`. Returns false if no field of the wire
// form stands there, or a group, which no message of ours has; then neither
// argument is of use.
bool TakeField(std::string_view& bytes, WireField& field);

// Each appends a field to `out`.
void PutVarint(std::uint32_t field, std::uint64_t value, std::string& out);
void PutBytes(std::uint32_t field, std::string_view bytes, std::string& out);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_WIRE_WIRE_FIELD_H_

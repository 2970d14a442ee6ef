// Checks a serialised message before protobuf reads it.
//
//   if (absl::Status s = ParseBounded(bytes, {}, message); !s.ok()) return s;
//
// protobuf makes an object for every field, even an empty one: two bytes of a
// hostile message become thirty. So the fields are counted first, on the bytes,
// which costs no memory. Pure.

#ifndef ANCHORAGE_ANCHORS_WIRE_WIRE_SCAN_H_
#define ANCHORAGE_ANCHORS_WIRE_WIRE_SCAN_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string_view>

#include "absl/status/status.h"

namespace anchorage::anchors {

struct WireLimits {
  // The most fields, including those of inner messages and the elements of
  // packed lists.
  int fields = 4096;
  // The deepest nesting of messages.
  int depth = 16;
};

// Fails with INVALID_ARGUMENT if `bytes` are not the wire form of a message
// (without groups, which no message of ours has), and with RESOURCE_EXHAUSTED
// if they exceed a limit. Fields that `type` does not have are counted and
// skipped.
absl::Status ScanWire(std::string_view bytes,
                      const google::protobuf::Descriptor& type,
                      const WireLimits& limits);

// Scans `bytes` and then parses them. Fails as ScanWire() does, and with
// INVALID_ARGUMENT for what protobuf refuses, such as text that is not UTF-8.
absl::Status ParseBounded(std::string_view bytes, const WireLimits& limits,
                          google::protobuf::Message& message);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_WIRE_WIRE_SCAN_H_

// Reads YAML that people write, with a proto message as its schema.
//
//   v1::TrustdConfig config;
//   if (absl::Status s = ReadYaml(text, "trustd.yaml", config); !s.ok()) ...
//
// Pure, and safe to call from any number of threads.

#ifndef ANCHORAGE_ANCHORS_BASE_YAML_TO_PROTO_H_
#define ANCHORAGE_ANCHORS_BASE_YAML_TO_PROTO_H_

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace anchorage::anchors {

inline constexpr std::size_t kMaxYamlBytes = 256 * 1024;
// The deepest nesting of messages; the top is at depth 0.
inline constexpr int kMaxYamlDepth = 16;

// Reads one YAML document into `message`, which is empty: keys are field
// names, enum values have their full names, a Duration is "90s", a repeated
// field is a list of one element or more. Fails with INVALID_ARGUMENT, a
// message that begins with the place ("`name`:LINE: ..." where a line is to
// blame), and one of these reasons:
//  - kInputTooLarge: beyond a limit above;
//  - kDocumentMalformed: not UTF-8, not YAML, not exactly one document, not
//    keys where a message is; or with an alias, because a small file must not
//    become a large message, or with a tag (`!!str`);
//  - kFieldUnknown: a key that the schema does not have;
//  - kDuplicateKey: a key twice, or two fields of one oneof;
//  - kFieldInvalid: a value of another type, an empty list (a list that says
//    nothing is not the same as no list, but a message cannot tell them
//    apart), or the zero value of an enum.
absl::Status ReadYaml(std::string_view yaml, const std::string& name,
                      google::protobuf::Message& message);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_YAML_TO_PROTO_H_

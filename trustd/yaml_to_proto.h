// YAML for people, a proto message as its schema.

#ifndef ANCHORAGE_TRUSTD_YAML_TO_PROTO_H_
#define ANCHORAGE_TRUSTD_YAML_TO_PROTO_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace anchorage::trustd {

// Reads one YAML document, at most 256 KiB, into `message`: keys are field
// names, enum values have their full names, a Duration is "90s", a repeated
// field is a list. Refuses what the schema does not have, a key twice, and a
// value of another type, with "`name`:LINE: ..." and INVALID_ARGUMENT. Aliases
// are refused: a small file must not become a large message.
absl::Status ReadYaml(std::string_view yaml, const std::string& name,
                      google::protobuf::Message& message);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_YAML_TO_PROTO_H_

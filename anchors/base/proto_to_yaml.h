// Writes a proto message as the YAML that ReadYaml() reads as its schema says.
//
//   std::cout << WriteYaml(config);
//
// Pure, and safe to call from any number of threads.

#ifndef ANCHORAGE_ANCHORS_BASE_PROTO_TO_YAML_H_
#define ANCHORAGE_ANCHORS_BASE_PROTO_TO_YAML_H_

#include <google/protobuf/message.h>

#include <string>

namespace anchorage::anchors {

// Returns one document in ASCII, its keys in the order of the schema, its
// longest line as long as the longest text. ReadYaml() reads it as an equal
// message if `message` is one that it could have read. What is not set is left
// out; a bool that cannot be unset is written also where it is false.
std::string WriteYaml(const google::protobuf::Message& message);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_PROTO_TO_YAML_H_

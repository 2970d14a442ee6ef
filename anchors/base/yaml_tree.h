// YAML that people write, as a tree of plain values.
//
//   auto root = ParseYaml(text, "policy.yaml");
//   if (!root.ok()) return root.status();
//
// JSON is YAML here, too. Pure, and safe to call from any number of threads.

#ifndef ANCHORAGE_ANCHORS_BASE_YAML_TREE_H_
#define ANCHORAGE_ANCHORS_BASE_YAML_TREE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verify/reason.h"

namespace anchorage::anchors {

inline constexpr std::size_t kMaxYamlTreeBytes = 256 * 1024;
inline constexpr int kMaxYamlTreeDepth = 64;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  // From 1.
  int line = 0;
  // Of a scalar.
  std::string text;
  // Of a scalar: written without quotes, so that it may be no text.
  bool plain = false;
  // Of a list its elements; of a map key, value, key, value, ...
  std::vector<YamlNode> children;
};

// Reads exactly one document. Fails with "`name`:LINE: ..." and kInputTooLarge
// beyond a limit above, or kDocumentMalformed: not UTF-8, not YAML, not one
// document of keys; with a byte order mark, a line that begins with "%", an
// anchor, an alias or a tag.
absl::StatusOr<YamlNode> ParseYaml(std::string_view yaml,
                                   const std::string& name);

// A refusal with "`name`:LINE: " in front of `what`.
absl::Status YamlError(verify::Reason reason, const std::string& name,
                       const YamlNode& node, const std::string& what);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_YAML_TREE_H_

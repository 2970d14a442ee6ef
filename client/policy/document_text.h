// What the readers of policy documents share: JSON and YAML as one tree, and the
// name of their file before what is wrong with it.

#ifndef ANCHORAGE_CLIENT_POLICY_DOCUMENT_TEXT_H_
#define ANCHORAGE_CLIENT_POLICY_DOCUMENT_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/yaml_fields.h"
#include "anchors/base/yaml_tree.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

namespace anchorage::anchors {

// Two levels, object and list, for each level of messages.
inline constexpr verify::JsonLimits kPolicyJsonLimits = {
    .max_bytes = kMaxYamlTreeBytes, .max_depth = 36};

// The fields of a message, as its reader has them: what the schemas of the
// documents are held to.
struct PolicyMessage {
  std::string_view name;
  std::vector<std::string_view> fields;
};
std::vector<PolicyMessage> IdentityPolicyMessages();
std::vector<PolicyMessage> AttestationPolicyMessages();

// Returns how `text` is read: as JSON, strictly, where it begins with "{".
inline YamlFields::Syntax SyntaxOf(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && text[first] == '{' ? YamlFields::Syntax::kJson
                                                  : YamlFields::Syntax::kYaml;
}

// Returns `json`, which ParseJson() read, as YAML: an escaped pair of surrogates
// is one escape there.
std::string YamlOf(std::string_view json);

template <typename T>
absl::StatusOr<T> InFile(const std::string& name, absl::StatusOr<T> result) {
  if (result.ok()) return result;
  return verify::Reject(verify::ReasonOf(result.status()).value(),
                        absl::StrCat(name, ": ", result.status().message()));
}

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_CLIENT_POLICY_DOCUMENT_TEXT_H_

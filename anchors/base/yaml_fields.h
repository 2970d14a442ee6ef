// The fields of what people write in YAML or JSON, read strictly: a key that is
// not known, a key twice, a value of another type and an empty list are
// refused.
// Fails as ReadYaml() (yaml_to_proto.h) does, with the same reasons.

#ifndef ANCHORAGE_ANCHORS_BASE_YAML_FIELDS_H_
#define ANCHORAGE_ANCHORS_BASE_YAML_FIELDS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "anchors/base/yaml_tree.h"
#include "verify/reason.h"

namespace anchorage::anchors {

class YamlFields {
 public:
  enum class Syntax { kYaml, kJson };

  // `name` stands before each message, and outlives this.
  YamlFields(const std::string& name, Syntax syntax)
      : name_(name), syntax_(syntax) {}

  // Calls `read` for each key of `map`, all of which are among `known`, until
  // it fails.
  absl::Status Each(const YamlNode& map,
                    absl::Span<const std::string_view> known,
                    absl::FunctionRef<absl::Status(const std::string& key,
                                                   const YamlNode& value)>
                        read) const;

  // A text: in JSON in quotes, and in YAML in quotes where it would otherwise
  // say yes, no or nothing, such as `no`. A number without quotes is its
  // digits, such as those of a PCR.
  absl::Status Text(const YamlNode& node, std::string_view key,
                    std::string& text) const;
  absl::Status Bool(const YamlNode& node, std::string_view key,
                    bool& value) const;
  // "600s".
  absl::Status Seconds(const YamlNode& node, std::string_view key,
                       absl::Duration& duration) const;
  absl::Status List(
      const YamlNode& node, std::string_view key,
      absl::FunctionRef<absl::Status(const YamlNode&)> read) const;
  absl::Status Texts(const YamlNode& node, std::string_view key,
                     std::vector<std::string>& texts) const;

  absl::Status Error(verify::Reason reason, const YamlNode& node,
                     const std::string& what) const {
    return YamlError(reason, name_, node, what);
  }
  absl::Status Invalid(const YamlNode& node, std::string_view key,
                       std::string_view what) const;

 private:
  const std::string& name_;
  const Syntax syntax_;
};

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_YAML_FIELDS_H_

#include "client/policy/attestation_policy_text.h"

#include <iterator>

#include "anchors/base/yaml_fields.h"
#include "anchors/base/yaml_tree.h"
#include "client/policy/document_text.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::KeyType;
using verify::Reason;

// Of conditions in conditions.
constexpr int kMaxConditionDepth = 16;

constexpr std::string_view kPolicyFields[] = {"type",
                                              "condition",
                                              "release",
                                              "nonce",
                                              "user_data",
                                              "public_key",
                                              "modules",
                                              "instances",
                                              "regions",
                                              "ignore_the_rest",
                                              "partition",
                                              "max_age",
                                              "clock_leeway",
                                              "allow_debug",
                                              "refuse_unknown_fields",
                                              "strict",
                                              "allow_extensions"};
constexpr std::string_view kConditionFields[] = {
    "all_of", "any_of", "not", "key", "values", "ignore_case"};
constexpr std::string_view kBytesFields[] = {"hex", "ignored"};
constexpr std::string_view kKeyFields[] = {"hex", "types", "present",
                                           "ignored"};
constexpr std::string_view kDebugFields[] = {"why"};

class Reader {
 public:
  Reader(const std::string& name, YamlFields::Syntax syntax)
      : fields_(name, syntax) {}

  absl::Status Read(const YamlNode& root, AttestationPolicyText& policy) {
    return fields_.Each(root, kPolicyFields,
                        [&](const std::string& key, const YamlNode& value) {
                          return ReadField(key, value, policy);
                        });
  }

 private:
  absl::Status ReadField(const std::string& key, const YamlNode& value,
                         AttestationPolicyText& policy) {
    if (key == "type") return Type(value, policy.type);
    if (key == "condition")
      return Condition(value, policy.condition.emplace(), 1);
    if (key == "release")
      return fields_.Text(value, key, policy.release.emplace());
    if (key == "nonce") return Bytes(value, policy.nonce.emplace());
    if (key == "user_data") return Bytes(value, policy.user_data.emplace());
    if (key == "public_key") return Key(value, policy.public_key.emplace());
    if (key == "modules") return fields_.Texts(value, key, policy.modules);
    if (key == "instances") return fields_.Texts(value, key, policy.instances);
    if (key == "regions") return fields_.Texts(value, key, policy.regions);
    if (key == "ignore_the_rest") {
      return fields_.Text(value, key, policy.ignore_the_rest);
    }
    if (key == "partition") {
      return fields_.Text(value, key, policy.partition.emplace());
    }
    if (key == "max_age") {
      return fields_.Seconds(value, key, policy.max_age.emplace());
    }
    if (key == "clock_leeway") {
      return fields_.Seconds(value, key, policy.clock_leeway.emplace());
    }
    if (key == "allow_debug") return Debug(value, policy.allow_debug.emplace());
    if (key == "refuse_unknown_fields") {
      return fields_.Bool(value, key, policy.refuse_unknown_fields);
    }
    if (key == "strict") return fields_.Bool(value, key, policy.strict);
    return fields_.Text(value, key, policy.allow_extensions.emplace());
  }

  absl::Status Type(const YamlNode& node,
                    std::optional<verify::AttestationType>& type) {
    std::string text;
    absl::Status s = fields_.Text(node, "type", text);
    if (!s.ok()) return s;
    if (text == "TYPE_ENCLAVE") {
      type = verify::AttestationType::kEnclave;
    } else if (text == "TYPE_NITRO_TPM") {
      type = verify::AttestationType::kNitroTpm;
    } else {
      return fields_.Invalid(node, "type",
                             "is one of TYPE_ENCLAVE, TYPE_NITRO_TPM");
    }
    return s;
  }

  absl::Status Condition(const YamlNode& node, ConditionText& condition,
                         int depth) {
    if (depth > kMaxConditionDepth) {
      return fields_.Error(Reason::kInputTooLarge, node, "nested too deep");
    }
    return fields_.Each(
        node, kConditionFields,
        [&](const std::string& key, const YamlNode& value) -> absl::Status {
          if (key == "key") return fields_.Text(value, key, condition.key);
          if (key == "values") {
            return fields_.Texts(value, key, condition.values);
          }
          if (key == "ignore_case") {
            return fields_.Bool(value, key, condition.ignore_case);
          }
          if (key == "not") {
            return Condition(value, condition.negated.emplace_back(),
                             depth + 1);
          }
          auto& list = key == "all_of" ? condition.all_of : condition.any_of;
          return fields_.List(value, key, [&](const YamlNode& element) {
            return Condition(element, list.emplace_back(), depth + 1);
          });
        });
  }

  absl::Status Bytes(const YamlNode& node, ExpectedBytesText& bytes) {
    return fields_.Each(
        node, kBytesFields,
        [&](const std::string& key, const YamlNode& value) -> absl::Status {
          if (bytes.hex.has_value() || bytes.ignored.has_value()) {
            return fields_.Error(Reason::kDuplicateKey, value,
                                 "'hex' contradicts 'ignored'");
          }
          auto& text = key == "hex" ? bytes.hex : bytes.ignored;
          return fields_.Text(value, key, text.emplace());
        });
  }

  absl::Status Key(const YamlNode& node, ExpectedPublicKeyText& expected) {
    return fields_.Each(
        node, kKeyFields,
        [&](const std::string& key, const YamlNode& value) -> absl::Status {
          if (key == "hex") {
            return fields_.Text(value, key, expected.hex.emplace());
          }
          if (key == "ignored") {
            return fields_.Text(value, key, expected.ignored.emplace());
          }
          if (key == "present") {
            return fields_.Bool(value, key, expected.present);
          }
          return fields_.List(value, key, [&](const YamlNode& element) {
            return TypeOfKey(element, expected.types.emplace_back());
          });
        });
  }

  absl::Status TypeOfKey(const YamlNode& node, KeyType& type) {
    static constexpr struct {
      std::string_view name;
      KeyType type;
    } kTypes[] = {{"KEY_TYPE_RSA", KeyType::kRsa},
                  {"KEY_TYPE_EC_P256", KeyType::kEcP256},
                  {"KEY_TYPE_EC_P384", KeyType::kEcP384},
                  {"KEY_TYPE_ED25519", KeyType::kEd25519}};
    std::string text;
    if (absl::Status s = fields_.Text(node, "types", text); !s.ok()) return s;
    for (const auto& known : kTypes) {
      if (known.name != text) continue;
      type = known.type;
      return absl::OkStatus();
    }
    return fields_.Invalid(node, "types",
                           "is one of KEY_TYPE_RSA, KEY_TYPE_EC_P256, "
                           "KEY_TYPE_EC_P384, KEY_TYPE_ED25519");
  }

  absl::Status Debug(const YamlNode& node, std::string& why) {
    return fields_.Each(node, kDebugFields,
                        [&](const std::string& key, const YamlNode& value) {
                          return fields_.Text(value, key, why);
                        });
  }

  YamlFields fields_;
};

}  // namespace

std::vector<PolicyMessage> AttestationPolicyMessages() {
  const auto all = [](const auto& names) {
    return std::vector<std::string_view>(std::begin(names), std::end(names));
  };
  return {{"AttestationPolicy", all(kPolicyFields)},
          {"AttestationCondition", all(kConditionFields)},
          {"ExpectedBytes", all(kBytesFields)},
          {"ExpectedPublicKey", all(kKeyFields)},
          {"DebugAllowance", all(kDebugFields)}};
}

absl::StatusOr<AttestationPolicyText> ReadAttestationPolicyText(
    std::string_view text, const std::string& name) {
  const YamlFields::Syntax syntax = SyntaxOf(text);
  const auto root = syntax == YamlFields::Syntax::kJson
                        ? ParseYaml(YamlOf(text), name)
                        : ParseYaml(text, name);
  if (!root.ok()) return root.status();
  AttestationPolicyText policy;
  if (absl::Status s = Reader(name, syntax).Read(*root, policy); !s.ok()) {
    return s;
  }
  return policy;
}

}  // namespace anchorage::anchors

#include "client/policy/kms_policy.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/policy/kms_warnings.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::Condition;
using verify::JsonKind;
using verify::JsonValue;
using verify::Reason;
using verify::Reject;

constexpr absl::string_view kPrefix = "kms:RecipientAttestation:";
constexpr std::size_t kMaxNameInText = 64;

// Quotes a name from the policy for a message.
std::string Quoted(std::string_view name) {
  return "'" + std::string(name.substr(0, kMaxNameInText)) + "'";
}

template <std::size_t kNames>
absl::Status CheckNames(const JsonValue& object, std::string_view what,
                        const std::array<std::string_view, kNames>& known) {
  for (const auto& [name, value] : object.members()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Reject(Reason::kFieldUnknown,
                    std::string(what) + " has no " + Quoted(name));
    }
  }
  return absl::OkStatus();
}

// The Condition of one statement, and what is read of it.
class ConditionReader {
 public:
  explicit ConditionReader(bool ignore_other_keys)
      : ignore_other_keys_(ignore_other_keys) {}

  bool has_other_keys() const { return has_other_keys_; }

  // Returns everything that `block` says about attestation documents; nullopt
  // if it says nothing about them.
  absl::StatusOr<std::optional<Condition>> Read(const JsonValue& block) {
    if (block.kind() != JsonKind::kObject) {
      return Reject(Reason::kFieldInvalid, "a 'Condition' is not an object");
    }
    const absl::StatusOr<bool> has_any = HasAttestationKeys(block);
    if (!has_any.ok()) return has_any.status();
    if (!*has_any) return std::nullopt;
    std::vector<Condition> leaves;
    for (const auto& [op, keys] : block.members()) {
      for (const auto& [key, values] : keys.members()) {
        absl::Status s = ReadKey(op, key, values, leaves);
        if (!s.ok()) return s;
      }
    }
    if (leaves.size() == 1) return leaves.front();
    return Condition::AllOf(std::move(leaves));
  }

 private:
  static absl::StatusOr<bool> HasAttestationKeys(const JsonValue& block) {
    bool has_any = false;
    for (const auto& [op, keys] : block.members()) {
      if (keys.kind() != JsonKind::kObject) {
        return Reject(Reason::kFieldInvalid,
                      Quoted(op) + " is not an operator with its keys");
      }
      for (const auto& [key, values] : keys.members()) {
        has_any = has_any || AttestationKeyOf(key).has_value();
      }
    }
    return has_any;
  }

  absl::Status ReadKey(std::string_view op, std::string_view key,
                       const JsonValue& values,
                       std::vector<Condition>& leaves) {
    const auto attestation_key = AttestationKeyOf(key);
    if (!attestation_key.has_value()) {
      has_other_keys_ = true;
      if (ignore_other_keys_) return absl::OkStatus();
      return Reject(Reason::kPolicyIncomplete,
                    absl::StrCat("a document proves nothing of ", Quoted(key),
                                 ": say why the conditions on other keys are "
                                 "ignored, or take them out"));
    }
    const bool any_case = op == "StringEqualsIgnoreCase";
    if (!any_case && op != "StringEquals") return RefuseOperator(op, key);
    absl::StatusOr<std::vector<std::string>> texts = ReadValues(key, values);
    if (!texts.ok()) return texts.status();
    leaves.push_back(Condition::Is(
        std::string(*attestation_key), *std::move(texts),
        any_case ? Condition::Letters::kAnyCase : Condition::Letters::kExact));
    return absl::OkStatus();
  }

  static absl::StatusOr<std::vector<std::string>> ReadValues(
      std::string_view key, const JsonValue& values) {
    std::vector<std::string> texts;
    const auto add = [&texts](const JsonValue& value) {
      const auto text = value.AsString();
      if (text.has_value()) texts.emplace_back(*text);
      return text.has_value();
    };
    const bool all_text = values.kind() == JsonKind::kArray
                              ? std::all_of(values.elements().begin(),
                                            values.elements().end(), add)
                              : add(values);
    if (all_text) return texts;
    return Reject(Reason::kFieldInvalid,
                  "a value of " + Quoted(key) + " is not a text");
  }

  static absl::Status RefuseOperator(std::string_view op,
                                     std::string_view key) {
    std::string why = "is not StringEquals or StringEqualsIgnoreCase";
    if (op.ends_with("IfExists")) {
      why = "also holds for a request without any attestation document";
    } else if (op.starts_with("ForAllValues:")) {
      why = "also holds for a document without that PCR";
    } else if (op.starts_with("ForAnyValue:")) {
      why = "is for keys of several values, and a PCR has one";
    }
    return Reject(Reason::kFieldInvalid, Quoted(op) + " of " + Quoted(key) +
                                             " is not read: it " + why);
  }

  const bool ignore_other_keys_;
  bool has_other_keys_ = false;
};

// The statements of a key policy.
class StatementReader {
 public:
  explicit StatementReader(ConditionReader& conditions)
      : conditions_(conditions) {}

  absl::StatusOr<std::vector<Condition>> Read(const JsonValue& policy) {
    absl::Status s =
        CheckNames<3>(policy, "a key policy", {"Version", "Id", "Statement"});
    if (!s.ok()) return s;
    const JsonValue& statements = *policy.Find("Statement");
    std::vector<Condition> allowed;
    if (statements.kind() == JsonKind::kArray) {
      for (const JsonValue& statement : statements.elements()) {
        s = ReadStatement(statement, allowed);
        if (!s.ok()) return s;
      }
    } else {
      s = ReadStatement(statements, allowed);
      if (!s.ok()) return s;
    }
    return allowed;
  }

 private:
  absl::Status ReadStatement(const JsonValue& statement,
                             std::vector<Condition>& allowed) {
    if (statement.kind() != JsonKind::kObject) {
      return Reject(Reason::kFieldInvalid, "a 'Statement' is not an object");
    }
    absl::Status s =
        CheckNames<9>(statement, "a statement",
                      {"Sid", "Effect", "Principal", "NotPrincipal", "Action",
                       "NotAction", "Resource", "NotResource", "Condition"});
    if (!s.ok()) return s;
    const absl::StatusOr<bool> allows = Allows(statement);
    if (!allows.ok()) return allows.status();
    const JsonValue* block = statement.Find("Condition");
    if (block == nullptr) return absl::OkStatus();
    if (!*allows) return CheckDenial(*block);
    // Before it decrypts, KMS does not check a condition on DescribeKey.
    if (!IsAboutAttested(statement)) return absl::OkStatus();
    absl::StatusOr<std::optional<Condition>> condition =
        conditions_.Read(*block);
    if (!condition.ok()) return condition.status();
    if (condition->has_value()) allowed.push_back(**std::move(condition));
    return absl::OkStatus();
  }

  static absl::StatusOr<bool> Allows(const JsonValue& statement) {
    const JsonValue* effect = statement.Find("Effect");
    if (effect == nullptr) {
      return Reject(Reason::kFieldMissing, "a statement has no 'Effect'");
    }
    const auto text = effect->AsString();
    if (text != "Allow" && text != "Deny") {
      return Reject(Reason::kFieldInvalid,
                    "an 'Effect' is neither Allow nor Deny");
    }
    return text == "Allow";
  }

  // Refused, because what is denied by measurements would have to be subtracted
  // from what is allowed.
  static absl::Status CheckDenial(const JsonValue& block) {
    ConditionReader any(/*ignore_other_keys=*/true);
    const auto condition = any.Read(block);
    if (condition.ok() && !condition->has_value()) return absl::OkStatus();
    return Reject(Reason::kFieldInvalid,
                  "a statement that denies by kms:RecipientAttestation is not "
                  "read: write what is allowed, or a policy with 'not'");
  }

  ConditionReader& conditions_;
};

// Returns the first leaf.
const Condition& FirstLeaf(const Condition& condition) {
  return condition.kind() == Condition::Kind::kIs
             ? condition
             : FirstLeaf(condition.operands().front());
}

}  // namespace

std::optional<std::string_view> AttestationKeyOf(std::string_view key) {
  if (!absl::StartsWithIgnoreCase(absl::string_view(key.data(), key.size()),
                                  kPrefix)) {
    return std::nullopt;
  }
  return key.substr(kPrefix.size());
}

absl::StatusOr<JsonValue> OpenKmsPolicy(JsonValue json,
                                        const verify::JsonLimits& limits) {
  const JsonValue* policy = json.Find("Policy");
  if (policy == nullptr) return json;
  absl::Status s = CheckNames<2>(json, "what 'aws kms get-key-policy' prints",
                                 {"Policy", "PolicyName"});
  if (!s.ok()) return s;
  const auto text = policy->AsString();
  if (!text.has_value()) {
    return Reject(Reason::kFieldInvalid, "'Policy' is not a text");
  }
  auto opened = verify::ParseJson(*text, limits);
  if (opened.ok()) return opened;
  return Reject(verify::ReasonOf(opened.status()).value(),
                absl::StrCat("in 'Policy': ", opened.status().message()));
}

bool IsKmsPolicy(const JsonValue& json) {
  if (json.members().empty()) return false;
  const std::string& name = json.members().front().first;
  return !name.empty() && name.front() >= 'A' && name.front() <= 'Z';
}

absl::StatusOr<KmsDemands> ReadKmsPolicy(const JsonValue& json,
                                         bool ignore_other_keys) {
  ConditionReader conditions(ignore_other_keys);
  std::vector<Condition> allowed;
  if (json.Find("Statement") != nullptr) {
    auto statements = StatementReader(conditions).Read(json);
    if (!statements.ok()) return statements.status();
    allowed = *std::move(statements);
  } else {
    const JsonValue* named = json.Find("Condition");
    const bool bare = named == nullptr || json.members().size() > 1;
    auto condition = conditions.Read(bare ? json : *named);
    if (!condition.ok()) return condition.status();
    if (condition->has_value()) allowed.push_back(**std::move(condition));
  }
  if (allowed.empty()) {
    return Reject(Reason::kPolicyEmpty,
                  "no statement allows by a kms:RecipientAttestation key");
  }
  const auto key = verify::ParseConditionKey(FirstLeaf(allowed.front()).key());
  if (!key.ok()) return key.status();
  return KmsDemands{.type = key->type,
                    .condition = allowed.size() == 1
                                     ? allowed.front()
                                     : Condition::AnyOf(std::move(allowed)),
                    .has_other_keys = conditions.has_other_keys(),
                    .warnings = KmsWarnings(json)};
}

}  // namespace anchorage::anchors

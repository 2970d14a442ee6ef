#include "client/policy/policy_document.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/base/byte_order_mark.h"
#include "anchors/base/yaml_tree.h"
#include "client/policy/attestation_policy_text.h"
#include "client/policy/document_text.h"
#include "client/policy/kms_policy.h"
#include "verify/attestation/boot_extensions.h"
#include "verify/attestation/condition.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"
#include "verify/why.h"

namespace anchorage::anchors {
namespace {

using verify::AttestationType;
using verify::Condition;
using verify::Reason;
using verify::Reject;

constexpr char kWhyKms[] = "a KMS key policy says nothing of it";

// Reads hex; "" is no bytes.
absl::StatusOr<std::string> ReadHex(const std::string& hex,
                                    std::string_view field) {
  if (hex.empty()) return "";
  absl::StatusOr<std::string> bytes = verify::DecodeHex(hex);
  if (bytes.ok()) return bytes;
  return Reject(Reason::kEncodingMalformed,
                absl::StrCat("'", std::string(field), "' is not hex"));
}

absl::StatusOr<Condition> ToCondition(const ConditionText& text);

absl::StatusOr<std::vector<Condition>> ToConditions(
    const std::vector<ConditionText>& list) {
  std::vector<Condition> conditions;
  conditions.reserve(list.size());
  for (const ConditionText& text : list) {
    absl::StatusOr<Condition> condition = ToCondition(text);
    if (!condition.ok()) return condition.status();
    conditions.push_back(*std::move(condition));
  }
  return conditions;
}

absl::StatusOr<Condition> ToLeaf(const ConditionText& text) {
  if (text.key.empty()) {
    return Reject(Reason::kPolicyEmpty,
                  "a condition has none of all_of, any_of, not, and key");
  }
  const std::string_view key = AttestationKeyOf(text.key).value_or(text.key);
  return Condition::Is(std::string(key), text.values,
                       text.ignore_case ? Condition::Letters::kAnyCase
                                        : Condition::Letters::kExact);
}

// The recursion is bounded: only YAML comes here, and it is not nested deeper
// than kMaxYamlDepth.
absl::StatusOr<Condition> ToCondition(const ConditionText& text) {
  const bool is_leaf =
      !text.key.empty() || !text.values.empty() || text.ignore_case;
  const int forms = (is_leaf ? 1 : 0) + (!text.negated.empty() ? 1 : 0) +
                    (text.all_of.empty() ? 0 : 1) +
                    (text.any_of.empty() ? 0 : 1);
  if (forms > 1) {
    return Reject(Reason::kFieldInvalid,
                  "a condition has two of all_of, any_of, not, and key");
  }
  if (!text.negated.empty()) {
    absl::StatusOr<Condition> operand = ToCondition(text.negated.front());
    if (!operand.ok()) return operand.status();
    return Condition::Not(*std::move(operand));
  }
  if (text.all_of.empty() && text.any_of.empty()) return ToLeaf(text);
  const bool all = !text.all_of.empty();
  auto operands = ToConditions(all ? text.all_of : text.any_of);
  if (!operands.ok()) return operands.status();
  return all ? Condition::AllOf(*std::move(operands))
             : Condition::AnyOf(*std::move(operands));
}

// Passes to a builder what the caller and a document say.
template <typename Policy>
class Speaker {
 public:
  void Say(const PolicyDocumentOptions& options) {
    if (options.nonce.has_value()) builder_.ExpectNonce(*options.nonce);
    if (options.user_data.has_value()) {
      builder_.ExpectUserData(*options.user_data);
    }
    if (options.public_key.has_value()) {
      builder_.ExpectPublicKey(*options.public_key);
    }
    if (options.partition.has_value()) {
      builder_.ExpectPartition(*options.partition);
    }
    if (options.strict) builder_.Strict();
    releases_ = options.releases;
  }

  absl::Status Say(const AttestationPolicyText& text) {
    absl::Status s = SayMeasurements(text);
    if (s.ok()) s = SayNonce(text);
    if (s.ok()) s = SayUserData(text);
    if (s.ok()) s = SayPublicKey(text);
    if (s.ok()) s = SayDebug(text);
    if (s.ok()) s = SayExtensions(text);
    if (!s.ok()) return s;
    SayNames(text);
    SayLimits(text);
    if (!text.ignore_the_rest.empty()) {
      builder_.IgnoreTheRest(text.ignore_the_rest);
    }
    return absl::OkStatus();
  }

  void Say(const KmsDemands& demands, const std::string& why_other_keys) {
    builder_.ExpectCondition(demands.condition);
    builder_.IgnoreTheRest(
        demands.has_other_keys
            ? absl::StrCat(kWhyKms, "; other keys: ", why_other_keys)
            : kWhyKms);
    // KMS demands nothing that the policy does not say.
    if constexpr (std::is_same_v<Policy, verify::NitroTpmPolicy>) {
      builder_.AllowExtensions(kWhyKms);
      const auto checked = verify::CheckedCondition::Create(
          demands.condition, AttestationType::kNitroTpm);
      if (checked.ok()) {
        builder_.Warn(verify::WarningOfAdditions(AttestationType::kNitroTpm,
                                                 checked->named()));
      }
    }
    for (const std::string& warning : demands.warnings) builder_.Warn(warning);
  }

  absl::StatusOr<PolicyDocument> Build() const {
    absl::StatusOr<Policy> policy = builder_.Build();
    if (!policy.ok()) return policy.status();
    return *std::move(policy);
  }

 private:
  absl::Status SayMeasurements(const AttestationPolicyText& text) {
    // With a condition beside it, the measurements would be stated twice.
    if (text.release.has_value()) {
      builder_.ExpectRelease(*text.release, releases_);
    }
    if (!text.condition.has_value()) return absl::OkStatus();
    const absl::StatusOr<Condition> condition = ToCondition(*text.condition);
    if (condition.ok()) builder_.ExpectCondition(*condition);
    return condition.status();
  }

  absl::Status SayNonce(const AttestationPolicyText& text) {
    if (!text.nonce.has_value()) return absl::OkStatus();
    if (text.nonce->ignored.has_value()) {
      builder_.IgnoreNonce(*text.nonce->ignored);
      return absl::OkStatus();
    }
    if (!text.nonce->hex.has_value()) return NothingSaid("nonce");
    const auto bytes = ReadHex(*text.nonce->hex, "nonce");
    if (bytes.ok()) builder_.ExpectNonce(*bytes);
    return bytes.status();
  }

  absl::Status SayUserData(const AttestationPolicyText& text) {
    if (!text.user_data.has_value()) return absl::OkStatus();
    if (text.user_data->ignored.has_value()) {
      builder_.IgnoreUserData(*text.user_data->ignored);
      return absl::OkStatus();
    }
    if (!text.user_data->hex.has_value()) return NothingSaid("user_data");
    const auto bytes = ReadHex(*text.user_data->hex, "user_data");
    if (bytes.ok()) builder_.ExpectUserData(*bytes);
    return bytes.status();
  }

  absl::Status SayPublicKey(const AttestationPolicyText& text) {
    if (!text.public_key.has_value()) return absl::OkStatus();
    const ExpectedPublicKeyText& key = *text.public_key;
    // Two of them together would state the public key twice.
    bool said = false;
    if (key.ignored.has_value()) {
      builder_.IgnorePublicKey(*key.ignored);
      said = true;
    }
    if (key.present) {
      builder_.ExpectPublicKeyPresent();
      said = true;
    }
    if (!key.types.empty()) {
      builder_.ExpectPublicKeyOfType(key.types);
      said = true;
    }
    if (key.hex.has_value()) {
      const auto bytes = ReadHex(*key.hex, "public_key");
      if (!bytes.ok()) return bytes.status();
      builder_.ExpectPublicKey(*bytes);
      said = true;
    }
    return said ? absl::OkStatus() : NothingSaid("public_key");
  }

  absl::Status SayDebug(const AttestationPolicyText& text) {
    if (!text.allow_debug.has_value()) return absl::OkStatus();
    if constexpr (std::is_same_v<Policy, verify::EnclavePolicy>) {
      builder_.AllowDebug(*text.allow_debug);
      return absl::OkStatus();
    } else {
      return Reject(Reason::kFieldInvalid,
                    "'allow_debug' is for enclaves: a NitroTPM has no such "
                    "mode");
    }
  }

  absl::Status SayExtensions(const AttestationPolicyText& text) {
    if (!text.allow_extensions.has_value()) return absl::OkStatus();
    if constexpr (std::is_same_v<Policy, verify::NitroTpmPolicy>) {
      builder_.AllowExtensions(*text.allow_extensions);
      return absl::OkStatus();
    } else {
      return Reject(Reason::kFieldInvalid,
                    "'allow_extensions' is for instances with a NitroTPM: an "
                    "enclave has no extensions");
    }
  }

  void SayNames(const AttestationPolicyText& text) {
    if (!text.modules.empty()) {
      builder_.ExpectModules(text.modules);
    }
    if (!text.instances.empty()) {
      builder_.ExpectInstances(text.instances);
    }
    if (!text.regions.empty()) {
      builder_.ExpectRegions(text.regions);
    }
  }

  void SayLimits(const AttestationPolicyText& text) {
    if (text.partition.has_value()) builder_.ExpectPartition(*text.partition);
    if (text.max_age.has_value()) {
      builder_.WithMaxAge(*text.max_age);
    }
    if (text.clock_leeway.has_value()) {
      builder_.WithClockLeeway(*text.clock_leeway);
    }
    if (text.refuse_unknown_fields) builder_.RefuseUnknownFields();
    if (text.strict) builder_.Strict();
  }

  static absl::Status NothingSaid(std::string_view field) {
    return Reject(Reason::kPolicyEmpty,
                  absl::StrCat("'", std::string(field),
                               "' says neither what is expected nor why it is "
                               "ignored"));
  }

  typename Policy::Builder builder_;
  std::shared_ptr<const verify::ReleaseSet> releases_;
};

template <typename Policy>
absl::StatusOr<PolicyDocument> ToPolicy(const AttestationPolicyText& text,
                                        const PolicyDocumentOptions& options) {
  if (options.partition.has_value() && text.partition.has_value()) {
    return Reject(Reason::kFieldInvalid,
                  "'partition' is said beside the policy too");
  }
  Speaker<Policy> speaker;
  speaker.Say(options);
  if (absl::Status s = speaker.Say(text); !s.ok()) return s;
  return speaker.Build();
}

template <typename Policy>
absl::StatusOr<PolicyDocument> ToPolicy(const KmsDemands& demands,
                                        const PolicyDocumentOptions& options) {
  if (demands.has_other_keys && !verify::IsWhy(options.ignore_other_keys)) {
    return Reject(Reason::kPolicyIncomplete,
                  "what ignores the other keys says no reason");
  }
  Speaker<Policy> speaker;
  speaker.Say(options);
  speaker.Say(demands, options.ignore_other_keys);
  return speaker.Build();
}

absl::StatusOr<PolicyDocument> ToPolicyOfItsType(
    const AttestationPolicyText& text, const PolicyDocumentOptions& options) {
  if (!text.type.has_value()) {
    return Reject(Reason::kFieldMissing,
                  "'type' is required: TYPE_ENCLAVE or TYPE_NITRO_TPM");
  }
  return *text.type == AttestationType::kEnclave
             ? ToPolicy<verify::EnclavePolicy>(text, options)
             : ToPolicy<verify::NitroTpmPolicy>(text, options);
}

absl::StatusOr<PolicyDocument> ToPolicyOfItsType(
    const KmsDemands& demands, const PolicyDocumentOptions& options) {
  return demands.type == AttestationType::kEnclave
             ? ToPolicy<verify::EnclavePolicy>(demands, options)
             : ToPolicy<verify::NitroTpmPolicy>(demands, options);
}

}  // namespace

struct PolicyText::Said {
  std::string name;
  std::variant<AttestationPolicyText, KmsDemands> text;
};

absl::StatusOr<PolicyText> PolicyText::Read(std::string_view bytes,
                                            const std::string& name,
                                            bool ignore_other_keys) {
  const auto unmarked = InFile(name, WithoutByteOrderMark(bytes));
  if (!unmarked.ok()) return unmarked.status();
  const std::string_view text = *unmarked;
  const auto made = [&name](auto said) {
    return PolicyText(
        std::make_shared<const Said>(Said{name, std::move(said)}));
  };
  if (SyntaxOf(text) == YamlFields::Syntax::kJson) {
    auto json = InFile(name, verify::ParseJson(text, kPolicyJsonLimits));
    if (!json.ok()) return json.status();
    if (IsKmsPolicy(*json)) {
      const auto policy =
          InFile(name, OpenKmsPolicy(*std::move(json), kPolicyJsonLimits));
      if (!policy.ok()) return policy.status();
      auto demands = InFile(name, ReadKmsPolicy(*policy, ignore_other_keys));
      if (!demands.ok()) return demands.status();
      return made(*std::move(demands));
    }
  }
  auto said = ReadAttestationPolicyText(text, name);
  if (!said.ok()) return said.status();
  return made(*std::move(said));
}

absl::StatusOr<PolicyDocument> PolicyText::Build(
    const PolicyDocumentOptions& options) const {
  return InFile(said_->name, std::visit(
                                 [&](const auto& text) {
                                   return ToPolicyOfItsType(text, options);
                                 },
                                 said_->text));
}

absl::Status PolicyText::CheckWithSession() const {
  PolicyDocumentOptions options;
  const std::string any = "0";
  if (const auto* text = std::get_if<AttestationPolicyText>(&said_->text)) {
    if (!text->nonce.has_value()) options.nonce = any;
    if (!text->user_data.has_value()) options.user_data = any;
    if (!text->public_key.has_value()) options.public_key = any;
  }
  return Build(options).status();
}

bool PolicyText::expects_release() const {
  const auto* text = std::get_if<AttestationPolicyText>(&said_->text);
  return text != nullptr && text->release.has_value();
}

absl::StatusOr<PolicyDocument> ReadPolicyDocument(
    std::string_view text, const std::string& name,
    const PolicyDocumentOptions& options) {
  const auto policy =
      PolicyText::Read(text, name, !options.ignore_other_keys.empty());
  if (!policy.ok()) return policy.status();
  return policy->Build(options);
}

}  // namespace anchorage::anchors

#include "client/policy/policy_document.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/base/byte_order_mark.h"
#include "anchors/base/yaml_to_proto.h"
#include "client/policy/kms_policy.h"
#include "proto/anchorage/v1/attestation_policy.pb.h"
#include "verify/attestation/condition.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::AttestationType;
using verify::Condition;
using verify::Reason;
using verify::Reject;

// Two levels, object and list, for each level of messages.
constexpr verify::JsonLimits kJsonLimits = {.max_bytes = kMaxYamlBytes,
                                            .max_depth = 2 * kMaxYamlDepth + 4};
constexpr char kWhyKms[] = "a KMS key policy says nothing of it";

std::vector<std::string> ToVector(
    const google::protobuf::RepeatedPtrField<std::string>& list) {
  return {list.begin(), list.end()};
}

// Reads hex; "" is no bytes.
absl::StatusOr<std::string> ReadHex(const std::string& hex,
                                    std::string_view field) {
  if (hex.empty()) return "";
  absl::StatusOr<std::string> bytes = verify::DecodeHex(hex);
  if (bytes.ok()) return bytes;
  return Reject(Reason::kEncodingMalformed,
                absl::StrCat("'", std::string(field), "' is not hex"));
}

absl::StatusOr<Condition> ToCondition(const v1::AttestationCondition& proto);

absl::StatusOr<std::vector<Condition>> ToConditions(
    const google::protobuf::RepeatedPtrField<v1::AttestationCondition>& list) {
  std::vector<Condition> conditions;
  conditions.reserve(static_cast<std::size_t>(list.size()));
  for (const v1::AttestationCondition& proto : list) {
    absl::StatusOr<Condition> condition = ToCondition(proto);
    if (!condition.ok()) return condition.status();
    conditions.push_back(*std::move(condition));
  }
  return conditions;
}

absl::StatusOr<Condition> ToLeaf(const v1::AttestationCondition& proto) {
  if (proto.key().empty()) {
    return Reject(Reason::kPolicyEmpty,
                  "a condition has none of all_of, any_of, not, and key");
  }
  const std::string_view key =
      AttestationKeyOf(proto.key()).value_or(proto.key());
  return Condition::Is(std::string(key), ToVector(proto.values()),
                       proto.ignore_case() ? Condition::Letters::kAnyCase
                                           : Condition::Letters::kExact);
}

// The recursion is bounded: only YAML comes here, and it is not nested deeper
// than kMaxYamlDepth.
absl::StatusOr<Condition> ToCondition(const v1::AttestationCondition& proto) {
  const bool is_leaf =
      !proto.key().empty() || !proto.values().empty() || proto.ignore_case();
  const int forms = (is_leaf ? 1 : 0) + (proto.has_not_() ? 1 : 0) +
                    (proto.all_of().empty() ? 0 : 1) +
                    (proto.any_of().empty() ? 0 : 1);
  if (forms > 1) {
    return Reject(Reason::kFieldInvalid,
                  "a condition has two of all_of, any_of, not, and key");
  }
  if (proto.has_not_()) {
    absl::StatusOr<Condition> operand = ToCondition(proto.not_());
    if (!operand.ok()) return operand.status();
    return Condition::Not(*std::move(operand));
  }
  if (proto.all_of().empty() && proto.any_of().empty()) return ToLeaf(proto);
  const bool all = !proto.all_of().empty();
  auto operands = ToConditions(all ? proto.all_of() : proto.any_of());
  if (!operands.ok()) return operands.status();
  return all ? Condition::AllOf(*std::move(operands))
             : Condition::AnyOf(*std::move(operands));
}

absl::StatusOr<verify::KeyType> ToKeyType(v1::ExpectedPublicKey::KeyType type) {
  switch (type) {
    case v1::ExpectedPublicKey::KEY_TYPE_RSA:
      return verify::KeyType::kRsa;
    case v1::ExpectedPublicKey::KEY_TYPE_EC_P256:
      return verify::KeyType::kEcP256;
    case v1::ExpectedPublicKey::KEY_TYPE_EC_P384:
      return verify::KeyType::kEcP384;
    case v1::ExpectedPublicKey::KEY_TYPE_ED25519:
      return verify::KeyType::kEd25519;
    default:
      return Reject(Reason::kFieldInvalid, "a type of public key is unknown");
  }
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

  absl::Status Say(const v1::AttestationPolicy& proto) {
    absl::Status s = SayMeasurements(proto);
    if (s.ok()) s = SayNonce(proto);
    if (s.ok()) s = SayUserData(proto);
    if (s.ok()) s = SayPublicKey(proto);
    if (s.ok()) s = SayDebug(proto);
    if (!s.ok()) return s;
    SayNames(proto);
    SayLimits(proto);
    if (!proto.ignore_the_rest().empty()) {
      builder_.IgnoreTheRest(proto.ignore_the_rest());
    }
    return absl::OkStatus();
  }

  void Say(const KmsDemands& demands, const std::string& why_other_keys) {
    builder_.ExpectCondition(demands.condition);
    builder_.IgnoreTheRest(
        demands.has_other_keys
            ? absl::StrCat(kWhyKms, "; other keys: ", why_other_keys)
            : kWhyKms);
    for (const std::string& warning : demands.warnings) builder_.Warn(warning);
  }

  absl::StatusOr<PolicyDocument> Build() const {
    absl::StatusOr<Policy> policy = builder_.Build();
    if (!policy.ok()) return policy.status();
    return *std::move(policy);
  }

 private:
  absl::Status SayMeasurements(const v1::AttestationPolicy& proto) {
    // With a condition beside it, the measurements would be stated twice.
    if (proto.has_release()) {
      builder_.ExpectRelease(proto.release(), releases_);
    }
    if (!proto.has_condition()) return absl::OkStatus();
    const absl::StatusOr<Condition> condition = ToCondition(proto.condition());
    if (condition.ok()) builder_.ExpectCondition(*condition);
    return condition.status();
  }

  absl::Status SayNonce(const v1::AttestationPolicy& proto) {
    if (!proto.has_nonce()) return absl::OkStatus();
    if (proto.nonce().has_ignored()) {
      builder_.IgnoreNonce(proto.nonce().ignored());
      return absl::OkStatus();
    }
    if (!proto.nonce().has_hex()) return NothingSaid("nonce");
    const auto bytes = ReadHex(proto.nonce().hex(), "nonce");
    if (bytes.ok()) builder_.ExpectNonce(*bytes);
    return bytes.status();
  }

  absl::Status SayUserData(const v1::AttestationPolicy& proto) {
    if (!proto.has_user_data()) return absl::OkStatus();
    if (proto.user_data().has_ignored()) {
      builder_.IgnoreUserData(proto.user_data().ignored());
      return absl::OkStatus();
    }
    if (!proto.user_data().has_hex()) return NothingSaid("user_data");
    const auto bytes = ReadHex(proto.user_data().hex(), "user_data");
    if (bytes.ok()) builder_.ExpectUserData(*bytes);
    return bytes.status();
  }

  absl::Status SayPublicKey(const v1::AttestationPolicy& proto) {
    if (!proto.has_public_key()) return absl::OkStatus();
    const v1::ExpectedPublicKey& key = proto.public_key();
    // Two of them together would state the public key twice.
    bool said = false;
    if (key.has_ignored()) {
      builder_.IgnorePublicKey(key.ignored());
      said = true;
    }
    if (key.present()) {
      builder_.ExpectPublicKeyPresent();
      said = true;
    }
    if (!key.types().empty()) {
      std::vector<verify::KeyType> types;
      for (const int type : key.types()) {
        const auto known =
            ToKeyType(static_cast<v1::ExpectedPublicKey::KeyType>(type));
        if (!known.ok()) return known.status();
        types.push_back(*known);
      }
      builder_.ExpectPublicKeyOfType(std::move(types));
      said = true;
    }
    if (key.has_hex()) {
      const auto bytes = ReadHex(key.hex(), "public_key");
      if (!bytes.ok()) return bytes.status();
      builder_.ExpectPublicKey(*bytes);
      said = true;
    }
    return said ? absl::OkStatus() : NothingSaid("public_key");
  }

  absl::Status SayDebug(const v1::AttestationPolicy& proto) {
    if (!proto.has_allow_debug()) return absl::OkStatus();
    if constexpr (std::is_same_v<Policy, verify::EnclavePolicy>) {
      builder_.AllowDebug(proto.allow_debug().why());
      return absl::OkStatus();
    } else {
      return Reject(Reason::kFieldInvalid,
                    "'allow_debug' is for enclaves: a NitroTPM has no such "
                    "mode");
    }
  }

  void SayNames(const v1::AttestationPolicy& proto) {
    if (!proto.modules().empty()) {
      builder_.ExpectModules(ToVector(proto.modules()));
    }
    if (!proto.instances().empty()) {
      builder_.ExpectInstances(ToVector(proto.instances()));
    }
    if (!proto.regions().empty()) {
      builder_.ExpectRegions(ToVector(proto.regions()));
    }
  }

  void SayLimits(const v1::AttestationPolicy& proto) {
    if (proto.has_partition()) builder_.ExpectPartition(proto.partition());
    if (proto.has_max_age()) {
      builder_.WithMaxAge(absl::Seconds(proto.max_age().seconds()));
    }
    if (proto.has_clock_leeway()) {
      builder_.WithClockLeeway(absl::Seconds(proto.clock_leeway().seconds()));
    }
    if (proto.refuse_unknown_fields()) builder_.RefuseUnknownFields();
    if (proto.strict()) builder_.Strict();
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
absl::StatusOr<PolicyDocument> ToPolicy(const v1::AttestationPolicy& proto,
                                        const PolicyDocumentOptions& options) {
  if (options.partition.has_value() && proto.has_partition()) {
    return Reject(Reason::kFieldInvalid,
                  "'partition' is said beside the policy too");
  }
  Speaker<Policy> speaker;
  speaker.Say(options);
  if (absl::Status s = speaker.Say(proto); !s.ok()) return s;
  return speaker.Build();
}

template <typename Policy>
absl::StatusOr<PolicyDocument> ToPolicy(const KmsDemands& demands,
                                        const PolicyDocumentOptions& options) {
  Speaker<Policy> speaker;
  speaker.Say(options);
  speaker.Say(demands, options.ignore_other_keys);
  return speaker.Build();
}

absl::StatusOr<PolicyDocument> ToPolicyOfItsType(
    const v1::AttestationPolicy& proto, const PolicyDocumentOptions& options) {
  switch (proto.type()) {
    case v1::AttestationPolicy::TYPE_ENCLAVE:
      return ToPolicy<verify::EnclavePolicy>(proto, options);
    case v1::AttestationPolicy::TYPE_NITRO_TPM:
      return ToPolicy<verify::NitroTpmPolicy>(proto, options);
    default:
      return Reject(Reason::kFieldMissing,
                    "'type' is required: TYPE_ENCLAVE or TYPE_NITRO_TPM");
  }
}

absl::StatusOr<PolicyDocument> ReadKms(verify::JsonValue json,
                                       const PolicyDocumentOptions& options) {
  const auto policy = OpenKmsPolicy(std::move(json), kJsonLimits);
  if (!policy.ok()) return policy.status();
  const auto demands =
      ReadKmsPolicy(*policy, !options.ignore_other_keys.empty());
  if (!demands.ok()) return demands.status();
  return demands->type == AttestationType::kEnclave
             ? ToPolicy<verify::EnclavePolicy>(*demands, options)
             : ToPolicy<verify::NitroTpmPolicy>(*demands, options);
}

bool BeginsAsJson(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && text[first] == '{';
}

template <typename T>
absl::StatusOr<T> InFile(const std::string& name, absl::StatusOr<T> result) {
  if (result.ok()) return result;
  return Reject(verify::ReasonOf(result.status()).value(),
                absl::StrCat(name, ": ", result.status().message()));
}

}  // namespace

absl::StatusOr<PolicyDocument> ReadPolicyDocument(
    std::string_view bytes, const std::string& name,
    const PolicyDocumentOptions& options) {
  const auto unmarked = InFile(name, WithoutByteOrderMark(bytes));
  if (!unmarked.ok()) return unmarked.status();
  const std::string_view text = *unmarked;
  if (BeginsAsJson(text)) {
    auto json = InFile(name, verify::ParseJson(text, kJsonLimits));
    if (!json.ok()) return json.status();
    if (IsKmsPolicy(*json)) {
      return InFile(name, ReadKms(*std::move(json), options));
    }
  }
  v1::AttestationPolicy proto;
  if (absl::Status s = ReadYaml(text, name, proto); !s.ok()) return s;
  return InFile(name, ToPolicyOfItsType(proto, options));
}

}  // namespace anchorage::anchors

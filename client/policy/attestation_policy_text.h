// What a policy for attestation documents says, before anything is made of it:
// the fields of AttestationPolicy (attestation_policy.proto).

#ifndef ANCHORAGE_CLIENT_POLICY_ATTESTATION_POLICY_TEXT_H_
#define ANCHORAGE_CLIENT_POLICY_ATTESTATION_POLICY_TEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/attestation/attestation_policy.h"
#include "verify/crypto/public_key.h"

namespace anchorage::anchors {

struct ConditionText {
  std::vector<ConditionText> all_of;
  std::vector<ConditionText> any_of;
  // None or one.
  std::vector<ConditionText> negated;
  std::string key;
  std::vector<std::string> values;
  bool ignore_case = false;
};

struct ExpectedBytesText {
  std::optional<std::string> hex;
  std::optional<std::string> ignored;
};

struct ExpectedPublicKeyText {
  std::optional<std::string> hex;
  std::vector<verify::KeyType> types;
  bool present = false;
  std::optional<std::string> ignored;
};

struct AttestationPolicyText {
  std::optional<verify::AttestationType> type;
  std::optional<ConditionText> condition;
  std::optional<std::string> release;
  std::optional<ExpectedBytesText> nonce;
  std::optional<ExpectedBytesText> user_data;
  std::optional<ExpectedPublicKeyText> public_key;
  std::vector<std::string> modules;
  std::vector<std::string> instances;
  std::vector<std::string> regions;
  std::string ignore_the_rest;
  std::optional<std::string> partition;
  std::optional<absl::Duration> max_age;
  std::optional<absl::Duration> clock_leeway;
  // Why.
  std::optional<std::string> allow_debug;
  bool refuse_unknown_fields = false;
  bool strict = false;
  // Why.
  std::optional<std::string> allow_extensions;
};

// Reads YAML or JSON. Fails as YamlFields does.
absl::StatusOr<AttestationPolicyText> ReadAttestationPolicyText(
    std::string_view text, const std::string& name);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_CLIENT_POLICY_ATTESTATION_POLICY_TEXT_H_

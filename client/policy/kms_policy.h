// Reads what an AWS KMS key policy demands of attestation documents.
//
//   absl::StatusOr<KmsDemands> demands = ReadKmsPolicy(json, false);
//
// For policy_document.h, which says what is read and what is refused. Pure.

#ifndef ANCHORAGE_CLIENT_POLICY_KMS_POLICY_H_
#define ANCHORAGE_CLIENT_POLICY_KMS_POLICY_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/condition.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors {

struct KmsDemands {
  verify::AttestationType type;
  verify::Condition condition;
  // Whether conditions on other keys were left out.
  bool has_other_keys;
  // What undoes the condition (kms_warnings.h).
  std::vector<std::string> warnings;
};

// Whether `json` is meant for KMS and not for us: the names in AWS's policies
// begin with a capital letter, and the names of our fields do not.
bool IsKmsPolicy(const verify::JsonValue& json);

// Returns the key policy that `json` is, or that it contains as the string
// `Policy`, which is how "aws kms get-key-policy" prints it. Fails as
// ParseJson() does, and with kFieldUnknown for members that this command never
// prints beside it. The limits are those of `json`.
absl::StatusOr<verify::JsonValue> OpenKmsPolicy(
    verify::JsonValue json, const verify::JsonLimits& limits);

// Reads a key policy or a Condition. The condition is as written: its keys and
// values are still to be checked.
absl::StatusOr<KmsDemands> ReadKmsPolicy(const verify::JsonValue& json,
                                         bool ignore_other_keys);

// Returns what follows "kms:RecipientAttestation:", in letters of any case;
// nullopt for another key.
std::optional<std::string_view> AttestationKeyOf(std::string_view key);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_CLIENT_POLICY_KMS_POLICY_H_

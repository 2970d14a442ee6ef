// Finds what undoes the conditions of an AWS KMS key policy on attestation
// documents.
//
//   std::vector<std::string> warnings = KmsWarnings(key_policy_json);
//
// KMS demands a document only for a request that no other statement allows, and
// only while nobody has changed the policy. So whoever relies on the conditions
// to protect a key should know:
//
//  - which statements allow the same operations without a document;
//  - which ones let somebody change the policy, or get around it: by a grant, a
//    replica with a policy of its own, or re-encryption under another key;
//  - which conditions are for callers of any account.
//
// Whatever a statement denies to everybody, unconditionally, is left out.
// Nothing is known here about a statement's other conditions: one that has some
// is named like any other. IAM policies and grants are not in the text.

#ifndef ANCHORAGE_CLIENT_POLICY_KMS_WARNINGS_H_
#define ANCHORAGE_CLIENT_POLICY_KMS_WARNINGS_H_

#include <string>
#include <vector>

#include "verify/encoding/json.h"

namespace anchorage::anchors {

// Returns a sentence for each kind that `policy` has, for people: at most
// three, of bounded length, with names escaped. For a key policy that
// ReadKmsPolicy() accepts; for anything else it returns nothing. Pure.
std::vector<std::string> KmsWarnings(const verify::JsonValue& policy);

// Whether a statement is about an operation that takes an attestation document:
// only then do its conditions count. A statement that names no operation is.
bool IsAboutAttested(const verify::JsonValue& statement);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_CLIENT_POLICY_KMS_WARNINGS_H_

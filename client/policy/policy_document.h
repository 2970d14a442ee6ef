// Reads a policy for attestation documents from a file that people write.
//
//   auto policy = ReadPolicyDocument(text, "policy.yaml", {.nonce = nonce});
//   if (!policy.ok()) return policy.status();
//   if (const auto* tpm = std::get_if<verify::NitroTpmPolicy>(&*policy)) ...
//
// Three forms are read, and distinguished by how they begin:
//
//  - YAML: an AttestationPolicy of attestation_policy.proto.
//  - JSON, which begins with "{": the same, strict.
//  - JSON whose first name begins with a capital letter: a key policy of AWS
//    KMS, also as "aws kms get-key-policy" prints it, or a Condition of one.
//    Conditions on kms:RecipientAttestation keys
//    are the measurements that are expected; the rest of what AWS proves is
//    ignored, as KMS does, and ages are KMS's. Enclave or NitroTPM follows
//    from the keys.
//
// In a key policy, the statements count that allow something by such a key: a
// document that satisfies any one of them is accepted, whatever the statement
// allows and to whom. The operators and keys of a Condition must all hold, with
// one value of each list. What KMS supports and this reader does not is
// refused, never skipped: operators other than StringEquals and
// StringEqualsIgnoreCase, statements that deny by such a key, and, unless the
// caller says why they do not matter, conditions on other keys beside them.
// The policy's warnings name what undoes the conditions: statements that allow
// the same without a document, or let somebody change the policy, and callers
// of any account.
//
// A UTF-8 byte order mark at the start is skipped.
//
// Pure, and safe to call from any number of threads.

#ifndef ANCHORAGE_CLIENT_POLICY_POLICY_DOCUMENT_H_
#define ANCHORAGE_CLIENT_POLICY_POLICY_DOCUMENT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verify/attestation/attestation_policy.h"

namespace anchorage::anchors {

using PolicyDocument =
    std::variant<verify::EnclavePolicy, verify::NitroTpmPolicy>;

// What the caller adds to a document.
struct PolicyDocumentOptions {
  // What is expected of one session and so stands in no file, as bytes. What is
  // given here must not be expected, or ignored by name, in the document too.
  std::optional<std::string> nonce = std::nullopt;
  std::optional<std::string> user_data = std::nullopt;
  std::optional<std::string> public_key = std::nullopt;

  // The partition whose Nitro roots are trusted, where the document names none.
  // A KMS key policy names none.
  std::optional<std::string> partition = std::nullopt;
  // The strict profile, whatever the document says.
  bool strict = false;

  // The list in which a document's `release` is looked up. Null is an empty
  // list: a document that expects a release then accepts none.
  std::shared_ptr<const verify::ReleaseSet> releases = nullptr;

  // Why the conditions of a key policy on other keys are ignored. Empty: they
  // are refused.
  std::string ignore_other_keys = "";
};

// A document that was read, of which a policy is made for each session: a
// verifier of live documents gives a new nonce each time. A value, immutable;
// any number of threads may use one.
class PolicyText {
 public:
  // Reads `text`. `ignore_other_keys`: whether PolicyDocumentOptions will say
  // why. Fails as ReadPolicyDocument().
  static absl::StatusOr<PolicyText> Read(std::string_view text,
                                         const std::string& name,
                                         bool ignore_other_keys = false);

  // Fails as ReadPolicyDocument().
  absl::StatusOr<PolicyDocument> Build(
      const PolicyDocumentOptions& options) const;

  // Whether a policy can be made of it once nonce, user data and public key are
  // given, where it says nothing of them: why not.
  absl::Status CheckWithSession() const;

  // Whether Build() needs the current list of releases.
  bool expects_release() const;

 private:
  struct Said;
  explicit PolicyText(std::shared_ptr<const Said> said)
      : said_(std::move(said)) {}

  std::shared_ptr<const Said> said_;
};

// Reads `text`, at most 256 KiB. Messages begin with `name`. Fails with
//  - any reason of ReadYaml() in yaml_to_proto.h, or of ParseJson();
//  - kEncodingMalformed, for the byte order mark of UTF-16;
//  - kFieldMissing, for a policy without a type or a statement without an
//    effect; kFieldUnknown, for a name that KMS does not have either;
//  - kFieldInvalid, for parts of a key policy that are not supported, and for
//    keys of both types of document;
//  - kPolicyEmpty, where nothing is expected; kPolicyIncomplete, where
//    something is neither expected nor ignored, other keys included;
//  - any reason of AttestationPolicy::Builder.
absl::StatusOr<PolicyDocument> ReadPolicyDocument(
    std::string_view text, const std::string& name,
    const PolicyDocumentOptions& options = {});

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_CLIENT_POLICY_POLICY_DOCUMENT_H_

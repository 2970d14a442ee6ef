// What the PCRs of a document must be, as a tree over condition keys named as
// AWS KMS names them.
//
//   const Condition old_or_new = Condition::AllOf(
//       {Condition::Is("PCR8", {signer}),
//        Condition::AnyOf({Condition::Is("PCR0", {build_41, build_42}),
//                          Condition::Is("ImageSha384", {build_43})}),
//        Condition::Not(Condition::Is("PCR3", {test_role}))});
//
// The keys are "PCR0" to "PCR31" and "ImageSha384", which is PCR0, for
// enclaves, and "NitroTPMPCR0" to "NitroTPMPCR23" for instances with a
// NitroTPM; the case of a key's letters does not matter, as in KMS.
//
// A Condition is what somebody wrote. A CheckedCondition has been found to make
// sense for one type of document, and only it decides. Both are immutable
// values.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_CONDITION_H_
#define ANCHORAGE_VERIFY_ATTESTATION_CONDITION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verify/attestation/attestation_document.h"

namespace anchorage::verify {

// The root is at depth 1.
inline constexpr int kMaxConditionDepth = 16;
inline constexpr std::size_t kMaxConditionNodes = 1'000;
// The most values of all leaves together.
inline constexpr std::size_t kMaxConditionValues = 10'000;

class Condition {
 public:
  enum class Kind { kAllOf, kAnyOf, kNot, kIs };
  // What KMS calls StringEquals and StringEqualsIgnoreCase.
  enum class Letters { kExact, kAnyCase };

  static Condition AllOf(std::vector<Condition> operands);
  static Condition AnyOf(std::vector<Condition> operands);
  // The PCRs that `operand` names are present, and do not satisfy it.
  static Condition Not(Condition operand);
  // The PCR that `key` names is one of `values`, each 96 hex digits: in lower
  // case, as KMS writes PCRs, or in either case with kAnyCase.
  static Condition Is(std::string key, std::vector<std::string> values,
                      Letters letters = Letters::kExact);

  Kind kind() const { return kind_; }
  // The operands of kAllOf, kAnyOf and kNot, which has exactly one; empty for
  // kIs.
  const std::vector<Condition>& operands() const { return operands_; }
  // The key, values and case of kIs.
  const std::string& key() const { return key_; }
  const std::vector<std::string>& values() const { return values_; }
  Letters letters() const { return letters_; }

 private:
  Condition(Kind kind, std::vector<Condition> operands)
      : kind_(kind), operands_(std::move(operands)) {}

  Kind kind_;
  std::vector<Condition> operands_;
  std::string key_;
  std::vector<std::string> values_;
  Letters letters_ = Letters::kExact;
};

// The type of document and the PCR that a key names.
struct ConditionKey {
  AttestationType type;
  int pcr;
};

// Reads a key, without KMS's "kms:RecipientAttestation:" in front. Fails with
// kFieldInvalid.
absl::StatusOr<ConditionKey> ParseConditionKey(std::string_view key);

class CheckedCondition {
 public:
  // Fails with
  //  - kInputTooLarge: beyond one of the limits above;
  //  - kPolicyEmpty: a node without operands, or a leaf without values;
  //  - kFieldInvalid: no key that is known, a key of the other type of
  //    document, or a value that no PCR can have: not 48 bytes, or with
  //    upper-case digits where letters are exact;
  //  - kEncodingMalformed: a value that is not hex;
  //  - kPolicyUnsafe: some way to satisfy the condition leaves open what it
  //    must not. A way is a choice of one operand of each any-of and one value
  //    of each leaf (below a not, all-of and any-of change places). Each way
  //    must itself claim enough (CheckClaims() of pcr_claims.h), as a PcrSet
  //    must: it does not help that another way does, nor that the condition
  //    says what PCRs are not, for that is satisfied by whatever its author did
  //    not think of. Ways that contradict themselves count like any other.
  static absl::StatusOr<CheckedCondition> Create(const Condition& condition,
                                                 AttestationType type);

  // Returns OK, or kPcrMismatch. A PCR that is absent (empty) equals no value,
  // and where the condition names it below a not, the whole condition fails:
  // what a document does not state is no proof that it is not so.
  absl::Status Check(const std::array<std::string_view, kPcrCount>& pcrs) const;

  // The PCRs that it names anywhere, as a bit mask: bit n is PCRn.
  std::uint32_t named() const { return named_; }

  // What the condition's author should know, in sentences for people.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend class ConditionChecker;

  struct Node {
    Condition::Kind kind;
    std::vector<Node> operands;
    int pcr;
    std::vector<std::string> values;  // kPcrBytes each
  };

  CheckedCondition(Node root, std::uint32_t named, std::uint32_t below_not,
                   std::vector<std::string> warnings)
      : root_(std::move(root)),
        named_(named),
        below_not_(below_not),
        warnings_(std::move(warnings)) {}

  static bool Holds(const Node& node,
                    const std::array<std::string_view, kPcrCount>& pcrs);

  Node root_;
  std::uint32_t named_;
  // The PCRs that are named below a not, as a bit mask.
  std::uint32_t below_not_;
  std::vector<std::string> warnings_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_CONDITION_H_

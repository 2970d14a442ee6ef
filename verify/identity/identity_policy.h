// What a caller demands of an identity document that AWS has signed.
//
//   auto policy = IdentityPolicy::Builder()
//                     .ExpectAnyProductCode({"d3b4kh7x1vk0a6nwqw8kvmkq4"})
//                     .ExpectMinimumKind(AnchorKind::kIidRsa2048)
//                     .IgnoreTheRest("a licence is for any account anywhere")
//                     .Build();
//
// Nothing is skipped by default: for each thing that AWS proves a policy says
// exactly one of Expect… and Ignore…("why"), or it is not built. Reviewers look
// for `Ignore` and `AuthenticityOnly`.
//
// A policy is a value, immutable once built; any number of threads may use
// one.

#ifndef ANCHORAGE_VERIFY_IDENTITY_IDENTITY_POLICY_H_
#define ANCHORAGE_VERIFY_IDENTITY_IDENTITY_POLICY_H_

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_document.h"

namespace anchorage::verify {

// What a policy decides about, in the order in which it is checked.
enum class IdentityCondition {
  kMinimumKind,
  kPartition,
  kRegion,
  kAccount,
  kInstance,
  kImage,
  kInstanceType,
  kArchitecture,
  kProductCodes,
  kBillingProducts,
  kMaxAge,

  kMaxValue = kMaxAge,
};
absl::Span<const IdentityCondition> AllIdentityConditions();

// Returns the stable name, such as "product-codes": the check's name in
// traces.
std::string_view NameOf(IdentityCondition condition);

// What a policy is checked against. Everything here has been proved.
struct IdentityFacts {
  const IdentityDocument& document;
  std::string_view partition;
  AnchorKind kind;
  // The time of verification.
  absl::Time at;
};

class IdentityPolicy {
 public:
  class Builder;

  // How far in the future pendingTime may lie, for clocks that disagree.
  static constexpr absl::Duration kDefaultSkew = absl::Seconds(60);
  static constexpr absl::Duration kMaxSkew = absl::Minutes(10);
  // The longest maximum age. A longer one would expect nothing: EC2 is not much
  // older.
  static constexpr absl::Duration kLongestMaxAge = absl::Hours(24 * 366 * 20);

  // Returns a policy that accepts whatever AWS signed, for any instance of
  // anyone at any time. Fails with kPolicyEmpty for a `why` that is none (why.h).
  static absl::StatusOr<IdentityPolicy> AuthenticityOnly(std::string_view why);

  // Fails with the condition's own reason: kKindNotAllowed, kAccountNotAllowed
  // and so on; kMaxAge with kTooOld or kFromTheFuture.
  absl::Status Check(IdentityCondition condition,
                     const IdentityFacts& facts) const;

  // Whether the policy says Expect for the condition, not Ignore.
  bool Expects(IdentityCondition condition) const;

  // Returns why the policy ignores the condition; empty where it does not.
  std::string_view WhyIgnored(IdentityCondition condition) const;

 private:
  enum class Rule { kUnsaid, kIgnore, kAnyOf, kAllOf, kExactly };
  struct Requirement {
    Rule rule = Rule::kUnsaid;
    std::string why;
    std::vector<std::string> values;
  };

  IdentityPolicy() = default;
  const Requirement& Of(IdentityCondition condition) const {
    return requirements_[static_cast<std::size_t>(condition)];
  }
  absl::Status CheckAge(const IdentityFacts& facts) const;

  std::array<Requirement,
             static_cast<std::size_t>(IdentityCondition::kMaxValue) + 1>
      requirements_;
  AnchorKind minimum_kind_ = AnchorKind::kIidRsa2048;
  absl::Duration max_age_;
  absl::Duration skew_;
};

// Values are compared whole, byte by byte: no prefix, no pattern, no folding
// of case.
class IdentityPolicy::Builder {
 public:
  // The document's field is one of these. Accounts are 12 digits each.
  Builder& ExpectPartitions(std::vector<std::string> any_of);
  Builder& ExpectRegions(std::vector<std::string> any_of);
  Builder& ExpectAccounts(std::vector<std::string> any_of);
  Builder& ExpectInstances(std::vector<std::string> any_of);
  Builder& ExpectImages(std::vector<std::string> any_of);
  Builder& ExpectInstanceTypes(std::vector<std::string> any_of);
  Builder& ExpectArchitectures(std::vector<std::string> any_of);

  // marketplaceProductCodes has one of these, or all of these, or these and no
  // others. A code in billingProducts does not count.
  Builder& ExpectAnyProductCode(std::vector<std::string> codes);
  Builder& ExpectAllProductCodes(std::vector<std::string> codes);
  Builder& ExpectExactlyProductCodes(std::vector<std::string> codes);

  // billingProducts has one of these, or all of these.
  Builder& ExpectAnyBillingProduct(std::vector<std::string> products);
  Builder& ExpectAllBillingProducts(std::vector<std::string> products);

  // The signature is of this kind or a stronger one, so that a stripped
  // RSA-2048 signature cannot be replaced by a weaker one.
  Builder& ExpectMinimumKind(AnchorKind kind);

  // pendingTime, when the instance was last started, lies at most `max_age`
  // before the time of verification, and at most `skew` (up to kMaxSkew) after
  // it. An instance that runs for longer than `max_age`, which is at most
  // kLongestMaxAge, fails.
  Builder& ExpectMaxAge(absl::Duration max_age,
                        absl::Duration skew = kDefaultSkew);

  Builder& IgnorePartitions(std::string_view why);
  Builder& IgnoreRegions(std::string_view why);
  Builder& IgnoreAccounts(std::string_view why);
  Builder& IgnoreInstances(std::string_view why);
  Builder& IgnoreImages(std::string_view why);
  Builder& IgnoreInstanceTypes(std::string_view why);
  Builder& IgnoreArchitectures(std::string_view why);
  Builder& IgnoreProductCodes(std::string_view why);
  Builder& IgnoreBillingProducts(std::string_view why);
  Builder& IgnoreMinimumKind(std::string_view why);
  Builder& IgnoreMaxAge(std::string_view why);

  // Ignores every condition about which nothing has been said when the policy
  // is built.
  Builder& IgnoreTheRest(std::string_view why);

  // Fails with
  //   kPolicyIncomplete  a condition for which neither Expect nor Ignore was
  //                      said, or more than one of them;
  //   kPolicyEmpty       an empty list, an empty value, a `why` that is none
  //                      (why.h), or no Expect at all (AuthenticityOnly() says
  //                      that);
  //   kFieldInvalid      a value that no document can have: an account that is
  //                      not 12 digits, a kind that signs no identity
  //                      document, an age or a skew out of range.
  absl::StatusOr<IdentityPolicy> Build() const;

 private:
  friend class IdentityPolicy;

  Builder& Say(IdentityCondition condition, Rule rule,
               std::vector<std::string> values);
  Builder& Ignore(IdentityCondition condition, std::string_view why);
  bool Claim(IdentityCondition condition, Rule rule);
  Builder& Note(absl::FunctionRef<void()> note);
  absl::StatusOr<IdentityPolicy> Finished() const;
  void Fail(absl::Status status);

  IdentityPolicy policy_;
  std::string why_rest_;
  bool ignore_rest_ = false;
  // The first error.
  absl::Status status_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_IDENTITY_POLICY_H_

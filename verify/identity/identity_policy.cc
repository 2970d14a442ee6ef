#include "verify/identity/identity_policy.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "verify/enum_table.h"
#include "verify/identity/identity_form.h"
#include "verify/no_exceptions.h"
#include "verify/reason.h"
#include "verify/why.h"

namespace anchorage::verify {
namespace {

using Condition = IdentityCondition;

struct ConditionRow {
  Condition value;
  std::string_view name;
  Reason reason;
};

constexpr ConditionRow kRows[] = {
    {Condition::kMinimumKind, "kind", Reason::kKindNotAllowed},
    {Condition::kPartition, "partition", Reason::kPartitionNotAllowed},
    {Condition::kRegion, "region", Reason::kRegionNotAllowed},
    {Condition::kAccount, "account", Reason::kAccountNotAllowed},
    {Condition::kInstance, "instance", Reason::kInstanceNotAllowed},
    {Condition::kImage, "image", Reason::kImageNotAllowed},
    {Condition::kInstanceType, "instance-type",
     Reason::kInstanceTypeNotAllowed},
    {Condition::kArchitecture, "architecture", Reason::kArchitectureNotAllowed},
    {Condition::kProductCodes, "product-codes", Reason::kProductCodeNotAllowed},
    {Condition::kBillingProducts, "billing-products",
     Reason::kBillingProductNotAllowed},
    {Condition::kMaxAge, "age", Reason::kTooOld},
};

using Conditions = EnumTable<kRows>;

constexpr std::size_t kAccountDigits = 12;

bool IsAccount(std::string_view text) {
  return text.size() == kAccountDigits &&
         text.find_first_not_of("0123456789") == text.npos;
}

bool Contains(absl::Span<const std::string> list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool ContainsAll(absl::Span<const std::string> list,
                 absl::Span<const std::string> values) {
  return std::all_of(values.begin(), values.end(),
                     [&](std::string_view v) { return Contains(list, v); });
}

// Returns the document's values for a condition that lists values.
absl::Span<const std::string> ValuesOf(Condition condition,
                                       const IdentityDocument& document) {
  const auto list = [](const std::optional<std::vector<std::string>>& field) {
    return field.has_value() ? absl::MakeConstSpan(*field)
                             : absl::Span<const std::string>();
  };
  switch (condition) {
    case Condition::kRegion:
      return absl::MakeConstSpan(&document.region, 1);
    case Condition::kAccount:
      return absl::MakeConstSpan(&document.account_id, 1);
    case Condition::kInstance:
      return absl::MakeConstSpan(&document.instance_id, 1);
    case Condition::kImage:
      return absl::MakeConstSpan(&document.image_id, 1);
    case Condition::kInstanceType:
      return absl::MakeConstSpan(&document.instance_type, 1);
    case Condition::kArchitecture:
      return absl::MakeConstSpan(&document.architecture, 1);
    case Condition::kProductCodes:
      return list(document.marketplace_product_codes);
    case Condition::kBillingProducts:
      return list(document.billing_products);
    case Condition::kMinimumKind:
    case Condition::kPartition:
    case Condition::kMaxAge:
      break;
  }
  return {};
}

// At most four of them.
std::string Shown(absl::Span<const std::string> values) {
  constexpr std::size_t kMost = 4;
  std::string out;
  for (std::size_t i = 0; i < std::min(values.size(), kMost); ++i) {
    absl::StrAppend(&out, i == 0 ? "" : ", ", values[i]);
  }
  if (values.size() > kMost) absl::StrAppend(&out, ", ...");
  return out.empty() ? "none" : out;
}

std::string Listed(std::string_view how, absl::Span<const std::string> values) {
  return absl::StrCat(std::string(how), " [", Shown(values), "]");
}

absl::Status Refuse(Condition condition, std::string_view found,
                    std::string_view expected) {
  return Reject(
      Conditions::Of(condition).reason,
      absl::StrCat(std::string(NameOf(condition)), ": ", std::string(found),
                   ", ", std::string(expected), " expected"));
}

}  // namespace

absl::Span<const IdentityCondition> AllIdentityConditions() {
  return Conditions::All();
}

std::string_view NameOf(IdentityCondition condition) {
  return Conditions::Of(condition).name;
}

absl::StatusOr<IdentityPolicy> IdentityPolicy::AuthenticityOnly(
    std::string_view why) {
  return WithoutExceptions([&]() -> absl::StatusOr<IdentityPolicy> {
    Builder builder;
    for (const Condition condition : AllIdentityConditions()) {
      builder.Ignore(condition, why);
    }
    if (!builder.status_.ok()) return builder.status_;
    return builder.policy_;
  });
}

bool IdentityPolicy::Expects(IdentityCondition condition) const {
  return Of(condition).rule != Rule::kIgnore;
}

std::string_view IdentityPolicy::WhyIgnored(IdentityCondition condition) const {
  return Of(condition).why;
}

absl::Status IdentityPolicy::Check(IdentityCondition condition,
                                   const IdentityFacts& facts) const {
  const Requirement& requirement = Of(condition);
  if (requirement.rule == Rule::kIgnore) return absl::OkStatus();
  if (condition == Condition::kMaxAge) return CheckAge(facts);
  if (condition == Condition::kMinimumKind) {
    if (facts.kind >= minimum_kind_) return absl::OkStatus();
    return Refuse(
        condition, NameOf(facts.kind),
        absl::StrCat(std::string(NameOf(minimum_kind_)), " or stronger"));
  }
  if (condition == Condition::kPartition) {
    return Contains(requirement.values, facts.partition)
               ? absl::OkStatus()
               : Refuse(condition, facts.partition,
                        Listed("one of", requirement.values));
  }
  const auto found = ValuesOf(condition, facts.document);
  bool allowed = false;
  std::string_view how;
  switch (requirement.rule) {
    case Rule::kAnyOf:
      how = "one of";
      allowed = std::any_of(
          found.begin(), found.end(),
          [&](std::string_view v) { return Contains(requirement.values, v); });
      break;
    case Rule::kAllOf:
      how = "all of";
      allowed = ContainsAll(found, requirement.values);
      break;
    case Rule::kExactly:
      how = "exactly";
      allowed = ContainsAll(found, requirement.values) &&
                ContainsAll(requirement.values, found);
      break;
    case Rule::kUnsaid:
    case Rule::kIgnore:
      break;
  }
  if (allowed) return absl::OkStatus();
  return Refuse(condition, absl::StrCat(Shown(found), " in the document"),
                Listed(how, requirement.values));
}

absl::Status IdentityPolicy::CheckAge(const IdentityFacts& facts) const {
  const absl::Duration age = facts.at - facts.document.pending_time;
  if (age > max_age_) {
    return Reject(
        Reason::kTooOld,
        absl::StrCat("pendingTime is ", absl::FormatDuration(age),
                     " ago, at most ", absl::FormatDuration(max_age_)));
  }
  if (-age > skew_) {
    return Reject(
        Reason::kFromTheFuture,
        absl::StrCat("pendingTime is ", absl::FormatDuration(-age),
                     " in the future, at most ", absl::FormatDuration(skew_),
                     ": the verifier's clock may be behind by that"));
  }
  return absl::OkStatus();
}

void IdentityPolicy::Builder::Fail(absl::Status status) {
  if (status_.ok()) status_ = std::move(status);
}

// Calls `note`; if memory runs out in it, Build() returns that.
IdentityPolicy::Builder& IdentityPolicy::Builder::Note(
    absl::FunctionRef<void()> note) {
  Fail(WithoutExceptions([&note] {
    note();
    return absl::OkStatus();
  }));
  return *this;
}

// Notes the rule; returns false if one was noted before.
bool IdentityPolicy::Builder::Claim(IdentityCondition condition, Rule rule) {
  Rule& said = policy_.requirements_[static_cast<std::size_t>(condition)].rule;
  if (said != Rule::kUnsaid) {
    Fail(Reject(Reason::kPolicyIncomplete,
                absl::StrCat("more than one rule for ",
                             std::string(NameOf(condition)))));
    return false;
  }
  said = rule;
  return true;
}

IdentityPolicy::Builder& IdentityPolicy::Builder::Say(
    IdentityCondition condition, Rule rule, std::vector<std::string> values) {
  return Note([&] {
    if (!Claim(condition, rule)) return;
    if (values.empty() || Contains(values, "")) {
      Fail(Reject(Reason::kPolicyEmpty,
                  absl::StrCat("nothing to expect of ",
                               std::string(NameOf(condition)))));
    }
    policy_.requirements_[static_cast<std::size_t>(condition)].values =
        std::move(values);
  });
}

IdentityPolicy::Builder& IdentityPolicy::Builder::Ignore(
    IdentityCondition condition, std::string_view why) {
  return Note([&] {
    if (!Claim(condition, Rule::kIgnore)) return;
    if (!IsWhy(why)) {
      Fail(Reject(Reason::kPolicyEmpty,
                  absl::StrCat("what ignores ", std::string(NameOf(condition)),
                               " says no reason")));
    }
    policy_.requirements_[static_cast<std::size_t>(condition)].why = why;
  });
}

IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectPartitions(
    std::vector<std::string> any_of) {
  return Say(Condition::kPartition, Rule::kAnyOf, std::move(any_of));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectRegions(
    std::vector<std::string> any_of) {
  return Say(Condition::kRegion, Rule::kAnyOf, std::move(any_of));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectAccounts(
    std::vector<std::string> any_of) {
  if (!std::all_of(any_of.begin(), any_of.end(), [](std::string_view account) {
        return account.empty() || IsAccount(account);
      })) {
    Fail(Reject(Reason::kFieldInvalid, "an account is 12 digits"));
  }
  return Say(Condition::kAccount, Rule::kAnyOf, std::move(any_of));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectInstances(
    std::vector<std::string> any_of) {
  return Say(Condition::kInstance, Rule::kAnyOf, std::move(any_of));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectImages(
    std::vector<std::string> any_of) {
  return Say(Condition::kImage, Rule::kAnyOf, std::move(any_of));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectInstanceTypes(
    std::vector<std::string> any_of) {
  return Say(Condition::kInstanceType, Rule::kAnyOf, std::move(any_of));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectArchitectures(
    std::vector<std::string> any_of) {
  return Say(Condition::kArchitecture, Rule::kAnyOf, std::move(any_of));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectAnyProductCode(
    std::vector<std::string> codes) {
  return Say(Condition::kProductCodes, Rule::kAnyOf, std::move(codes));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectAllProductCodes(
    std::vector<std::string> codes) {
  return Say(Condition::kProductCodes, Rule::kAllOf, std::move(codes));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectExactlyProductCodes(
    std::vector<std::string> codes) {
  return Say(Condition::kProductCodes, Rule::kExactly, std::move(codes));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectAnyBillingProduct(
    std::vector<std::string> products) {
  return Say(Condition::kBillingProducts, Rule::kAnyOf, std::move(products));
}
IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectAllBillingProducts(
    std::vector<std::string> products) {
  return Say(Condition::kBillingProducts, Rule::kAllOf, std::move(products));
}

IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectMinimumKind(
    AnchorKind kind) {
  if (!SignsIdentity(kind)) {
    Fail(Reject(Reason::kFieldInvalid,
                "the minimum kind signs no identity document"));
  }
  policy_.minimum_kind_ = kind;
  return Note([&] {
    Say(Condition::kMinimumKind, Rule::kAnyOf, {std::string(NameOf(kind))});
  });
}

IdentityPolicy::Builder& IdentityPolicy::Builder::ExpectMaxAge(
    absl::Duration max_age, absl::Duration skew) {
  policy_.max_age_ = max_age;
  policy_.skew_ = skew;
  return Note([&] {
    if (max_age <= absl::ZeroDuration() || max_age > kLongestMaxAge ||
        skew < absl::ZeroDuration() || skew > kMaxSkew) {
      Fail(Reject(
          Reason::kFieldInvalid,
          absl::StrCat("a maximum age of ", absl::FormatDuration(max_age),
                       " or a skew of ", absl::FormatDuration(skew))));
    }
    Say(Condition::kMaxAge, Rule::kAnyOf, {absl::FormatDuration(max_age)});
  });
}

IdentityPolicy::Builder& IdentityPolicy::Builder::IgnorePartitions(
    std::string_view why) {
  return Ignore(Condition::kPartition, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreRegions(
    std::string_view why) {
  return Ignore(Condition::kRegion, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreAccounts(
    std::string_view why) {
  return Ignore(Condition::kAccount, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreInstances(
    std::string_view why) {
  return Ignore(Condition::kInstance, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreImages(
    std::string_view why) {
  return Ignore(Condition::kImage, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreInstanceTypes(
    std::string_view why) {
  return Ignore(Condition::kInstanceType, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreArchitectures(
    std::string_view why) {
  return Ignore(Condition::kArchitecture, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreProductCodes(
    std::string_view why) {
  return Ignore(Condition::kProductCodes, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreBillingProducts(
    std::string_view why) {
  return Ignore(Condition::kBillingProducts, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreMinimumKind(
    std::string_view why) {
  return Ignore(Condition::kMinimumKind, why);
}
IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreMaxAge(
    std::string_view why) {
  return Ignore(Condition::kMaxAge, why);
}

IdentityPolicy::Builder& IdentityPolicy::Builder::IgnoreTheRest(
    std::string_view why) {
  return Note([&] {
    if (ignore_rest_) {
      Fail(Reject(Reason::kPolicyIncomplete, "the rest is ignored twice"));
    }
    if (!IsWhy(why)) {
      Fail(
          Reject(Reason::kPolicyEmpty, "what ignores the rest says no reason"));
    }
    why_rest_ = why;
    ignore_rest_ = true;
  });
}

absl::StatusOr<IdentityPolicy> IdentityPolicy::Builder::Build() const {
  return WithoutExceptions([this] { return Finished(); });
}

absl::StatusOr<IdentityPolicy> IdentityPolicy::Builder::Finished() const {
  if (!status_.ok()) return status_;
  IdentityPolicy policy = policy_;
  bool expects = false;
  std::vector<std::string> unsaid;
  for (const Condition condition : AllIdentityConditions()) {
    Requirement& requirement =
        policy.requirements_[static_cast<std::size_t>(condition)];
    if (requirement.rule == Rule::kUnsaid) {
      if (!ignore_rest_) unsaid.emplace_back(NameOf(condition));
      requirement = {Rule::kIgnore, why_rest_, {}};
    }
    expects = expects || requirement.rule != Rule::kIgnore;
  }
  if (!unsaid.empty()) {
    return Reject(
        Reason::kPolicyIncomplete,
        absl::StrCat("nothing is said of ", absl::StrJoin(unsaid, ", "),
                     ": expect it, ignore it with a why, or ignore "
                     "the rest with a why"));
  }
  if (!expects) {
    return Reject(Reason::kPolicyEmpty,
                  "everything is ignored: where it is enough that AWS signed, "
                  "say authenticity only");
  }
  return policy;
}

}  // namespace anchorage::verify

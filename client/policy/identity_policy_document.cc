#include "client/policy/identity_policy_document.h"

#include <optional>
#include <utility>
#include <vector>

#include "anchors/base/byte_order_mark.h"
#include "anchors/base/yaml_fields.h"
#include "anchors/base/yaml_tree.h"
#include "client/policy/document_text.h"
#include "verify/encoding/json.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::IdentityPolicy;
using verify::Reason;
using Builder = IdentityPolicy::Builder;
using Values = std::vector<std::string>;

struct Condition {
  std::string_view name;
  // Null for one that is no plain list.
  Builder& (Builder::*expect)(Values);
  Builder& (Builder::*ignore)(std::string_view);
};
constexpr Condition kConditions[] = {
    {"partitions", &Builder::ExpectPartitions, &Builder::IgnorePartitions},
    {"regions", &Builder::ExpectRegions, &Builder::IgnoreRegions},
    {"accounts", &Builder::ExpectAccounts, &Builder::IgnoreAccounts},
    {"instances", &Builder::ExpectInstances, &Builder::IgnoreInstances},
    {"images", &Builder::ExpectImages, &Builder::IgnoreImages},
    {"instance_types", &Builder::ExpectInstanceTypes,
     &Builder::IgnoreInstanceTypes},
    {"architectures", &Builder::ExpectArchitectures,
     &Builder::IgnoreArchitectures},
    {"product_codes", nullptr, &Builder::IgnoreProductCodes},
    {"billing_products", nullptr, &Builder::IgnoreBillingProducts},
    {"minimum_kind", nullptr, &Builder::IgnoreMinimumKind},
    {"max_age", nullptr, &Builder::IgnoreMaxAge},
};

struct SetCondition {
  std::string_view name;
  std::string_view how;
  Builder& (Builder::*expect)(Values);
};
constexpr SetCondition kSets[] = {
    {"product_codes", "any_of", &Builder::ExpectAnyProductCode},
    {"product_codes", "all_of", &Builder::ExpectAllProductCodes},
    {"product_codes", "exactly", &Builder::ExpectExactlyProductCodes},
    {"billing_products", "any_of", &Builder::ExpectAnyBillingProduct},
    {"billing_products", "all_of", &Builder::ExpectAllBillingProducts},
};

const Condition* Find(std::string_view name) {
  for (const Condition& condition : kConditions) {
    if (condition.name == name) return &condition;
  }
  return nullptr;
}

std::vector<std::string_view> ConditionNames() {
  std::vector<std::string_view> names;
  for (const Condition& condition : kConditions) {
    names.push_back(condition.name);
  }
  return names;
}

std::vector<std::string_view> SetNames(std::string_view name) {
  std::vector<std::string_view> names;
  for (const SetCondition& set : kSets) {
    if (set.name == name) names.push_back(set.how);
  }
  return names;
}

std::vector<std::string_view> FieldNames() {
  std::vector<std::string_view> names = ConditionNames();
  names.insert(names.end(), {"clock_leeway", "ignore", "ignore_the_rest",
                             "authenticity_only"});
  return names;
}

class Reader {
 public:
  Reader(const std::string& name, YamlFields::Syntax syntax)
      : name_(name), fields_(name, syntax) {}

  absl::StatusOr<IdentityPolicy> Read(const YamlNode& root) {
    absl::Status s = fields_.Each(
        root, FieldNames(), [&](const std::string& key, const YamlNode& value) {
          return ReadField(key, value);
        });
    if (!s.ok()) return s;
    if (authenticity_only_.has_value()) {
      if (root.children.size() > 2) {
        return fields_.Error(Reason::kDuplicateKey, root,
                             "'authenticity_only' stands alone");
      }
      return InFile(name_,
                    IdentityPolicy::AuthenticityOnly(*authenticity_only_));
    }
    if (max_age_.has_value()) {
      builder_.ExpectMaxAge(*max_age_,
                            leeway_.value_or(IdentityPolicy::kDefaultSkew));
    } else if (leeway_.has_value()) {
      return fields_.Error(Reason::kFieldInvalid, root,
                           "'clock_leeway' is of no use without 'max_age'");
    }
    return InFile(name_, builder_.Build());
  }

 private:
  absl::Status ReadField(const std::string& key, const YamlNode& value) {
    if (key == "authenticity_only") {
      return fields_.Text(value, key, authenticity_only_.emplace());
    }
    if (key == "ignore") return ReadIgnored(value);
    if (key == "ignore_the_rest") {
      std::string why;
      absl::Status s = fields_.Text(value, key, why);
      if (s.ok()) builder_.IgnoreTheRest(why);
      return s;
    }
    if (key == "max_age")
      return fields_.Seconds(value, key, max_age_.emplace());
    if (key == "clock_leeway") {
      return fields_.Seconds(value, key, leeway_.emplace());
    }
    if (key == "minimum_kind") return ReadKind(value);
    const Condition& condition = *Find(key);
    if (condition.expect == nullptr) return ReadSet(key, value);
    Values values;
    absl::Status s = fields_.Texts(value, key, values);
    if (s.ok() && key == "accounts") s = CheckAccounts(value);
    if (s.ok()) (builder_.*condition.expect)(std::move(values));
    return s;
  }

  // Other readers of YAML take 012345678901 for a number in base 8.
  absl::Status CheckAccounts(const YamlNode& accounts) {
    for (const YamlNode& account : accounts.children) {
      if (account.plain && account.text.starts_with('0')) {
        return fields_.Invalid(account, "accounts",
                               "that begin with 0 are in quotes");
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadKind(const YamlNode& value) {
    std::string text;
    absl::Status s = fields_.Text(value, "minimum_kind", text);
    if (!s.ok()) return s;
    const auto kind = verify::AnchorKindNamed(text);
    if (!kind.has_value()) {
      return fields_.Invalid(value, "minimum_kind",
                             "is iid-dsa, iid-rsa1024 or iid-rsa2048");
    }
    builder_.ExpectMinimumKind(*kind);
    return s;
  }

  absl::Status ReadSet(const std::string& name, const YamlNode& value) {
    if (value.kind == YamlNode::Kind::kMap && value.children.empty()) {
      return fields_.Error(Reason::kPolicyEmpty, value,
                           "'" + name + "' expects nothing: leave it out");
    }
    return fields_.Each(value, SetNames(name),
                        [&](const std::string& how, const YamlNode& list) {
                          Values values;
                          absl::Status s = fields_.Texts(list, how, values);
                          for (const SetCondition& set : kSets) {
                            if (s.ok() && set.name == name && set.how == how) {
                              (builder_.*set.expect)(values);
                            }
                          }
                          return s;
                        });
  }

  absl::Status ReadIgnored(const YamlNode& value) {
    return fields_.Each(value, ConditionNames(),
                        [&](const std::string& key, const YamlNode& node) {
                          std::string why;
                          absl::Status s = fields_.Text(node, key, why);
                          if (s.ok()) (builder_.*Find(key)->ignore)(why);
                          return s;
                        });
  }

  const std::string& name_;
  YamlFields fields_;
  Builder builder_;
  std::optional<std::string> authenticity_only_;
  std::optional<absl::Duration> max_age_;
  std::optional<absl::Duration> leeway_;
};

}  // namespace

std::vector<PolicyMessage> IdentityPolicyMessages() {
  return {{"IdentityPolicy", FieldNames()},
          {"ExpectedProductCodes", SetNames("product_codes")},
          {"ExpectedBillingProducts", SetNames("billing_products")},
          {"IgnoredConditions", ConditionNames()}};
}

absl::StatusOr<IdentityPolicy> ReadIdentityPolicy(std::string_view bytes,
                                                  const std::string& name) {
  const auto text = InFile(name, WithoutByteOrderMark(bytes));
  if (!text.ok()) return text.status();
  const YamlFields::Syntax syntax = SyntaxOf(*text);
  std::string yaml(*text);
  if (syntax == YamlFields::Syntax::kJson) {
    const auto json = InFile(name, verify::ParseJson(*text, kPolicyJsonLimits));
    if (!json.ok()) return json.status();
    yaml = YamlOf(*text);
  }
  const auto root = ParseYaml(yaml, name);
  if (!root.ok()) return root.status();
  return Reader(name, syntax).Read(*root);
}

}  // namespace anchorage::anchors

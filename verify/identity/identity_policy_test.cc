#include "verify/identity/identity_policy.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using Builder = IdentityPolicy::Builder;
using Condition = IdentityCondition;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

IdentityDocument Document() {
  IdentityDocument document;
  document.account_id = "012345678901";
  document.region = "us-east-1";
  document.instance_id = "i-0c5541936caf78c12";
  document.image_id = "ami-0cbde744623b7506b";
  document.instance_type = "t3.small";
  document.architecture = "x86_64";
  document.pending_time = kNow - absl::Minutes(10);
  document.billing_products = {"bp-1", "bp-2"};
  document.marketplace_product_codes = {"code1", "code2"};
  return document;
}

// Returns the reason of the first condition that fails, in order.
std::optional<Reason> Judge(const IdentityPolicy& policy,
                            const IdentityDocument& document = Document(),
                            absl::Time at = kNow,
                            AnchorKind kind = AnchorKind::kIidRsa2048) {
  for (const Condition condition : AllIdentityConditions()) {
    const absl::Status status = policy.Check(
        condition,
        {.document = document, .partition = "aws", .kind = kind, .at = at});
    if (!status.ok()) return ReasonOf(status);
  }
  return std::nullopt;
}

// A policy with one condition.
IdentityPolicy Only(const std::function<void(Builder&)>& say) {
  Builder builder;
  say(builder);
  auto policy = builder.IgnoreTheRest("not in question").Build();
  EXPECT_TRUE(policy.ok()) << policy.status();
  return *policy;
}

std::optional<Reason> WhyNotBuilt(const std::function<void(Builder&)>& say) {
  Builder builder;
  say(builder);
  return ReasonOf(builder.IgnoreTheRest("not in question").Build().status());
}

TEST(IdentityPolicy, IsNotBuiltWithAConditionLeftOut) {
  Builder everything;
  everything.ExpectPartitions({"aws"})
      .ExpectRegions({"us-east-1"})
      .ExpectAccounts({"012345678901"})
      .ExpectInstances({"i-0c5541936caf78c12"})
      .ExpectImages({"ami-0cbde744623b7506b"})
      .ExpectInstanceTypes({"t3.small"})
      .ExpectArchitectures({"x86_64"})
      .ExpectAnyProductCode({"code1"})
      .ExpectAnyBillingProduct({"bp-1"})
      .ExpectMinimumKind(AnchorKind::kIidRsa2048);
  EXPECT_EQ(ReasonOf(everything.Build().status()), Reason::kPolicyIncomplete);
  everything.IgnoreMaxAge("instances run for years");
  const auto policy = everything.Build();
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(Judge(*policy), std::nullopt);
  EXPECT_TRUE(policy->Expects(Condition::kRegion));
  EXPECT_FALSE(policy->Expects(Condition::kMaxAge));
  EXPECT_EQ(policy->WhyIgnored(Condition::kMaxAge), "instances run for years");
  EXPECT_EQ(ReasonOf(Builder().Build().status()), Reason::kPolicyIncomplete);
}

TEST(IdentityPolicy, IsNotBuiltWithTwoRulesForOneThing) {
  const std::function<void(Builder&)> twice[] = {
      [](Builder& b) { b.ExpectRegions({"a"}).IgnoreRegions("why"); },
      [](Builder& b) { b.IgnoreRegions("why").ExpectRegions({"a"}); },
      [](Builder& b) { b.ExpectRegions({"a"}).ExpectRegions({"a"}); },
      [](Builder& b) {
        b.ExpectAnyProductCode({"a"}).ExpectAllProductCodes({"a"});
      },
      [](Builder& b) { b.ExpectRegions({"a"}).IgnoreTheRest("why"); },
  };
  for (const auto& say : twice) {
    EXPECT_EQ(WhyNotBuilt(say), Reason::kPolicyIncomplete);
  }
}

TEST(IdentityPolicy, IsNotBuiltWithNothingToExpect) {
  const std::function<void(Builder&)> empty[] = {
      [](Builder& b) { b.ExpectPartitions({}); },
      [](Builder& b) { b.ExpectRegions({}); },
      [](Builder& b) { b.ExpectAccounts({}); },
      [](Builder& b) { b.ExpectAccounts({""}); },
      [](Builder& b) {
        b.ExpectInstances({"i-1", ""});
      },
      [](Builder& b) { b.ExpectImages({}); },
      [](Builder& b) { b.ExpectInstanceTypes({}); },
      [](Builder& b) { b.ExpectArchitectures({}); },
      [](Builder& b) { b.ExpectAnyProductCode({}); },
      [](Builder& b) { b.ExpectAllProductCodes({}); },
      [](Builder& b) { b.ExpectExactlyProductCodes({}); },
      [](Builder& b) { b.ExpectAnyBillingProduct({}); },
      [](Builder& b) { b.ExpectAllBillingProducts({""}); },
      [](Builder& b) { b.ExpectRegions({"a"}).IgnoreAccounts(""); },
      [](Builder&) {},
  };
  for (const auto& say : empty) {
    EXPECT_EQ(WhyNotBuilt(say), Reason::kPolicyEmpty);
  }
  EXPECT_EQ(
      ReasonOf(
          Builder().ExpectRegions({"a"}).IgnoreTheRest("").Build().status()),
      Reason::kPolicyEmpty);
  EXPECT_EQ(ReasonOf(IdentityPolicy::AuthenticityOnly("").status()),
            Reason::kPolicyEmpty);
}

TEST(IdentityPolicy, IsNotBuiltWithAnExpectationThatNothingCanMeet) {
  const std::function<void(Builder&)> impossible[] = {
      [](Builder& b) { b.ExpectAccounts({"12345678901"}); },
      [](Builder& b) { b.ExpectAccounts({"0123-4567-8901"}); },
      [](Builder& b) { b.ExpectMinimumKind(AnchorKind::kNitroRoot); },
      [](Builder& b) { b.ExpectMaxAge(absl::ZeroDuration()); },
      [](Builder& b) { b.ExpectMaxAge(absl::InfiniteDuration()); },
      // Nothing of EC2 is that old, so it expects nothing either.
      [](Builder& b) { b.ExpectMaxAge(absl::Hours(24 * 366 * 100)); },
      [](Builder& b) { b.ExpectMaxAge(absl::Hours(1), -absl::Seconds(1)); },
      [](Builder& b) {
        b.ExpectMaxAge(absl::Hours(1),
                       IdentityPolicy::kMaxSkew + absl::Seconds(1));
      },
  };
  for (const auto& say : impossible) {
    EXPECT_EQ(WhyNotBuilt(say), Reason::kFieldInvalid);
  }
}

TEST(IdentityPolicy, ForAuthenticityOnlyAcceptsWhateverIsAuthentic) {
  const auto policy = IdentityPolicy::AuthenticityOnly("an inventory");
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(Judge(*policy, Document(), kNow + absl::Hours(100'000),
                  AnchorKind::kIidDsa),
            std::nullopt);
  EXPECT_EQ(policy->WhyIgnored(Condition::kAccount), "an inventory");
}

struct Case {
  std::function<void(Builder&)> met;
  std::function<void(Builder&)> not_met;
  Reason reason;
};

TEST(IdentityPolicy, RefusesEachThingForItsOwnReason) {
  const Case cases[] = {
      {[](Builder& b) {
         b.ExpectPartitions({"aws-cn", "aws"});
       },
       [](Builder& b) { b.ExpectPartitions({"aws-cn"}); },
       Reason::kPartitionNotAllowed},
      {[](Builder& b) {
         b.ExpectRegions({"us-west-2", "us-east-1"});
       },
       [](Builder& b) {
         b.ExpectRegions({"us-east-11", "us-east-", "US-EAST-1"});
       },
       Reason::kRegionNotAllowed},
      {[](Builder& b) { b.ExpectAccounts({"012345678901"}); },
       [](Builder& b) { b.ExpectAccounts({"112345678901"}); },
       Reason::kAccountNotAllowed},
      {[](Builder& b) { b.ExpectInstances({"i-0c5541936caf78c12"}); },
       [](Builder& b) { b.ExpectInstances({"i-0c5541936caf78c1"}); },
       Reason::kInstanceNotAllowed},
      {[](Builder& b) { b.ExpectImages({"ami-0cbde744623b7506b"}); },
       [](Builder& b) { b.ExpectImages({"ami-1cbde744623b7506b"}); },
       Reason::kImageNotAllowed},
      {[](Builder& b) { b.ExpectInstanceTypes({"t3.small"}); },
       [](Builder& b) { b.ExpectInstanceTypes({"t3"}); },
       Reason::kInstanceTypeNotAllowed},
      {[](Builder& b) { b.ExpectArchitectures({"x86_64"}); },
       [](Builder& b) { b.ExpectArchitectures({"arm64"}); },
       Reason::kArchitectureNotAllowed},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Judge(Only(c.met)), std::nullopt) << NameOf(c.reason);
    EXPECT_EQ(Judge(Only(c.not_met)), c.reason) << NameOf(c.reason);
  }
}

TEST(IdentityPolicy, RefusesAWeakerKindThanTheMinimum) {
  const auto judge = [](AnchorKind minimum, AnchorKind kind) {
    const auto policy =
        Only([minimum](Builder& b) { b.ExpectMinimumKind(minimum); });
    return Judge(policy, Document(), kNow, kind);
  };
  constexpr AnchorKind kKinds[] = {AnchorKind::kIidDsa, AnchorKind::kIidRsa1024,
                                   AnchorKind::kIidRsa2048};
  for (const AnchorKind minimum : kKinds) {
    for (const AnchorKind kind : kKinds) {
      EXPECT_EQ(judge(minimum, kind),
                kind < minimum ? std::optional(Reason::kKindNotAllowed)
                               : std::nullopt);
    }
  }
}

// Codes of a document, and what each rule says of code1 and code2.
struct Codes {
  std::optional<std::vector<std::string>> codes;
  bool any;
  bool all;
  bool exactly;
};

TEST(IdentityPolicy, ComparesProductCodesWhole) {
  const Codes cases[] = {
      {std::nullopt, false, false, false},
      {std::vector<std::string>{}, false, false, false},
      {{{"code1"}}, true, false, false},
      {{{"code1", "code2"}}, true, true, true},
      {{{"code2", "code1", "code2"}}, true, true, true},
      {{{"code1", "code2", "code3"}}, true, true, false},
      {{{"code3"}}, false, false, false},
      {{{"CODE1", "code", "code11", " code1"}}, false, false, false},
  };
  const std::vector<std::string> wanted = {"code1", "code2"};
  const auto any = Only([&](Builder& b) { b.ExpectAnyProductCode(wanted); });
  const auto all = Only([&](Builder& b) { b.ExpectAllProductCodes(wanted); });
  const auto exactly =
      Only([&](Builder& b) { b.ExpectExactlyProductCodes(wanted); });
  for (const Codes& c : cases) {
    IdentityDocument document = Document();
    document.marketplace_product_codes = c.codes;
    // Never looked at.
    document.billing_products = wanted;
    document.devpay_product_codes = wanted;
    const auto verdict = [](bool allowed) {
      return allowed ? std::nullopt
                     : std::optional(Reason::kProductCodeNotAllowed);
    };
    EXPECT_EQ(Judge(any, document), verdict(c.any));
    EXPECT_EQ(Judge(all, document), verdict(c.all));
    EXPECT_EQ(Judge(exactly, document), verdict(c.exactly));
  }
}

TEST(IdentityPolicy, ComparesBillingProductsWhole) {
  const auto any = [](std::vector<std::string> products) {
    return Judge(
        Only([&](Builder& b) { b.ExpectAnyBillingProduct(products); }));
  };
  const auto all = [](std::vector<std::string> products) {
    return Judge(
        Only([&](Builder& b) { b.ExpectAllBillingProducts(products); }));
  };
  EXPECT_EQ(any({"bp-1", "bp-3"}), std::nullopt);
  EXPECT_EQ(any({"bp-3", "code1"}), Reason::kBillingProductNotAllowed);
  EXPECT_EQ(all({"bp-2", "bp-1"}), std::nullopt);
  EXPECT_EQ(all({"bp-1", "bp-3"}), Reason::kBillingProductNotAllowed);
}

TEST(IdentityPolicy, LimitsTheAgeToTheSecondInBothDirections) {
  const auto policy = Only([](Builder& b) { b.ExpectMaxAge(absl::Hours(1)); });
  const absl::Time launch = Document().pending_time;
  const auto at = [&](absl::Time time) {
    return Judge(policy, Document(), time);
  };
  EXPECT_EQ(at(launch + absl::Hours(1)), std::nullopt);
  EXPECT_EQ(at(launch + absl::Hours(1) + absl::Seconds(1)), Reason::kTooOld);
  EXPECT_EQ(at(launch - IdentityPolicy::kDefaultSkew), std::nullopt);
  EXPECT_EQ(at(launch - IdentityPolicy::kDefaultSkew - absl::Seconds(1)),
            Reason::kFromTheFuture);
  const auto strict = Only(
      [](Builder& b) { b.ExpectMaxAge(absl::Hours(1), absl::ZeroDuration()); });
  EXPECT_EQ(Judge(strict, Document(), launch), std::nullopt);
  EXPECT_EQ(Judge(strict, Document(), launch - absl::Seconds(1)),
            Reason::kFromTheFuture);
}

TEST(IdentityCondition, HasAStableNameOfItsOwn) {
  std::vector<std::string_view> names;
  for (const Condition condition : AllIdentityConditions()) {
    names.push_back(NameOf(condition));
  }
  EXPECT_EQ(names, (std::vector<std::string_view>{
                       "kind", "partition", "region", "account", "instance",
                       "image", "instance-type", "architecture",
                       "product-codes", "billing-products", "age"}));
}

// Returns what the first condition that fails says.
std::string Sentence(const std::function<void(Builder&)>& say,
                     const IdentityDocument& document = Document()) {
  const IdentityPolicy policy = Only(say);
  for (const Condition condition : AllIdentityConditions()) {
    const absl::Status status =
        policy.Check(condition, {.document = document,
                                 .partition = "aws",
                                 .kind = AnchorKind::kIidDsa,
                                 .at = kNow});
    if (!status.ok()) return std::string(status.message());
  }
  return "";
}

TEST(IdentityPolicy, SaysWhatWasExpectedBesideWhatWasFound) {
  IdentityDocument none = Document();
  none.marketplace_product_codes.reset();
  EXPECT_EQ(Sentence([](Builder& b) { b.ExpectAnyProductCode({"abc"}); }, none),
            "product-codes: none in the document, one of [abc] expected");
  EXPECT_EQ(Sentence([](Builder& b) {
              b.ExpectAllProductCodes({"a", "b"});
            }),
            "product-codes: code1, code2 in the document, all of [a, b] "
            "expected");
  EXPECT_EQ(
      Sentence([](Builder& b) { b.ExpectExactlyProductCodes({"code1"}); }),
      "product-codes: code1, code2 in the document, exactly [code1] expected");
  EXPECT_EQ(Sentence([](Builder& b) {
              b.ExpectRegions({"a", "b", "c", "d", "e"});
            }),
            "region: us-east-1 in the document, one of [a, b, c, d, ...] "
            "expected");
  EXPECT_EQ(Sentence([](Builder& b) { b.ExpectPartitions({"aws-cn"}); }),
            "partition: aws, one of [aws-cn] expected");
  EXPECT_EQ(Sentence([](Builder& b) {
              b.ExpectMinimumKind(AnchorKind::kIidRsa2048);
            }),
            "kind: iid-dsa, iid-rsa2048 or stronger expected");
}

}  // namespace
}  // namespace anchorage::verify

#include "client/policy/identity_policy_document.h"

#include <gtest/gtest.h>

#include <string>

#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::IdentityCondition;
using verify::Reason;

std::optional<Reason> ReasonFor(std::string_view text) {
  return verify::ReasonOf(ReadIdentityPolicy(text, "policy.yaml").status());
}

constexpr char kGood[] = R"(
product_codes: {any_of: [d3b4kh7x1vk0a6nwqw8kvmkq4]}
partitions: [aws]
accounts: ["012345678901"]
minimum_kind: iid-rsa2048
max_age: 600s
clock_leeway: 30s
ignore:
  regions: a licence holds everywhere
ignore_the_rest: a licence is for any instance
)";

TEST(IdentityPolicyDocumentTest, ReadsWhatIsExpectedAndWhatIsIgnored) {
  const auto policy = ReadIdentityPolicy(kGood, "policy.yaml");
  ASSERT_TRUE(policy.ok()) << policy.status();
  for (const auto condition :
       {IdentityCondition::kProductCodes, IdentityCondition::kPartition,
        IdentityCondition::kAccount, IdentityCondition::kMinimumKind,
        IdentityCondition::kMaxAge}) {
    EXPECT_TRUE(policy->Expects(condition)) << NameOf(condition);
  }
  EXPECT_EQ(policy->WhyIgnored(IdentityCondition::kRegion),
            "a licence holds everywhere");
  EXPECT_EQ(policy->WhyIgnored(IdentityCondition::kImage),
            "a licence is for any instance");
}

TEST(IdentityPolicyDocumentTest, JsonIsTheSame) {
  EXPECT_TRUE(ReadIdentityPolicy(R"({"regions": ["eu-west-1"],
                                     "ignore_the_rest": "a test"})",
                                 "policy.json")
                  .ok());
}

TEST(IdentityPolicyDocumentTest, AuthenticityOnlyStandsAlone) {
  EXPECT_TRUE(ReadIdentityPolicy("authenticity_only: a test", "p").ok());
  EXPECT_EQ(ReasonFor("authenticity_only: a test\nregions: [a]"),
            Reason::kDuplicateKey);
  EXPECT_EQ(ReasonFor("authenticity_only: ''"), Reason::kPolicyEmpty);
}

struct Bad {
  const char* text;
  Reason reason;
};

class IdentityPolicyDocumentBadTest : public testing::TestWithParam<Bad> {};

TEST_P(IdentityPolicyDocumentBadTest, IsRefused) {
  EXPECT_EQ(ReasonFor(GetParam().text), GetParam().reason) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    All, IdentityPolicyDocumentBadTest,
    testing::Values(
        Bad{"", Reason::kDocumentMalformed},
        Bad{"[a]", Reason::kDocumentMalformed},
        Bad{"a: [", Reason::kDocumentMalformed},
        Bad{"regions: [a]\n---\nregions: [b]", Reason::kDocumentMalformed},
        Bad{"regions: &x [a]\naccounts: *x", Reason::kDocumentMalformed},
        Bad{"regions: [!!str a]", Reason::kDocumentMalformed},
        Bad{"regions: [! a]\nignore_the_rest: x", Reason::kDocumentMalformed},
        Bad{"regions: ! [a]\nignore_the_rest: x", Reason::kDocumentMalformed},
        Bad{"# é\nignore: ! {}\nregions: [a]\nignore_the_rest: x",
            Reason::kDocumentMalformed},
        Bad{"regions: &x [a]\nignore_the_rest: x", Reason::kDocumentMalformed},
        Bad{"regions: [&x a]\nignore_the_rest: x", Reason::kDocumentMalformed},
        Bad{"%FOO bar\n---\nregions: [a]\nignore_the_rest: x",
            Reason::kDocumentMalformed},
        Bad{"# a\r\n%TAG ! tag:x:\r\n---\r\nauthenticity_only: x",
            Reason::kDocumentMalformed},
        Bad{"\xef\xbb\xbf\xef\xbb\xbf"
            "authenticity_only: x",
            Reason::kDocumentMalformed},
        Bad{"authenticity_only: false", Reason::kFieldInvalid},
        Bad{"authenticity_only: No", Reason::kFieldInvalid},
        Bad{"authenticity_only: ~", Reason::kFieldInvalid},
        Bad{"authenticity_only: 'no'", Reason::kPolicyEmpty},
        Bad{"authenticity_only: 0", Reason::kPolicyEmpty},
        Bad{"authenticity_only: ' '", Reason::kPolicyEmpty},
        Bad{"regions: [a]\nignore: {max_age: 0}\nignore_the_rest: x",
            Reason::kPolicyEmpty},
        Bad{"regions: [no]\nignore_the_rest: x", Reason::kFieldInvalid},
        Bad{"accounts: [012345678901]\nignore_the_rest: x",
            Reason::kFieldInvalid},
        Bad{"regoins: [a]", Reason::kFieldUnknown},
        Bad{"ignore: {clock_leeway: x}", Reason::kFieldUnknown},
        Bad{"product_codes: {none_of: [a]}", Reason::kFieldUnknown},
        Bad{"product_codes: {}\nregions: [a]\nignore_the_rest: x",
            Reason::kPolicyEmpty},
        Bad{"billing_products: {exactly: [a]}", Reason::kFieldUnknown},
        Bad{"regions: [a]\nregions: [b]", Reason::kDuplicateKey},
        Bad{"regions: []", Reason::kFieldInvalid},
        Bad{"regions:", Reason::kFieldInvalid},
        Bad{"regions: a", Reason::kFieldInvalid},
        Bad{"product_codes: [a]", Reason::kDocumentMalformed},
        Bad{"max_age: 10", Reason::kFieldInvalid},
        Bad{"regions: [a]\nclock_leeway: 10s\nignore_the_rest: x",
            Reason::kFieldInvalid},
        Bad{"{\"regions\": [\"a\"], 'ignore_the_rest': 'x'}",
            Reason::kDocumentMalformed},
        Bad{"\xff\xfer", Reason::kEncodingMalformed},
        Bad{"minimum_kind: rsa", Reason::kFieldInvalid},
        Bad{"accounts: ['123']\nignore_the_rest: x", Reason::kFieldInvalid},
        Bad{"regions: [a]", Reason::kPolicyIncomplete},
        Bad{"regions: [a]\nignore: {regions: x}\nignore_the_rest: x",
            Reason::kPolicyIncomplete},
        Bad{"ignore_the_rest: x", Reason::kPolicyEmpty},
        Bad{"regions: [a]\nignore: {max_age: ''}\nignore_the_rest: x",
            Reason::kPolicyEmpty}));

TEST(IdentityPolicyDocumentTest, AByteOrderMarkIsSkipped) {
  EXPECT_TRUE(ReadIdentityPolicy("\xef\xbb\xbf"
                                 "authenticity_only: a test",
                                 "p")
                  .ok());
}

TEST(IdentityPolicyDocumentTest, AnAccountThatIsTheSameNumberNeedsNoQuotes) {
  EXPECT_TRUE(
      ReadIdentityPolicy("accounts: [189292791360]\nignore_the_rest: x", "p")
          .ok());
}

TEST(IdentityPolicyDocumentTest, WhatThePolicyLacksNamesTheFile) {
  EXPECT_EQ(ReadIdentityPolicy("regions: [a]\naccounts: ['012345678901']\n"
                               "ignore: {partitions: a why, instances: a why, "
                               "images: a why, instance_types: a why, "
                               "architectures: a why, max_age: a why, "
                               "product_codes: a why, "
                               "billing_products: a why}",
                               "policy.yaml")
                .status()
                .message(),
            "policy.yaml: nothing is said of kind: expect it, ignore it with a "
            "why, or ignore the rest with a why");
}

TEST(IdentityPolicyDocumentTest, AMistakeNamesItsLine) {
  const auto status =
      ReadIdentityPolicy("regions: [a]\nregoins: [b]", "policy.yaml").status();
  EXPECT_TRUE(std::string(status.message()).starts_with("policy.yaml:2: "))
      << status.message();
}

}  // namespace
}  // namespace anchorage::anchors

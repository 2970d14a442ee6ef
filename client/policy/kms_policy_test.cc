// Policies of AWS KMS, in the shapes that people have them in.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/policy/policy_document.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "verify/attestation/condition.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using verify::EnclavePolicy;
using verify::kPcrBytes;
using verify::kPcrCount;
using verify::NitroTpmPolicy;
using verify::Reason;
using verify::ReasonOf;

constexpr char kName[] = "key-policy.json";
constexpr char kWhy[] = "the role is checked by the broker";

// Fills in a text: $a is 96 digits a; @ begins a key of attestation.
std::string Fill(std::string_view text) {
  std::string filled(text);
  for (const char digit : std::string_view("0abcAB")) {
    filled = absl::StrReplaceAll(
        filled,
        {{absl::StrCat("$", std::string(1, digit)), std::string(96, digit)}});
  }
  return absl::StrReplaceAll(filled, {{"@", "kms:RecipientAttestation:"}});
}

absl::StatusOr<PolicyDocument> Read(std::string_view text,
                                    const PolicyDocumentOptions& options = {}) {
  return ReadPolicyDocument(Fill(text), kName, options);
}

std::optional<Reason> Decide(std::string_view text,
                             const PolicyDocumentOptions& options = {}) {
  return ReasonOf(Read(text, options).status());
}

// What a document has: by index, a digit that fills the PCR; '-' for an absent
// one.
std::optional<Reason> Check(std::string_view text, std::string_view digits) {
  const auto policy = Read(text);
  EXPECT_TRUE(policy.ok()) << policy.status();
  if (!policy.ok()) return ReasonOf(policy.status());
  std::array<std::string, kPcrCount> values;
  std::array<std::string_view, kPcrCount> pcrs;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const char d = digits[i];
    if (d == '-') continue;
    const int nibble = d <= '9' ? d - '0' : d - 'a' + 10;
    values[i] = std::string(kPcrBytes, static_cast<char>(nibble * 0x11));
    pcrs[i] = values[i];
  }
  const auto& expected = std::visit(
      [](const auto& p) -> const verify::Expectations& {
        return p.expectations();
      },
      *policy);
  return ReasonOf(expected.condition->Check(pcrs));
}

// The key policy of an enclave's key: its administrators, a statement for the
// enclave, and one that says who may not use it without TLS.
constexpr char kEnclaveKeyPolicy[] = R"({
  "Version": "2012-10-17",
  "Id": "signing-key",
  "Statement": [
    {
      "Sid": "Administrators",
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
      "Action": ["kms:Create*", "kms:Describe*", "kms:Put*"],
      "Resource": "*"
    },
    {
      "Sid": "Enclave",
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::123456789012:role/signer"},
      "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
      "Resource": "*",
      "Condition": {
        "StringEqualsIgnoreCase": {
          "@ImageSha384": ["$a", "$B"],
          "@PCR8": "$c"
        },
        "StringEquals": {"@PCR1": "$0"}
      }
    },
    {
      "Sid": "Tls",
      "Effect": "Deny",
      "Principal": "*",
      "Action": "kms:*",
      "Resource": "*",
      "Condition": {"Bool": {"aws:SecureTransport": "false"}}
    }
  ]
})";

TEST(KmsPolicy, ReadsAWholeKeyPolicy) {
  const auto policy = Read(kEnclaveKeyPolicy);
  ASSERT_TRUE(policy.ok()) << policy.status();
  ASSERT_TRUE(std::holds_alternative<EnclavePolicy>(*policy));
  const auto& expected = std::get<EnclavePolicy>(*policy).expectations();
  EXPECT_FALSE(expected.allow_debug);
  EXPECT_EQ(expected.ignored.size(), 5U);

  EXPECT_EQ(Check(kEnclaveKeyPolicy, "a0------c"), std::nullopt);
  EXPECT_EQ(Check(kEnclaveKeyPolicy, "b0------c"), std::nullopt);
  // Each part of the statement is needed.
  EXPECT_EQ(Check(kEnclaveKeyPolicy, "c0------c"), Reason::kPcrMismatch);
  EXPECT_EQ(Check(kEnclaveKeyPolicy, "a0------a"), Reason::kPcrMismatch);
  EXPECT_EQ(Check(kEnclaveKeyPolicy, "a1------c"), Reason::kPcrMismatch);
  EXPECT_EQ(Check(kEnclaveKeyPolicy, "a0"), Reason::kPcrMismatch);
}

// A NitroTPM's key: two builds, each in a statement of its own.
constexpr char kTpmKeyPolicy[] = R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::123456789012:role/app"},
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": {
        "StringEqualsIgnoreCase": {
          "@NitroTPMPCR4": "$a",
          "@NitroTPMPCR12": "$0"
        }
      }
    },
    {
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::123456789012:role/app"},
      "Action": "kms:Decrypt",
      "Resource": "*",
      "Condition": {
        "StringEqualsIgnoreCase": {
          "@NitroTPMPCR4": "$b",
          "@NitroTPMPCR7": "$c"
        }
      }
    }
  ]
})";

TEST(KmsPolicy, TakesStatementsForAlternatives) {
  const auto policy = Read(kTpmKeyPolicy);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_TRUE(std::holds_alternative<NitroTpmPolicy>(*policy));
  EXPECT_EQ(Check(kTpmKeyPolicy, "----a--0----0"), std::nullopt);
  EXPECT_EQ(Check(kTpmKeyPolicy, "----b--c----a"), std::nullopt);
  EXPECT_EQ(Check(kTpmKeyPolicy, "----b--0----0"), Reason::kPcrMismatch);
  EXPECT_EQ(Check(kTpmKeyPolicy, "----a--c----a"), Reason::kPcrMismatch);
}

// KMS demands nothing of a PCR that the policy does not name, and so says a
// verdict about its policy: but not silently.
TEST(KmsPolicy, IsJudgedAsKmsJudgesAndWarned) {
  const auto policy_of = [](std::string_view other) {
    return Read(absl::StrCat(
        R"({"StringEquals": {"@NitroTPMPCR4": "$a", "@NitroTPMPCR12": "$0")",
        std::string(other), "}}"));
  };
  const auto open = policy_of("");
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_TRUE(std::get<NitroTpmPolicy>(*open).expectations().allow_extensions);
  EXPECT_THAT(std::get<NitroTpmPolicy>(*open).warnings(),
              ElementsAre(HasSubstr("PCR13")));
  const auto closed = policy_of(R"(, "@NitroTPMPCR13": "$0")");
  ASSERT_TRUE(closed.ok()) << closed.status();
  EXPECT_THAT(std::get<NitroTpmPolicy>(*closed).warnings(), IsEmpty());
}

TEST(KmsPolicy, TakesOneStatementWithoutAList) {
  EXPECT_EQ(Check(R"({"Statement": {"Effect": "Allow", "Action": "kms:Decrypt",
                  "Principal": "*", "Resource": "*", "Condition":
                  {"StringEquals": {"@PCR0": "$a"}}}})",
                  "a"),
            std::nullopt);
}

TEST(KmsPolicy, ReadsABareCondition) {
  for (const char* text :
       {R"({"StringEquals": {"@PCR0": "$a"}})",
        R"({"Condition": {"StringEquals": {"@PCR0": "$a"}}})",
        R"({"StringEqualsIgnoreCase": {"@PCR0": ["$A"]}})",
        R"({"StringEquals": {"KMS:recipientattestation:pcr0": "$a"}})"}) {
    EXPECT_EQ(Check(text, "a"), std::nullopt) << text;
    EXPECT_EQ(Check(text, "b"), Reason::kPcrMismatch) << text;
  }
}

TEST(KmsPolicy, TakesTheNonceOfTheSession) {
  const auto policy = Read(kEnclaveKeyPolicy, {.nonce = "n"});
  ASSERT_TRUE(policy.ok());
  EXPECT_EQ(std::get<EnclavePolicy>(*policy).expectations().nonce, "n");
}

TEST(KmsPolicy, IgnoresOtherKeysOnlyWithAWhy) {
  constexpr char kText[] = R"({
    "StringEquals": {"@PCR0": "$a", "aws:PrincipalOrgID": "o-1a2b3c4d5e"},
    "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}
  })";
  EXPECT_EQ(Decide(kText), Reason::kPolicyIncomplete);
  EXPECT_EQ(Decide(kText, {.ignore_other_keys = "false"}),
            Reason::kPolicyIncomplete);
  const auto policy = Read(kText, {.ignore_other_keys = kWhy});
  ASSERT_TRUE(policy.ok()) << policy.status();
  const auto& ignored = std::get<EnclavePolicy>(*policy).expectations().ignored;
  EXPECT_NE(ignored.at("nonce").find(kWhy), std::string::npos);
}

TEST(KmsPolicy, LeavesOutStatementsWithoutAttestation) {
  // The second statement's keys are of no concern.
  const std::string text = absl::StrReplaceAll(
      kEnclaveKeyPolicy,
      {{R"("Action": ["kms:Create*", "kms:Describe*", "kms:Put*"],)",
        R"("Action": "kms:*", "Condition": {"StringLikeIfExists":
           {"aws:PrincipalArn": ["*admin*"]}},)"}});
  ASSERT_NE(text, kEnclaveKeyPolicy);
  EXPECT_EQ(Check(text, "a0------c"), std::nullopt);
  EXPECT_EQ(Check(text, "c0------c"), Reason::kPcrMismatch);
}

// A JSON text that is this text.
std::string Quote(std::string_view text) {
  return absl::StrCat(
      "\"",
      absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                          {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
      "\"");
}

// As "aws kms get-key-policy" prints it.
TEST(KmsPolicy, IsReadOutOfItsEnvelope) {
  const std::string envelope = absl::StrCat(
      "{\"Policy\": ", Quote(kEnclaveKeyPolicy), ", \"PolicyName\": \"a\"}");
  EXPECT_EQ(Check(envelope, "a0------c"), std::nullopt);
  EXPECT_EQ(Check(envelope, "c0------c"), Reason::kPcrMismatch);

  EXPECT_EQ(Decide(R"({"Policy": "{]"})"), Reason::kDocumentMalformed);
  EXPECT_EQ(Decide(R"({"Policy": {"Statement": []}})"), Reason::kFieldInvalid);
  EXPECT_EQ(Decide(R"({"Policy": "[]"})"), Reason::kFieldInvalid);
  EXPECT_EQ(Decide(absl::StrCat("{\"Policy\": ", Quote(kEnclaveKeyPolicy),
                                ", \"Statement\": []}")),
            Reason::kFieldUnknown);
  // One envelope, not two.
  EXPECT_EQ(Decide(absl::StrCat("{\"Policy\": ", Quote(envelope), "}")),
            Reason::kFieldInvalid);
}

// As Windows' editors and shells write files.
TEST(KmsPolicy, IsReadBehindAByteOrderMark) {
  const std::string text = absl::StrCat("\xef\xbb\xbf", kEnclaveKeyPolicy);
  EXPECT_EQ(Check(text, "a0------c"), std::nullopt);
  EXPECT_EQ(
      ReasonOf(
          ReadPolicyDocument(std::string("\xff\xfe{\0", 4), kName).status()),
      Reason::kEncodingMalformed);
}

// A statement for attested calls, beside `others`.
std::vector<std::string> WarningsOf(std::string_view others) {
  const auto policy = Read(absl::StrCat(
      R"({"Statement": [{"Sid": "App", "Effect": "Allow",
          "Principal": {"AWS": "arn:aws:iam::123456789012:role/app"},
          "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
          "Condition": {"StringEquals": {"@PCR0": "$a"}}})",
      std::string(others), "]}"));
  EXPECT_TRUE(policy.ok()) << policy.status();
  if (!policy.ok()) return {};
  return std::get<EnclavePolicy>(*policy).warnings();
}

TEST(KmsPolicy, WarnsOfNothingThatItsConditionsHoldAgainst) {
  EXPECT_THAT(WarningsOf(""), IsEmpty());
  EXPECT_THAT(WarningsOf(R"(, {"Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
      "Action": ["kms:Describe*", "kms:Encrypt", "kms:ScheduleKeyDeletion"]})"),
              IsEmpty());
  EXPECT_THAT(
      WarningsOf(R"(, {"Effect": "Allow", "Action": "kms:GenerateRandom"})"),
      IsEmpty());
}

// A condition that says nothing of an account does not name one.
TEST(KmsPolicy, WarnsOfConditionsThatNameNoAccount) {
  const auto warnings_of = [](std::string_view condition) {
    PolicyDocumentOptions options;
    options.ignore_other_keys = "accounts are another matter";
    const auto policy =
        Read(absl::StrCat(
                 R"({"Statement": {"Effect": "Allow", "Principal": "*",
            "Action": "kms:Decrypt",
            "Condition": {"StringEqualsIgnoreCase": {"@PCR0": "$a"}, )",
                 std::string(condition), "}}}"),
             options);
    EXPECT_TRUE(policy.ok()) << policy.status();
    return policy.ok() ? std::get<EnclavePolicy>(*policy).warnings()
                       : std::vector<std::string>();
  };
  EXPECT_THAT(
      warnings_of(R"("StringEquals": {"kms:CallerAccount": "123456789012"})"),
      IsEmpty());
  for (
      const std::string_view condition :
      {R"("StringNotEquals": {"aws:PrincipalAccount": "123456789012"})",
       R"("StringLike": {"aws:PrincipalArn": "*"})",
       R"("StringEquals": {"kms:CallerAccount": ["123456789012", "*"]})",
       R"("StringEqualsIfExists": {"aws:PrincipalAccount": "123456789012"})"}) {
    EXPECT_THAT(warnings_of(condition), ElementsAre(HasSubstr("no account")))
        << condition;
  }
}

TEST(KmsPolicy, WarnsOfStatementsThatNeedNoDocument) {
  for (const std::string_view action :
       {R"("Action": "kms:Decrypt")",
        R"("Action": ["kms:Get*", "KMS:decr?pt"])",
        R"("NotAction": ["kms:Put*", "kms:Create*", "kms:Re*"])"}) {
    EXPECT_THAT(
        WarningsOf(absl::StrCat(R"(, {"Sid": "Old", "Effect": "Allow", )",
                                std::string(action), "}")),
        ElementsAre(AllOf(HasSubstr("statement 'Old' allows kms:Decrypt"),
                          HasSubstr("without an attestation"))))
        << action;
  }
}

TEST(KmsPolicy, WarnsOfWhoMayChangeIt) {
  for (const std::string action : {"kms:PutKeyPolicy", "kms:CreateGrant",
                                   "kms:ReplicateKey", "kms:ReEncryptFrom"}) {
    EXPECT_THAT(WarningsOf(absl::StrCat(R"(, {"Effect": "Allow", "Action": ")",
                                        action, R"("})")),
                ElementsAre(HasSubstr("statement 2 allows " + action)));
  }
  // AWS's own first statement does both.
  EXPECT_THAT(WarningsOf(R"(, {"Sid": "Enable IAM User Permissions",
      "Effect": "Allow", "Action": "kms:*", "Resource": "*",
      "Principal": {"AWS": "arn:aws:iam::123456789012:root"}})"),
              ElementsAre(HasSubstr("kms:Decrypt, kms:GenerateDataKey without"),
                          HasSubstr("kms:PutKeyPolicy, kms:CreateGrant")));
}

TEST(KmsPolicy, WarnsOfCallersOfAnyAccount) {
  const auto warnings = [](std::string_view principal,
                           std::string_view condition) {
    const auto policy =
        Read(absl::StrCat(R"({"Statement": {"Sid": "App", "Effect": "Allow", )",
                          std::string(principal), R"(, "Action": "kms:Decrypt",
                     "Condition": {"StringEquals": {"@PCR0": "$a")",
                          std::string(condition), "}}}}"),
             {.ignore_other_keys = kWhy});
    EXPECT_TRUE(policy.ok()) << policy.status();
    return policy.ok() ? std::get<EnclavePolicy>(*policy).warnings()
                       : std::vector<std::string>();
  };
  for (const std::string_view open :
       {R"("Principal": "*")", R"("Principal": {"AWS": "*"})",
        R"("Principal": {"AWS": ["arn:aws:iam::123456789012:root", "*"]})",
        R"("NotPrincipal": {"AWS": "123456789012"})"}) {
    EXPECT_THAT(warnings(open, ""),
                ElementsAre(HasSubstr("statement 'App' names no account")))
        << open;
    EXPECT_THAT(warnings(open, R"(, "KMS:CallerAccount": "123456789012")"),
                IsEmpty())
        << open;
  }
  EXPECT_THAT(warnings(R"("Principal": {"AWS": "123456789012"})", ""),
              IsEmpty());
}

TEST(KmsPolicy, WarnsOfNothingThatIsDeniedToEverybody) {
  constexpr char kAdmin[] =
      R"(, {"Effect": "Allow", "Action": "kms:PutKeyPolicy"})";
  EXPECT_THAT(WarningsOf(absl::StrCat(kAdmin, R"(, {"Effect": "Deny",
      "Principal": {"AWS": "*"}, "Action": "kms:Put*"})")),
              IsEmpty());
  EXPECT_THAT(WarningsOf(absl::StrCat(kAdmin, R"(, {"Effect": "Deny",
      "Principal": {"AWS": "123456789012"}, "Action": "kms:Put*"})")),
              SizeIs(1));
  EXPECT_THAT(WarningsOf(absl::StrCat(kAdmin, R"(, {"Effect": "Deny",
      "Principal": "*", "Action": "kms:Put*",
      "Condition": {"Bool": {"aws:SecureTransport": "false"}}})")),
              SizeIs(1));
}

TEST(KmsPolicy, WarnsInFewWordsThatMoveNoCursor) {
  std::string many;
  for (int i = 0; i < 100; ++i) {
    absl::StrAppend(&many, R"(, {"Sid": "\u001b[2J)", std::string(500, 'x'),
                    R"(", "Effect": "Allow", "Action": "kms:*"})");
  }
  const auto warnings = WarningsOf(many);
  ASSERT_THAT(warnings, SizeIs(2));
  for (const std::string& warning : warnings) {
    EXPECT_LT(warning.size(), 1000U);
    EXPECT_EQ(warning.find('\x1b'), std::string::npos);
    EXPECT_THAT(warning, HasSubstr("and 97 more"));
  }
}

// What KMS takes and we do not, or neither does.
struct Refusal {
  const char* name;
  const char* text;
  Reason reason;
};

class KmsPolicyRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(KmsPolicyRefusal, HasItsReason) {
  const auto policy = Read(GetParam().text);
  EXPECT_EQ(ReasonOf(policy.status()), GetParam().reason) << policy.status();
  EXPECT_EQ(policy.status().message().find(kName), 0U) << policy.status();
}

INSTANTIATE_TEST_SUITE_P(
    KmsPolicy, KmsPolicyRefusal,
    ::testing::Values(
        Refusal{"NotEquals", R"({"StringNotEquals": {"@PCR0": "$a"}})",
                Reason::kFieldInvalid},
        Refusal{"Like", R"({"StringLike": {"@PCR0": "aaaa*"}})",
                Reason::kFieldInvalid},
        Refusal{"IfExists", R"({"StringEqualsIfExists": {"@PCR0": "$a"}})",
                Reason::kFieldInvalid},
        Refusal{"IgnoreCaseIfExists",
                R"({"StringEqualsIgnoreCaseIfExists": {"@PCR0": "$a"}})",
                Reason::kFieldInvalid},
        Refusal{"ForAnyValue",
                R"({"ForAnyValue:StringEquals": {"@PCR0": "$a"}})",
                Reason::kFieldInvalid},
        Refusal{"ForAllValues",
                R"({"ForAllValues:StringEquals": {"@PCR0": "$a"}})",
                Reason::kFieldInvalid},
        Refusal{"Null", R"({"Null": {"@PCR0": "false"}})",
                Reason::kFieldInvalid},
        Refusal{"OperatorInOtherLetters",
                R"({"Stringequals": {"@PCR0": "$a"}})", Reason::kFieldInvalid},
        Refusal{"OneGoodOperatorOfTwo",
                R"({"StringEquals": {"@PCR0": "$a"},
                    "StringLike": {"@PCR8": "*"}})",
                Reason::kFieldInvalid},
        Refusal{"BothTypes",
                R"({"StringEquals": {"@PCR0": "$a", "@NitroTPMPCR7": "$a"}})",
                Reason::kFieldInvalid},
        Refusal{"BothTypesInTwoStatements",
                R"({"Statement": [
                    {"Effect": "Allow", "Condition":
                     {"StringEquals": {"@NitroTPMPCR7": "$a"}}},
                    {"Effect": "Allow", "Condition":
                     {"StringEquals": {"@ImageSha384": "$a"}}}]})",
                Reason::kFieldInvalid},
        Refusal{"UnknownKey", R"({"StringEquals": {"@PCR99": "$a"}})",
                Reason::kFieldInvalid},
        Refusal{"NoKey", R"({"StringEquals": {"@": "$a"}})",
                Reason::kFieldInvalid},
        Refusal{"UpperCaseThatNeverMatches",
                R"({"StringEquals": {"@PCR0": "$A"}})", Reason::kFieldInvalid},
        Refusal{"Wildcard", R"({"StringEquals": {"@PCR0": "*"}})",
                Reason::kEncodingMalformed},
        Refusal{"Variable",
                R"({"StringEquals": {"@PCR0": "${aws:PrincipalTag/pcr0}"}})",
                Reason::kEncodingMalformed},
        Refusal{"Sha256", R"({"StringEquals": {"@PCR0": "aabb"}})",
                Reason::kFieldInvalid},
        Refusal{"Number", R"({"StringEquals": {"@PCR0": 1}})",
                Reason::kFieldInvalid},
        Refusal{"NullInAList", R"({"StringEquals": {"@PCR0": ["$a", null]}})",
                Reason::kFieldInvalid},
        Refusal{"NoValues", R"({"StringEquals": {"@PCR0": []}})",
                Reason::kPolicyEmpty},
        Refusal{"NoKeys", R"({"StringEquals": {}})", Reason::kPolicyEmpty},
        Refusal{"OnlyOtherKeys",
                R"({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})",
                Reason::kPolicyEmpty},
        Refusal{"OperatorWithoutKeys", R"({"StringEquals": "$a"})",
                Reason::kFieldInvalid},
        Refusal{"Pcr12Alone", R"({"StringEquals": {"@NitroTPMPCR12": "$0"}})",
                Reason::kPolicyUnsafe},
        Refusal{"SecureBootOff",
                R"({"StringEqualsIgnoreCase": {"@NitroTPMPCR7":
                "98441C7F7625D10058C47683AEC486CE311C633235EB555593A7EE791121E357)"
                R"(8AE72D04ECEF661F272D59058B77AF35"}})",
                Reason::kPolicyUnsafe},
        Refusal{"ResetByAnybody",
                R"({"StringEquals": {"@NitroTPMPCR16": "$a",
                                     "@NitroTPMPCR23": "$0"}})",
                Reason::kPolicyUnsafe},
        Refusal{"OneUnsafeStatementOfTwo",
                R"({"Statement": [
                    {"Effect": "Allow", "Condition":
                     {"StringEquals": {"@PCR0": "$a"}}},
                    {"Effect": "Allow", "Condition":
                     {"StringEquals": {"@PCR1": "$a"}}}]})",
                Reason::kPolicyUnsafe},
        Refusal{"Pcr4Alone", R"({"StringEquals": {"@NitroTPMPCR4": "$a"}})",
                Reason::kPolicyUnsafe},
        Refusal{"KeyTwice",
                R"({"StringEquals": {"@PCR0": "$a", "@PCR0": "$b"}})",
                Reason::kDuplicateKey},
        Refusal{"NoStatements", R"({"Version": "2012-10-17", "Statement": []})",
                Reason::kPolicyEmpty},
        Refusal{"NoStatementAtAll", R"({"Version": "2012-10-17"})",
                Reason::kFieldInvalid},
        Refusal{"UnknownNameOnTop", R"({"Statements": [], "Statement": []})",
                Reason::kFieldUnknown},
        Refusal{"UnknownNameInAStatement",
                R"({"Statement": [{"Effect": "Allow", "Conditions":
                    {"StringEquals": {"@PCR0": "$a"}}}]})",
                Reason::kFieldUnknown},
        Refusal{"StatementThatIsNone", R"({"Statement": ["Allow"]})",
                Reason::kFieldInvalid},
        Refusal{"NoEffect",
                R"({"Statement": [{"Condition":
                    {"StringEquals": {"@PCR0": "$a"}}}]})",
                Reason::kFieldMissing},
        Refusal{"OtherEffect",
                R"({"Statement": [{"Effect": "allow", "Condition":
                    {"StringEquals": {"@PCR0": "$a"}}}]})",
                Reason::kFieldInvalid},
        Refusal{"ConditionThatIsNone",
                R"({"Statement": [{"Effect": "Allow", "Condition": []}]})",
                Reason::kFieldInvalid},
        Refusal{"OnlyADenial",
                R"({"Statement": [{"Effect": "Deny", "Condition":
                    {"StringNotEqualsIgnoreCase": {"@PCR0": "$a"}}}]})",
                Reason::kFieldInvalid},
        Refusal{"ADenialBesideWhatIsAllowed",
                R"({"Statement": [
                    {"Effect": "Allow", "Condition":
                     {"StringEquals": {"@PCR8": "$a"}}},
                    {"Effect": "Deny", "Condition":
                     {"StringEquals": {"@PCR0": "$a"}}}]})",
                Reason::kFieldInvalid}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace anchorage::anchors

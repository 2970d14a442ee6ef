#include "client/policy/policy_document.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/fake_aws/fake_identity.h"
#include "test/fake_aws/fake_nitro.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_verifier.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::EnclavePolicy;
using verify::Expectations;
using verify::NitroTpmPolicy;
using verify::Reason;
using verify::ReasonOf;

constexpr char kName[] = "policy.yaml";

std::string Hex(char digit) { return std::string(96, digit); }

// Fills in a text: $a is 96 digits a, and so on.
std::string Fill(std::string_view text) {
  std::string filled(text);
  for (const char digit : std::string_view("0abcAB")) {
    filled = absl::StrReplaceAll(
        filled, {{absl::StrCat("$", std::string(1, digit)), Hex(digit)}});
  }
  return filled;
}

std::optional<Reason> Decide(std::string_view text,
                             const PolicyDocumentOptions& options = {}) {
  return ReasonOf(ReadPolicyDocument(Fill(text), kName, options).status());
}

template <typename Policy>
Expectations Read(std::string_view text,
                  const PolicyDocumentOptions& options = {}) {
  const auto policy = ReadPolicyDocument(Fill(text), kName, options);
  EXPECT_TRUE(policy.ok()) << policy.status();
  if (!policy.ok()) return {};
  EXPECT_TRUE(std::holds_alternative<Policy>(*policy));
  return std::get<Policy>(*policy).expectations();
}

TEST(PolicyDocument, SaysEverythingThatABuilderCan) {
  const Expectations all = Read<EnclavePolicy>(R"(
type: TYPE_ENCLAVE
condition:
  all_of:
    - {key: PCR8, values: [$a]}
    - any_of:
        - {key: ImageSha384, values: [$b, $c]}
        - {key: 'kms:RecipientAttestation:PCR0', values: [$A], ignore_case: true}
    - not: {key: PCR3, values: [$0]}
nonce: {hex: 00fF}
user_data: {hex: ''}
public_key: {types: [KEY_TYPE_RSA, KEY_TYPE_EC_P256, KEY_TYPE_EC_P384, KEY_TYPE_ED25519]}
instances: [i-1, i-2]
regions: [eu-west-1]
partition: aws-us-gov
max_age: 60s
clock_leeway: 0s
allow_debug: {why: a test bench}
refuse_unknown_fields: true
strict: true
)");
  EXPECT_TRUE(all.condition.has_value());
  EXPECT_EQ(all.nonce, std::string("\0\xff", 2));
  EXPECT_EQ(all.user_data, "");
  EXPECT_EQ(all.public_key_types->size(), 4U);
  EXPECT_EQ(all.instances->size(), 2U);
  EXPECT_EQ(all.regions->front(), "eu-west-1");
  EXPECT_EQ(all.partition, "aws-us-gov");
  EXPECT_EQ(all.max_age, absl::Minutes(1));
  EXPECT_EQ(all.clock_leeway, absl::ZeroDuration());
  EXPECT_TRUE(all.allow_debug);
  EXPECT_EQ(all.ignored.at("debug"), "a test bench");
  EXPECT_TRUE(all.refuse_unknown_keys);
  EXPECT_TRUE(all.strict);
  EXPECT_EQ(all.ignored.size(), 1U);
}

TEST(PolicyDocument, AsksForAReleaseOfAProduct) {
  const auto releases = std::make_shared<const verify::ReleaseSet>(
      std::vector<verify::Release>{});
  const Expectations of_release = Read<EnclavePolicy>(
      "type: TYPE_ENCLAVE\nrelease: signer\nignore_the_rest: a test\n",
      {.releases = releases});
  EXPECT_EQ(of_release.release->product, "signer");
  EXPECT_EQ(of_release.release->releases, releases);
  EXPECT_EQ(Decide("type: TYPE_ENCLAVE\nrelease: signer\n"
                   "condition: {key: PCR0, values: [$a]}\n"
                   "ignore_the_rest: a test\n"),
            Reason::kFieldInvalid);
}

TEST(PolicyDocument, HasTheDefaultsOfABuilder) {
  const Expectations few = Read<NitroTpmPolicy>(
      "type: TYPE_NITRO_TPM\nmodules: [i-1-tpm1]\nignore_the_rest: a test\n");
  const Expectations builder = {};
  EXPECT_EQ(few.partition, builder.partition);
  EXPECT_EQ(few.max_age, builder.max_age);
  EXPECT_EQ(few.clock_leeway, builder.clock_leeway);
  EXPECT_FALSE(few.refuse_unknown_keys);
  EXPECT_FALSE(few.strict);
  EXPECT_FALSE(few.allow_debug);
  EXPECT_FALSE(few.condition.has_value());
  EXPECT_EQ(few.ignored.at("measurements"), "a test");
  EXPECT_EQ(few.ignored.at("nonce"), "a test");
}

TEST(PolicyDocument, IgnoresByName) {
  const Expectations ignored = Read<EnclavePolicy>(R"(
type: TYPE_ENCLAVE
condition: {key: PCR0, values: [$a]}
nonce: {ignored: no session}
user_data: {ignored: no data}
public_key: {ignored: no key}
modules: [i-1-enc1]
regions: [eu-west-1]
)");
  EXPECT_EQ(ignored.ignored.at("nonce"), "no session");
  EXPECT_EQ(ignored.ignored.at("user_data"), "no data");
  EXPECT_EQ(ignored.ignored.at("public_key"), "no key");
}

TEST(PolicyDocument, IsJsonToo) {
  const Expectations json = Read<EnclavePolicy>(
      "\n{\"type\": \"TYPE_ENCLAVE\",\n\t\"condition\": {\"any_of\": "
      "[{\"key\": \"PCR0\", \"values\": [\"$a\", \"$b\"]}]},\n"
      "\"public_key\": {\"present\": true}, \"max_age\": \"30s\", "
      "\"ignore_the_rest\": \"a test\"}\n");
  EXPECT_TRUE(json.condition.has_value());
  EXPECT_TRUE(json.public_key_present);
  EXPECT_EQ(json.max_age, absl::Seconds(30));
}

// As deep as a condition may be, in both forms.
TEST(PolicyDocument, IsAsDeepAsAConditionMayBe) {
  const auto deep = [](int levels, bool json) {
    std::string all =
        "{\"type\": \"TYPE_ENCLAVE\", \"ignore_the_rest\": "
        "\"a test\", \"condition\": ";
    for (int i = 1; i < levels; ++i) absl::StrAppend(&all, "{\"all_of\": [");
    absl::StrAppend(&all, "{\"key\": \"PCR0\", \"values\": [\"$a\"]}");
    for (int i = 1; i < levels; ++i) absl::StrAppend(&all, "]}");
    absl::StrAppend(&all, "}");
    // A comment in front makes it YAML.
    return Decide(json ? all : "# YAML\n" + all);
  };
  for (const bool json : {false, true}) {
    EXPECT_EQ(deep(verify::kMaxConditionDepth, json), std::nullopt) << json;
    EXPECT_EQ(deep(verify::kMaxConditionDepth + 1, json),
              Reason::kInputTooLarge)
        << json;
  }
}

TEST(PolicyDocument, TakesWhatOnlyTheCallerKnows) {
  constexpr char kText[] =
      "type: TYPE_ENCLAVE\ncondition: {key: PCR0, values: [$a]}\n"
      "ignore_the_rest: a test\n";
  const Expectations session = Read<EnclavePolicy>(
      kText, {.nonce = "n", .user_data = "u", .public_key = "k"});
  EXPECT_EQ(session.nonce, "n");
  EXPECT_EQ(session.user_data, "u");
  EXPECT_EQ(session.public_key, "k");
  EXPECT_FALSE(session.ignored.contains("nonce"));

  const std::string text = absl::StrCat(kText, "nonce: {hex: '00'}\n");
  EXPECT_EQ(Decide(text), std::nullopt);
  EXPECT_EQ(Decide(text, {.nonce = "n"}), Reason::kFieldInvalid);
  EXPECT_EQ(Decide(absl::StrCat(kText, "partition: aws-cn\n"),
                   {.nonce = "n", .partition = "aws-cn"}),
            Reason::kFieldInvalid);
  EXPECT_EQ(Decide(kText, {.nonce = ""}), Reason::kPolicyEmpty);
}

// What must not pass for a policy, as a change to a good one.
struct Refusal {
  const char* name;
  // A line of Good(), by its key, and what stands there instead.
  const char* key;
  const char* line;
  Reason reason;
};

std::string Good(std::string_view changed_key, std::string_view line) {
  constexpr std::pair<const char*, const char*> kLines[] = {
      {"type", "type: TYPE_ENCLAVE"},
      {"condition", "condition: {key: PCR0, values: [$a]}"},
      {"nonce", "nonce: {hex: '00'}"},
      {"user_data", "user_data: {hex: ''}"},
      {"public_key", "public_key: {present: true}"},
      {"modules", "modules: [i-1-enc1]"},
      {"regions", "regions: [eu-west-1]"},
  };
  std::string text;
  bool changed = false;
  for (const auto& [key, good] : kLines) {
    const bool here = key == changed_key;
    absl::StrAppend(&text, here ? std::string(line) : good, "\n");
    changed = changed || here;
  }
  if (!changed) absl::StrAppend(&text, std::string(line), "\n");
  return text;
}

TEST(PolicyDocument, CanExpectAPublicKeyThatIsThereAndEmpty) {
  const Expectations empty =
      Read<EnclavePolicy>(Good("public_key", "public_key: {hex: ''}"));
  EXPECT_EQ(empty.public_key, "");
  EXPECT_FALSE(empty.public_key_present);
}

TEST(PolicyDocument, TakesPartitionAndProfileFromTheCaller) {
  const PolicyDocumentOptions options = {.partition = "aws-us-gov",
                                         .strict = true};
  const Expectations ours = Read<EnclavePolicy>(Good("", ""), options);
  EXPECT_EQ(ours.partition, "aws-us-gov");
  EXPECT_TRUE(ours.strict);
  const Expectations kms = Read<EnclavePolicy>(
      R"({"StringEquals": {"kms:RecipientAttestation:PCR0": "$a"}})", options);
  EXPECT_EQ(kms.partition, "aws-us-gov");
  EXPECT_TRUE(kms.strict);
}

TEST(PolicyDocument, IsGoodBeforeItIsChanged) {
  EXPECT_EQ(Decide(Good("", "")), std::nullopt);
}

class PolicyDocumentRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(PolicyDocumentRefusal, HasItsReason) {
  const auto policy = ReadPolicyDocument(
      Fill(Good(GetParam().key, GetParam().line)), kName, {});
  EXPECT_EQ(ReasonOf(policy.status()), GetParam().reason) << policy.status();
  EXPECT_EQ(policy.status().message().find(kName), 0U) << policy.status();
}

INSTANTIATE_TEST_SUITE_P(
    PolicyDocument, PolicyDocumentRefusal,
    ::testing::Values(
        Refusal{"NoType", "type", "", Reason::kFieldMissing},
        Refusal{"OtherType", "type", "type: TYPE_NITRO_TPM",
                Reason::kFieldInvalid},
        Refusal{"NoMeasurements", "condition", "", Reason::kPolicyIncomplete},
        Refusal{"NoNonce", "nonce", "", Reason::kPolicyIncomplete},
        Refusal{"NoRegions", "regions", "", Reason::kPolicyIncomplete},
        Refusal{"UnknownField", "", "colour: red", Reason::kFieldUnknown},
        Refusal{"ConditionOfNothing", "condition", "condition: {}",
                Reason::kPolicyEmpty},
        Refusal{"EmptyRelease", "condition", "release: ''",
                Reason::kPolicyEmpty},
        Refusal{"ConditionOfNoValues", "condition", "condition: {key: PCR0}",
                Reason::kPolicyEmpty},
        Refusal{"ValuesOfNoKey", "condition", "condition: {values: [$a]}",
                Reason::kPolicyEmpty},
        Refusal{"EmptyAllOf", "condition", "condition: {all_of: []}",
                Reason::kFieldInvalid},
        Refusal{"TwoConditionsInOne", "condition",
                "condition: {key: PCR0, values: [$a], "
                "any_of: [{key: PCR1, values: [$a]}]}",
                Reason::kFieldInvalid},
        Refusal{"ValuesBesideANot", "condition",
                "condition: {values: [$a], not: {key: PCR1, values: [$a]}}",
                Reason::kFieldInvalid},
        Refusal{"UnknownKey", "condition",
                "condition: {key: PCR32, values: [$a]}", Reason::kFieldInvalid},
        Refusal{"ShortValue", "condition",
                "condition: {key: PCR0, values: [aa]}", Reason::kFieldInvalid},
        Refusal{"UpperCaseValue", "condition",
                "condition: {key: PCR0, values: [$A]}", Reason::kFieldInvalid},
        Refusal{"ValueThatIsNotHex", "condition",
                "condition: {key: PCR0, values: [0x$a]}",
                Reason::kEncodingMalformed},
        Refusal{"OnlyADenial", "condition",
                "condition: {not: {key: PCR0, values: [$a]}}",
                Reason::kPolicyUnsafe},
        Refusal{"NonceOfNothing", "nonce", "nonce: {}", Reason::kPolicyEmpty},
        Refusal{"EmptyNonce", "nonce", "nonce: {hex: ''}",
                Reason::kPolicyEmpty},
        Refusal{"NonceThatIsNotHex", "nonce", "nonce: {hex: mine}",
                Reason::kEncodingMalformed},
        Refusal{"NonceOfTwoKinds", "nonce", "nonce: {hex: '00', ignored: why}",
                Reason::kDuplicateKey},
        Refusal{"NonceIgnoredWithoutAWhy", "nonce", "nonce: {ignored: ''}",
                Reason::kPolicyIncomplete},
        Refusal{"UserDataOfNothing", "user_data", "user_data: {}",
                Reason::kPolicyEmpty},
        Refusal{"UserDataThatIsNotHex", "user_data", "user_data: {hex: '0'}",
                Reason::kEncodingMalformed},
        Refusal{"PublicKeyOfNothing", "public_key",
                "public_key: {present: false}", Reason::kPolicyEmpty},
        Refusal{"PublicKeyOfTwoKinds", "public_key",
                "public_key: {present: true, hex: '00'}",
                Reason::kFieldInvalid},
        Refusal{"PublicKeyIgnoredWithoutAWhy", "public_key",
                "public_key: {ignored: ''}", Reason::kPolicyIncomplete},
        Refusal{"ModulesAndInstances", "", "instances: [i-1]",
                Reason::kFieldInvalid},
        Refusal{"EmptyModule", "modules", "modules: ['']",
                Reason::kPolicyEmpty},
        Refusal{"NoModules", "modules", "modules: []", Reason::kFieldInvalid},
        Refusal{"EmptyPartition", "", "partition: ''", Reason::kPolicyEmpty},
        Refusal{"NoAge", "", "max_age: 0s", Reason::kFieldInvalid},
        Refusal{"LongLeeway", "", "clock_leeway: 601s", Reason::kFieldInvalid},
        Refusal{"DebugWithoutAWhy", "", "allow_debug: {}",
                Reason::kPolicyIncomplete}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(PolicyDocument, ExpectsSomething) {
  EXPECT_EQ(Decide(""), Reason::kDocumentMalformed);
  EXPECT_EQ(Decide("{}"), Reason::kFieldMissing);
  EXPECT_EQ(Decide("type: TYPE_ENCLAVE\n"), Reason::kPolicyEmpty);
  EXPECT_EQ(Decide("type: TYPE_ENCLAVE\nignore_the_rest: a test\n"),
            Reason::kPolicyEmpty);
}

TEST(PolicyDocument, IsSafeForANitroTpm) {
  const auto decide = [](std::string_view condition) {
    return Decide(
        absl::StrCat("type: TYPE_NITRO_TPM\nignore_the_rest: a test\n",
                     "condition: ", std::string(condition)));
  };
  EXPECT_EQ(decide("{key: NitroTPMPCR4, values: [$a]}"), Reason::kPolicyUnsafe);
  EXPECT_EQ(decide("{all_of: [{key: NitroTPMPCR4, values: [$a]}, "
                   "{key: NitroTPMPCR12, values: [$0]}]}"),
            std::nullopt);
  EXPECT_EQ(decide("{key: NitroTPMPCR7, values: [$a]}\nallow_debug: {why: x}"),
            Reason::kFieldInvalid);
}

TEST(PolicyDocument, AllowsExtensionsForAReason) {
  constexpr char kTpm[] =
      "type: TYPE_NITRO_TPM\nignore_the_rest: a test\ncondition: "
      "{all_of: [{key: NitroTPMPCR4, values: [$a]}, "
      "{key: NitroTPMPCR12, values: [$0]}]}\n";
  EXPECT_FALSE(Read<NitroTpmPolicy>(kTpm).allow_extensions);
  const Expectations allowed = Read<NitroTpmPolicy>(
      absl::StrCat(kTpm, "allow_extensions: a lab of ours\n"));
  EXPECT_TRUE(allowed.allow_extensions);
  EXPECT_EQ(allowed.ignored.at("extensions"), "a lab of ours");
  EXPECT_EQ(Decide(absl::StrCat(kTpm, "allow_extensions: 'no'\n")),
            Reason::kPolicyIncomplete);
  EXPECT_EQ(Decide("type: TYPE_ENCLAVE\nignore_the_rest: a test\n"
                   "condition: {key: PCR0, values: [$a]}\n"
                   "allow_extensions: a lab of ours\n"),
            Reason::kFieldInvalid);
}

TEST(PolicyDocument, ReadsJsonStrictly) {
  constexpr char kRest[] =
      "\"type\": \"TYPE_ENCLAVE\", \"condition\": {\"key\": \"PCR0\", "
      "\"values\": [\"$a\"]}, \"ignore_the_rest\": \"why\"";
  EXPECT_EQ(Decide(absl::StrCat("{", kRest, "}")), std::nullopt);
  EXPECT_EQ(Decide(absl::StrCat("{", kRest, ", \"type\": \"TYPE_ENCLAVE\"}")),
            Reason::kDuplicateKey);
  EXPECT_EQ(
      Decide(absl::StrCat("{", kRest, ", \"t\\u0079pe\": \"TYPE_ENCLAVE\"}")),
      Reason::kDuplicateKey);
  EXPECT_EQ(Decide(absl::StrCat("{", kRest, "} {}")), Reason::kTrailingBytes);
  EXPECT_EQ(Decide(absl::StrCat("{", kRest, ",}")), Reason::kDocumentMalformed);
  EXPECT_EQ(Decide(absl::StrCat("{", kRest, "} # a comment")),
            Reason::kTrailingBytes);
  EXPECT_EQ(Decide("{type: TYPE_ENCLAVE}"), Reason::kDocumentMalformed);
  EXPECT_EQ(Decide(absl::StrCat("{", kRest, ", \"nonce\": null}")),
            Reason::kFieldInvalid);
}

TEST(PolicyDocument, RefusesALongText) {
  const std::string json = "{" + std::string(256 * 1024, ' ') + "}";
  EXPECT_EQ(Decide(json), Reason::kInputTooLarge);
  EXPECT_EQ(Decide(std::string(256 * 1024 + 1, '#')), Reason::kInputTooLarge);
}

// The policy decides on a genuine document as its text says.
TEST(PolicyDocument, DecidesOnGenuineDocuments) {
  const test::FakeNitro aws;
  const auto anchors = verify::AnchorSet::Create({aws.RootAnchor()}, {});
  ASSERT_TRUE(anchors.ok());
  const std::string document = Encode(aws.Genuine(test::NitroType::kTpm));
  const std::string pcr4_bytes =
      test::GenuinePcrs(test::NitroType::kTpm).at(4).second;
  std::string image;
  for (const unsigned char byte : pcr4_bytes) {
    absl::StrAppend(&image, absl::Hex(byte, absl::kZeroPad2));
  }
  const auto verify_with = [&](std::string_view pcr4) {
    const auto policy = ReadPolicyDocument(
        Fill(absl::StrCat("type: TYPE_NITRO_TPM\nregions: [us-east-1]\n",
                          "ignore_the_rest: a test\n",
                          "condition: {all_of: [{key: NitroTPMPCR12, values: "
                          "[$0]}, {key: NitroTPMPCR4, values: [",
                          std::string(pcr4), "]}]}")),
        kName, {});
    EXPECT_TRUE(policy.ok()) << policy.status();
    return ReasonOf(verify::VerifyNitroTpm(document, **anchors,
                                           std::get<NitroTpmPolicy>(*policy),
                                           test::FakeNow())
                        .status());
  };
  EXPECT_EQ(verify_with(image), std::nullopt);
  EXPECT_EQ(verify_with("$a"), Reason::kPcrMismatch);
}

}  // namespace
}  // namespace anchorage::anchors

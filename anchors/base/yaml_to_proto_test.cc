#include "anchors/base/yaml_to_proto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "proto/anchorage/v1/attestation_policy.pb.h"
#include "proto/anchorage/v1/config.pb.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::Reason;
using verify::ReasonOf;

constexpr char kName[] = "file.yaml";

template <typename Message>
Message Read(const std::string& yaml) {
  Message message;
  const absl::Status status = ReadYaml(yaml, kName, message);
  EXPECT_TRUE(status.ok()) << status;
  return message;
}

TEST(YamlToProto, ReadsWordsNumbersAndNestedFields) {
  const auto config = Read<v1::TrustdConfig>(
      "# a comment\n"
      "listen_address: \"[::1]:0\"\n"
      "max_watchers: -7\n"
      "reflection: false\n"
      "refresh_hint: 600s\n"
      "mode: MODE_ONLINE\n"
      "log:\n"
      "  level: LEVEL_DEBUG\n"
      "validity: {root: 0s}\n");
  EXPECT_EQ(config.listen_address(), "[::1]:0");
  EXPECT_EQ(config.max_watchers(), -7);
  EXPECT_TRUE(config.has_reflection());
  EXPECT_FALSE(config.reflection());
  EXPECT_EQ(config.refresh_hint().seconds(), 600);
  EXPECT_EQ(config.mode(), v1::TrustdConfig::MODE_ONLINE);
  EXPECT_EQ(config.log().level(), v1::LogConfig::LEVEL_DEBUG);
  EXPECT_TRUE(config.validity().has_root());
  EXPECT_FALSE(config.validity().has_targets());
}

TEST(YamlToProto, ReadsListsOfWordsMessagesAndEnums) {
  const auto policy = Read<v1::AttestationPolicy>(
      "regions: [eu-west-1, 'eu-north-1']\n"
      "public_key: {types: [KEY_TYPE_RSA, KEY_TYPE_EC_P384]}\n"
      "condition:\n"
      "  any_of:\n"
      "  - {key: PCR0, values: [00ff]}\n"
      "  - not: {key: PCR1}\n");
  EXPECT_THAT(policy.regions(),
              ::testing::ElementsAre("eu-west-1", "eu-north-1"));
  EXPECT_THAT(policy.public_key().types(),
              ::testing::ElementsAre(v1::ExpectedPublicKey::KEY_TYPE_RSA,
                                     v1::ExpectedPublicKey::KEY_TYPE_EC_P384));
  ASSERT_EQ(policy.condition().any_of().size(), 2);
  // A text, though it looks like a number.
  EXPECT_EQ(policy.condition().any_of(0).values(0), "00ff");
  EXPECT_EQ(policy.condition().any_of(1).not_().key(), "PCR1");
}

TEST(YamlToProto, ReadsOneFieldOfAOneof) {
  EXPECT_EQ(Read<v1::AttestationPolicy>("nonce: {hex: ''}")
                .nonce()
                .expectation_case(),
            v1::ExpectedBytes::kHex);
  EXPECT_EQ(
      Read<v1::AttestationPolicy>("nonce: {ignored: why}").nonce().ignored(),
      "why");
}

TEST(YamlToProto, ReadsJson) {
  const auto policy = Read<v1::AttestationPolicy>(
      "{\n\t\"regions\":[\"eu-west-1\"],\r\n\t\"refuse_unknown_fields\":true,"
      "\"nonce\":{\"ignored\":\"\\u00e9 \\/ \\\"\"}}");
  EXPECT_EQ(policy.regions(0), "eu-west-1");
  EXPECT_TRUE(policy.refuse_unknown_fields());
  EXPECT_EQ(policy.nonce().ignored(), "\xc3\xa9 / \"");
}

// `levels` conditions in one another, below the top.
std::string Nested(int levels) {
  std::string yaml = "condition: ";
  for (int i = 1; i < levels; ++i) yaml += "{not: ";
  return absl::StrCat(yaml, "{key: PCR0}", std::string(levels - 1, '}'));
}

TEST(YamlToProto, BoundsDepthAndSize) {
  Read<v1::AttestationPolicy>(Nested(kMaxYamlDepth));
  v1::AttestationPolicy policy;
  EXPECT_EQ(ReasonOf(ReadYaml(Nested(kMaxYamlDepth + 1), kName, policy)),
            Reason::kInputTooLarge);

  std::string yaml = "ignore_the_rest: ";
  yaml.resize(kMaxYamlBytes, 'x');
  Read<v1::AttestationPolicy>(yaml);
  EXPECT_EQ(ReasonOf(ReadYaml(yaml + "x", kName, policy)),
            Reason::kInputTooLarge);
}

// Each is refused for one reason, and the message begins with the place.
struct Refusal {
  const char* name;
  std::string yaml;
  Reason reason;
  const char* place;
};

class YamlRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(YamlRefusal, TellsReasonAndPlace) {
  v1::AttestationPolicy policy;
  const absl::Status status = ReadYaml(GetParam().yaml, kName, policy);
  EXPECT_EQ(ReasonOf(status), GetParam().reason) << status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              ::testing::StartsWith(absl::StrCat(kName, GetParam().place)));
}

INSTANTIATE_TEST_SUITE_P(
    YamlToProto, YamlRefusal,
    ::testing::Values(
        Refusal{"Empty", "", Reason::kDocumentMalformed, ": "},
        Refusal{"CommentOnly", "# x\n", Reason::kDocumentMalformed, ": "},
        Refusal{"List", "- a\n", Reason::kDocumentMalformed, ":1: "},
        Refusal{"Word", "a\n", Reason::kDocumentMalformed, ":1: "},
        Refusal{"Broken", "regions: [\n", Reason::kDocumentMalformed, ":"},
        Refusal{"TwoDocuments", "regions: [a]\n---\nregions: [b]\n",
                Reason::kDocumentMalformed, ": "},
        Refusal{"Utf16", std::string("a\0:\0 \0b\0", 8),
                Reason::kDocumentMalformed, ": "},
        Refusal{"NotUtf8", "partition: \xff\n", Reason::kDocumentMalformed,
                ": "},
        Refusal{"Alias", "nonce: &a {hex: '00'}\nuser_data: *a\n",
                Reason::kDocumentMalformed, ":2: "},
        Refusal{"Tag", "partition: !!str aws\n", Reason::kDocumentMalformed,
                ":1: "},
        Refusal{"TagOfAMessage", "\nnonce: !other {hex: '00'}\n",
                Reason::kDocumentMalformed, ":2: "},
        Refusal{"DeepBrackets", std::string(100'000, '['),
                Reason::kDocumentMalformed, ":"},
        Refusal{"KeyOfKeys", "? {a: b}\n: c\n", Reason::kDocumentMalformed,
                ":1: "},
        Refusal{"UnknownField", "partition: aws\ncolour: red\n",
                Reason::kFieldUnknown, ":2: "},
        Refusal{"UnknownFieldBelow", "nonce:\n  colour: red\n",
                Reason::kFieldUnknown, ":2: "},
        Refusal{"FieldInOtherLetters", "Partition: aws\n",
                Reason::kFieldUnknown, ":1: "},
        Refusal{"JsonName", "maxAge: 5s\n", Reason::kFieldUnknown, ":1: "},
        Refusal{"MergeKey", "<<: {partition: aws}\n", Reason::kFieldUnknown,
                ":1: "},
        Refusal{"FieldTwice", "partition: aws\npartition: aws\n",
                Reason::kDuplicateKey, ":2: "},
        Refusal{"TwoOfAOneof", "nonce:\n  hex: '00'\n  ignored: why\n",
                Reason::kDuplicateKey, ":3: "},
        Refusal{"EmptyList", "regions: []\n", Reason::kFieldInvalid, ":1: "},
        Refusal{"WordForAList", "regions: eu-west-1\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"NullForAList", "regions:\n", Reason::kFieldInvalid, ":1: "},
        Refusal{"NullForAWord", "partition:\n", Reason::kFieldInvalid, ":1: "},
        Refusal{"ListForAWord", "partition: [aws]\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"WordForAMessage", "nonce: '00'\n", Reason::kDocumentMalformed,
                ":1: "},
        Refusal{"ListOfLists", "regions: [[a]]\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"Yes", "refuse_unknown_fields: yes\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"UnknownEnum", "type: TYPE_OTHER\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"UnsetEnum", "type: TYPE_UNSPECIFIED\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"EnumNumber", "type: 1\n", Reason::kFieldInvalid, ":1: "},
        Refusal{"BareDuration", "max_age: 5\n", Reason::kFieldInvalid, ":1: "},
        Refusal{"MinuteDuration", "max_age: 5m\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"FractionalDuration", "max_age: 1.5s\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"NegativeDuration", "max_age: -5s\n", Reason::kFieldInvalid,
                ":1: "},
        Refusal{"EndlessDuration", "max_age: 315576000001s\n",
                Reason::kFieldInvalid, ":1: "}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(YamlToProto, RefusesNumbersThatAreNone) {
  for (const char* number : {"many", "1.5", "0x10", "2147483648", "''"}) {
    v1::TrustdConfig config;
    EXPECT_EQ(ReasonOf(ReadYaml(absl::StrCat("max_watchers: ", number), kName,
                                config)),
              Reason::kFieldInvalid)
        << number;
  }
}

}  // namespace
}  // namespace anchorage::anchors

// The two descriptions of a policy document, the proto and the JSON Schema, and
// its reader have the same fields, and refuse the same values.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "client/policy/document_text.h"
#include "client/policy/identity_policy_document.h"
#include "client/policy/policy_document.h"
#include "proto/anchorage/v1/attestation_policy.pb.h"
#include "proto/anchorage/v1/identity_policy.pb.h"

namespace anchorage::anchors {
namespace {

using Json = nlohmann::json;
using Names = std::set<std::string>;

constexpr char kIdentitySchema[] = "client/policy/identity_policy.schema.json";
constexpr char kAttestationSchema[] =
    "client/policy/attestation_policy.schema.json";

Json ReadSchema(const std::string& path) {
  std::ifstream file(path);
  return Json::parse(file);
}

void ExpectTheSameFields(const std::vector<PolicyMessage>& messages,
                         const google::protobuf::FileDescriptor& proto,
                         const std::string& path) {
  const Json schema = ReadSchema(path);
  EXPECT_EQ(static_cast<int>(messages.size()), proto.message_type_count());
  // Besides the messages, what a reason is.
  EXPECT_EQ(messages.size(), schema["$defs"].size());
  for (const PolicyMessage& message : messages) {
    const std::string name(message.name);
    const Names read(message.fields.begin(), message.fields.end());

    const auto* const descriptor = proto.FindMessageTypeByName(name);
    ASSERT_NE(descriptor, nullptr) << name;
    Names in_proto;
    for (int i = 0; i < descriptor->field_count(); ++i) {
      in_proto.insert(descriptor->field(i)->name());
    }
    EXPECT_EQ(in_proto, read) << name;

    const auto& object =
        schema["title"] == name ? schema : schema["$defs"].at(name);
    Names in_schema;
    for (const auto& [field, unused] : object.at("properties").items()) {
      in_schema.insert(field);
    }
    EXPECT_EQ(in_schema, read) << name;
    EXPECT_EQ(object.at("additionalProperties"), false) << name;
  }
}

TEST(PolicySchema, OfAnIdentityIsWhatIsRead) {
  ExpectTheSameFields(IdentityPolicyMessages(),
                      *v1::IdentityPolicy::descriptor()->file(),
                      kIdentitySchema);
}

TEST(PolicySchema, OfAnAttestationIsWhatIsRead) {
  ExpectTheSameFields(AttestationPolicyMessages(),
                      *v1::AttestationPolicy::descriptor()->file(),
                      kAttestationSchema);
}

std::wstring Wide(const std::string& utf8) {
  std::wstring wide;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[at]);
    const int length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    wchar_t code = lead & (length == 1 ? 0x7f : 0xff >> (length + 1));
    for (int i = 1; i < length; ++i) code = code << 6 | (utf8[at + i] & 0x3f);
    wide.push_back(code);
    at += length;
  }
  return wide;
}

// The part of JSON Schema that ours use.
class Schema {
 public:
  explicit Schema(const std::string& path) : root_(ReadSchema(path)) {}

  bool Takes(const Json& value) const { return Takes(root_, value); }

 private:
  bool Takes(const Json& schema, const Json& value) const {
    for (const auto& [word, rule] : schema.items()) {
      if (!Holds(word, rule, value)) return false;
    }
    return true;
  }

  bool Holds(const std::string& word, const Json& rule,
             const Json& value) const {
    if (word == "$ref") {
      return Takes(root_[Json::json_pointer(rule.get<std::string>().substr(1))],
                   value);
    }
    if (word == "type") return rule == TypeOf(value);
    if (word == "const") return rule == value;
    if (word == "enum") {
      return std::find(rule.begin(), rule.end(), value) != rule.end();
    }
    if (word == "not") return !Takes(rule, value);
    if (word == "anyOf") {
      return std::any_of(rule.begin(), rule.end(),
                         [&](const Json& one) { return Takes(one, value); });
    }
    if (word == "pattern") {
      return !value.is_string() ||
             std::regex_search(Wide(value), std::wregex(Wide(rule)));
    }
    if (word == "minLength") return !value.is_string() || value != "";
    if (word == "minItems") return !value.is_array() || !value.empty();
    if (word == "items") {
      return !value.is_array() ||
             std::all_of(value.begin(), value.end(),
                         [&](const Json& one) { return Takes(rule, one); });
    }
    if (!value.is_object()) return true;
    if (word == "minProperties") return value.size() >= rule;
    if (word == "maxProperties") return value.size() <= rule;
    if (word == "required") {
      return std::all_of(rule.begin(), rule.end(), [&](const Json& name) {
        return value.contains(name.get<std::string>());
      });
    }
    if (word == "properties") {
      for (const auto& [name, member] : value.items()) {
        if (!rule.contains(name) || !Takes(rule[name], member)) return false;
      }
      return true;
    }
    if (word == "dependentRequired") {
      for (const auto& [name, others] : rule.items()) {
        if (value.contains(name) && !value.contains(others[0])) return false;
      }
      return true;
    }
    static const Names kSaysNothing = {"$schema", "$defs", "title",
                                       "description", "additionalProperties"};
    EXPECT_TRUE(kSaysNothing.contains(word)) << word;
    return true;
  }

  static std::string TypeOf(const Json& value) { return value.type_name(); }

  const Json root_;
};

bool IsRead(const std::string& path, const std::string& json) {
  return path == kIdentitySchema ? ReadIdentityPolicy(json, "p").ok()
                                 : ReadPolicyDocument(json, "p").ok();
}

void ExpectBoth(const std::string& path, bool accepted,
                const std::vector<std::string>& texts) {
  const Schema schema(path);
  for (const std::string& text : texts) {
    EXPECT_EQ(schema.Takes(Json::parse(text)), accepted) << text;
    EXPECT_EQ(IsRead(path, text), accepted) << text;
  }
}

TEST(PolicySchema, OfAnIdentityTakesWhatIsRead) {
  ExpectBoth(
      kIdentitySchema, true,
      {R"({"authenticity_only": "a test"})",
       R"({"regions": ["eu-west-1"], "ignore_the_rest": "2 of 3 regions"})",
       R"({"regions": ["no"], "ignore_the_rest": "no accounts matter"})",
       R"({"accounts": ["012345678901"], "max_age": "600s",
           "ignore": {"regions": "ライセンス"}, "ignore_the_rest": "лицензия"})",
       R"({"regions": ["a"], "ignore_the_rest": "a licence \ud83d\ude00"})"});
}

TEST(PolicySchema, OfAnAttestationTakesWhatIsRead) {
  ExpectBoth(kAttestationSchema, true,
             {R"({"type": "TYPE_ENCLAVE", "regions": ["eu-west-1"],
                  "ignore_the_rest": "a test",
                  "nonce": {"ignored": "no session"},
                  "allow_debug": {"why": "a test bench"}, "strict": true})"});
}

// The values by which programs say no.
const std::vector<std::string>& Noes() {
  static const std::vector<std::string> noes = {
      "false",         "true",      "0",           "1e3",
      "null",          "[]",        "{}",          R"("")",
      R"(" ")",        R"("no")",   R"("False")",  R"("OFF ")",
      R"("0")",        R"("1e3")",  R"("~")",      R"("null")",
      R"("None")",     R"("0x1F")", R"("\u00a0")", R"("\u200b")",
      R"("no\u200b")", R"("<nil>")"};
  return noes;
}

TEST(PolicySchema, OfAnIdentityTakesNoForNoReason) {
  for (const std::string& no : Noes()) {
    ExpectBoth(kIdentitySchema, false,
               {R"({"authenticity_only": )" + no + "}",
                R"({"regions": ["a"], "ignore_the_rest": )" + no + "}",
                R"({"regions": ["a"], "ignore_the_rest": "x",
                    "ignore": {"accounts": )" +
                    no + "}}"});
  }
}

TEST(PolicySchema, OfAnAttestationTakesNoForNoReason) {
  const std::string begin = R"({"type": "TYPE_ENCLAVE", "regions": ["a"], )";
  for (const std::string& no : Noes()) {
    ExpectBoth(
        kAttestationSchema, false,
        {begin + R"("ignore_the_rest": "x", "nonce": {"ignored": )" + no + "}}",
         begin + R"("ignore_the_rest": "x", "public_key": {"ignored": )" + no +
             "}}",
         begin + R"("ignore_the_rest": "x", "allow_debug": {"why": )" + no +
             "}}",
         begin + R"("ignore_the_rest": )" + no + "}"});
  }
}

TEST(PolicySchema, NumbersAndAnswersAreNoTexts) {
  ExpectBoth(kIdentitySchema, false,
             {R"({"accounts": [189292791360], "ignore_the_rest": "x"})",
              R"({"regions": [false], "ignore_the_rest": "x"})",
              R"({"regions": ["a"], "max_age": 600, "ignore_the_rest": "x"})"});
  ExpectBoth(kAttestationSchema, false,
             {R"({"type": "TYPE_ENCLAVE", "regions": ["a"],
                  "ignore_the_rest": "x", "strict": "false"})",
              R"({"type": "TYPE_ENCLAVE", "regions": ["a"],
                  "ignore_the_rest": "x", "user_data": {"hex": 10}})"});
}

}  // namespace
}  // namespace anchorage::anchors

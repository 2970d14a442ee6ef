#include "verify/encoding/json_reader.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

// Reads one value that is all of the text.
absl::StatusOr<JsonToken> ReadAll(std::string_view text,
                                  const JsonReader::Limits& limits = {}) {
  JsonReader json(text, limits);
  JsonToken token;
  if (absl::Status s = json.ReadValue(token); !s.ok()) return s;
  if (absl::Status s = json.Finish(); !s.ok()) return s;
  return token;
}

std::optional<Reason> ReasonFor(std::string_view text,
                                const JsonReader::Limits& limits = {}) {
  return ReasonOf(ReadAll(text, limits).status());
}

TEST(JsonReader, GivesTheTextOfEveryKindOfValue) {
  struct Row {
    std::string_view text;
    JsonKind kind;
    std::string_view token;
  };
  const Row rows[] = {
      {" null ", JsonKind::kNull, "null"},
      {"true", JsonKind::kBool, "true"},
      {"false", JsonKind::kBool, "false"},
      {"-0.5e+7", JsonKind::kNumber, "-0.5e+7"},
      {"\"text\"", JsonKind::kString, "text"},
      {"[1, [2], {}]", JsonKind::kArray, "[1, [2], {}]"},
      {"{\"a\" : [1]}", JsonKind::kObject, "{\"a\" : [1]}"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(JsonReader(row.text, {}).NextKind(), row.kind) << row.text;
    const auto token = ReadAll(row.text);
    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_EQ(token->kind, row.kind) << row.text;
    EXPECT_EQ(token->text, row.token) << row.text;
  }
}

TEST(JsonReader, WalksOverMembersAndElements) {
  JsonReader json(R"({"a" : [1, "two"], "b" : {}, "c" : null})", {});
  ASSERT_TRUE(json.EnterObject().ok());
  JsonToken name, value;
  ASSERT_TRUE(*json.NextMember(name));
  EXPECT_EQ(name.text, "a");
  ASSERT_TRUE(json.EnterArray().ok());
  ASSERT_TRUE(*json.NextElement());
  ASSERT_TRUE(json.ReadValue(value).ok());
  EXPECT_EQ(value.text, "1");
  ASSERT_TRUE(*json.NextElement());
  ASSERT_TRUE(json.ReadValue(value).ok());
  EXPECT_EQ(value.text, "two");
  ASSERT_FALSE(*json.NextElement());
  ASSERT_TRUE(*json.NextMember(name));
  EXPECT_EQ(name.text, "b");
  ASSERT_TRUE(json.EnterObject().ok());
  ASSERT_FALSE(*json.NextMember(name));
  ASSERT_TRUE(*json.NextMember(name));
  ASSERT_TRUE(json.ReadValue(value).ok());
  EXPECT_EQ(value.kind, JsonKind::kNull);
  ASSERT_FALSE(*json.NextMember(name));
  EXPECT_TRUE(json.Finish().ok());
}

TEST(JsonReader, RefusesAMisplacedOrMissingComma) {
  for (const std::string_view text :
       {"[1 2]", "[1,]", "[,1]", "[1,,2]", "[,]", "{\"a\":1 \"b\":2}",
        "{\"a\":1,}", "{,\"a\":1}", "{\"a\" 1}", "{a:1}", "[1", "{\"a\":1",
        "[1}", "{\"a\":1]"}) {
    EXPECT_EQ(ReasonFor(text), Reason::kDocumentMalformed) << text;
  }
}

TEST(JsonReader, RefusesNumbersOfAnyOtherForm) {
  for (const std::string_view text :
       {"+1", ".5", "1.", "1e", "1e+", "-", "Infinity", "-NaN", ""}) {
    EXPECT_EQ(ReasonFor(text), Reason::kDocumentMalformed) << text;
  }
  EXPECT_EQ(ReasonFor("01"), Reason::kTrailingBytes);
  EXPECT_EQ(ReasonFor("0x1"), Reason::kTrailingBytes);
  EXPECT_EQ(ReasonFor("nulll"), Reason::kTrailingBytes);
}

TEST(JsonToken, ResolvesEscapes) {
  const auto token =
      ReadAll(R"("\"\\\/\b\f\n\r\t\u0041\u00e4\u20AC\ud83d\ude00 plain")");
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_TRUE(token->escaped);
  EXPECT_EQ(token->Decoded(), "\"\\/\b\f\n\r\tA\u00e4\u20ac\U0001f600 plain");

  const auto plain = ReadAll("\"\u00e4\U0001f600\"");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_FALSE(plain->escaped);
  EXPECT_EQ(plain->Decoded(), "\u00e4\U0001f600");
}

TEST(JsonReader, RefusesStringsThatReadersDisagreeAbout) {
  for (const std::string_view text : {"\"",
                                      "\"a",
                                      "\"\\",
                                      "\"\\\"",
                                      "\"\\u\"",
                                      "\"\\u00\"",
                                      "\"\\u004g\"",
                                      "\"\\x41\"",
                                      "\"\\u0000\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\ud800\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\n\"",
                                      "\"\x7f\xff\"",
                                      "\"\x80\"",
                                      "\"\xc0\x80\"",
                                      "\"\xc3\"",
                                      "\"\xe0\x80\x80\"",
                                      "\"\xe2\x82\"",
                                      "\"\xed\xa0\x80\"",
                                      "\"\xf0\x80\x80\x80\"",
                                      "\"\xf4\x90\x80\x80\"",
                                      "\"\xf5\x80\x80\x80\"",
                                      "'a'"}) {
    EXPECT_EQ(ReasonFor(text), Reason::kDocumentMalformed) << text;
  }
}

TEST(JsonReader, FindsTheSameNameTwiceInAnyObjectItStepsOver) {
  EXPECT_EQ(ReasonFor(R"({"a":1,"b":2,"a":3})"), Reason::kDuplicateKey);
  EXPECT_EQ(ReasonFor(R"([{"a":{"b":1,"\u0062":1}}])"), Reason::kDuplicateKey);
  EXPECT_EQ(ReasonFor(R"([{"a":1},{"a":{"a":1}}])"), std::nullopt);
}

TEST(JsonReader, LimitsDepth) {
  const JsonReader::Limits limits = {.max_depth = 3};
  EXPECT_EQ(ReasonFor("[[[]]]", limits), std::nullopt);
  EXPECT_EQ(ReasonFor("[[{}],[[]]]", limits), std::nullopt);
  EXPECT_EQ(ReasonFor("[[[[]]]]", limits), Reason::kDocumentMalformed);
  EXPECT_EQ(ReasonFor(R"([[{"a":{}}]])", limits), Reason::kDocumentMalformed);
}

TEST(JsonReader, LimitsTheNumberOfValuesOfAllLevels) {
  const JsonReader::Limits limits = {.max_values = 4};
  EXPECT_EQ(ReasonFor(R"([1, {"a" : "b"}])", limits), std::nullopt);
  EXPECT_EQ(ReasonFor(R"([1, {"a" : "b"}, true])", limits),
            Reason::kInputTooLarge);
  EXPECT_EQ(ReasonFor("[[[[[]]]]]", limits), Reason::kInputTooLarge);
}

TEST(JsonReader, RefusesWhatFollowsTheValue) {
  EXPECT_EQ(ReasonFor("{} \n\t\r"), std::nullopt);
  EXPECT_EQ(ReasonFor("{}{}"), Reason::kTrailingBytes);
  EXPECT_EQ(ReasonFor(std::string_view("1\0", 2)), Reason::kTrailingBytes);
}

}  // namespace
}  // namespace anchorage::verify

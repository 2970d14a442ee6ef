#include "verify/encoding/json.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "verify/encoding/utf8.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr JsonLimits kLimits{.max_bytes = 64 * 1024};

absl::StatusOr<JsonValue> Parse(std::string_view text) {
  return ParseJson(text, kLimits);
}

// What the text inside `quoted` decodes to; nullopt if it is refused.
std::optional<std::string> String(std::string_view quoted) {
  const auto value = Parse(quoted);
  if (!value.ok() || !value->AsString().has_value()) return std::nullopt;
  return std::string(*value->AsString());
}

void ExpectRefused(std::string_view text, Reason reason) {
  const auto value = Parse(text);
  ASSERT_FALSE(value.ok()) << text;
  EXPECT_EQ(ReasonOf(value.status()), reason) << text << ": " << value.status();
}

void ExpectMalformed(std::string_view text) {
  ExpectRefused(text, Reason::kDocumentMalformed);
}

std::string Nested(char open, char close, int depth) {
  return std::string(depth, open) + std::string(depth, close);
}

TEST(Json, ReadsEveryKindOfValue) {
  const auto value = Parse(
      "\t{ \"null\" : null, \"yes\":true,\"no\" : false, \"n\" : -12.5e3,\r\n"
      "  \"s\" : \"text\", \"list\" : [ 1 , \"two\", [] ], \"map\" : {} }\n ");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->kind(), JsonValue::Kind::kObject);
  ASSERT_EQ(value->members().size(), 7u);
  EXPECT_TRUE(value->Find("null")->is_null());
  EXPECT_EQ(value->Find("yes")->AsBool(), true);
  EXPECT_EQ(value->Find("no")->AsBool(), false);
  EXPECT_EQ(value->Find("n")->number_text(), "-12.5e3");
  EXPECT_EQ(value->Find("s")->AsString(), "text");
  const JsonValue& list = *value->Find("list");
  ASSERT_EQ(list.elements().size(), 3u);
  EXPECT_EQ(list.elements()[0].AsInteger(), 1);
  EXPECT_EQ(list.elements()[1].AsString(), "two");
  EXPECT_EQ(list.elements()[2].kind(), JsonValue::Kind::kArray);
  EXPECT_EQ(value->Find("map")->kind(), JsonValue::Kind::kObject);
}

TEST(Json, KeepsMembersInTheOrderOfTheText) {
  const auto value = Parse("{\"b\":1,\"a\":2,\"c\":3}");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value->members()[0].first, "b");
  EXPECT_EQ(value->members()[1].first, "a");
  EXPECT_EQ(value->members()[2].first, "c");
}

TEST(Json, ReadsAScalarOnTop) {
  EXPECT_TRUE(Parse("null")->is_null());
  EXPECT_EQ(Parse(" true ")->AsBool(), true);
  EXPECT_EQ(Parse("0")->AsInteger(), 0);
  EXPECT_EQ(Parse("\"\"")->AsString(), "");
}

TEST(Json, AnswersNothingForAnotherKind) {
  const auto number = Parse("1");
  EXPECT_EQ(number->AsBool(), std::nullopt);
  EXPECT_EQ(number->AsString(), std::nullopt);
  EXPECT_TRUE(number->elements().empty());
  EXPECT_TRUE(number->members().empty());
  EXPECT_EQ(number->Find("a"), nullptr);
  const auto string = Parse("\"1\"");
  EXPECT_EQ(string->AsInteger(), std::nullopt);
  EXPECT_EQ(string->number_text(), "");
  EXPECT_EQ(string->AsBool(), std::nullopt);
  const auto null = Parse("null");
  EXPECT_EQ(null->AsBool(), std::nullopt);
  EXPECT_EQ(null->AsInteger(), std::nullopt);
  EXPECT_EQ(Parse("[\"a\"]")->Find("a"), nullptr);
}

TEST(Json, FindsANameOnlyAsItIsWritten) {
  const auto value = Parse("{\"accountId\":\"1\"}");
  EXPECT_NE(value->Find("accountId"), nullptr);
  EXPECT_EQ(value->Find("accountID"), nullptr);
  EXPECT_EQ(value->Find("accountId "), nullptr);
  EXPECT_EQ(value->Find(""), nullptr);
}

TEST(Json, RefusesWhatIsNoValue) {
  for (const std::string_view text :
       {"",     " ",    "\n",        "nul", "NULL", "None", "tru",
        "True", "fals", "undefined", "'a'", "a",    "}",    "]",
        ",",    ":",    "\"",        "[",   "{",    "@"}) {
    ExpectMalformed(text);
  }
}

TEST(Json, RefusesBrokenObjects) {
  for (const std::string_view text : {"{",
                                      "{\"a\"",
                                      "{\"a\"}",
                                      "{\"a\":",
                                      "{\"a\":}",
                                      "{\"a\":1",
                                      "{\"a\":1,",
                                      "{\"a\":1,}",
                                      "{,\"a\":1}",
                                      "{\"a\":1,,\"b\":2}",
                                      "{\"a\" 1}",
                                      "{\"a\"=1}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\":1;\"b\":2}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{1:1}",
                                      "{null:1}",
                                      "{\"a\":1]",
                                      "{\"a\"::1}",
                                      "{[]:1}"}) {
    ExpectMalformed(text);
  }
}

TEST(Json, RefusesBrokenArrays) {
  for (const std::string_view text :
       {"[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[,]", "[1 2]", "[1;2]", "[1}",
        "[\"a\":1]"}) {
    ExpectMalformed(text);
  }
}

TEST(Json, RefusesComments) {
  for (const std::string_view text :
       {"/* c */ {}", "// c\n{}", "{/* c */}", "{\"a\":1 // c\n}", "[1,#c\n2]",
        "# c\n{}"}) {
    ExpectMalformed(text);
  }
}

TEST(Json, RefusesWhiteSpaceOfOtherKinds) {
  for (const std::string_view text :
       {"\f{}", "\v{}", "\xc2\xa0{}", "\xe2\x80\xa8{}", "{\f}", "[1,\v2]"}) {
    ExpectMalformed(text);
  }
  ExpectMalformed(std::string_view("\0{}", 3));
}

TEST(Json, RefusesAByteOrderMark) {
  ExpectMalformed("\xef\xbb\xbf{}");
  ExpectMalformed(std::string_view("\xff\xfe{\0}\0", 6));
  ExpectMalformed(std::string_view("\0{\0}", 4));
  ExpectRefused("{}\xef\xbb\xbf", Reason::kTrailingBytes);
}

TEST(Json, RefusesWhatFollowsTheValue) {
  for (const std::string_view text :
       {"{}{}", "{} {}", "{}x", "{},", "{}}", "[]]", "1 2", "null null",
        "truefalse", "\"a\"\"b\"", "{}//", "01", "-01", "1.5.5", "0x10",
        "1_000", "1a"}) {
    ExpectRefused(text, Reason::kTrailingBytes);
  }
  ExpectRefused(std::string_view("{}\0", 3), Reason::kTrailingBytes);
}

TEST(Json, RefusesLongerTextThanItsLimit) {
  const JsonLimits limits{.max_bytes = 8};
  EXPECT_TRUE(ParseJson("[\"1234\"]", limits).ok());
  const auto longer = ParseJson("[\"12345\"]", limits);
  EXPECT_EQ(ReasonOf(longer.status()), Reason::kInputTooLarge);
  // White space counts too, and a text too long is not read at all.
  EXPECT_EQ(ReasonOf(ParseJson("1        ", limits).status()),
            Reason::kInputTooLarge);
  EXPECT_EQ(ReasonOf(ParseJson("?????????", limits).status()),
            Reason::kInputTooLarge);
}

TEST(Json, NestsAsDeeplyAsItsLimitAndNoDeeper) {
  EXPECT_TRUE(Parse(Nested('[', ']', 32)).ok());
  ExpectMalformed(Nested('[', ']', 33));
  const JsonLimits two{.max_bytes = 100, .max_depth = 2};
  EXPECT_TRUE(ParseJson("{\"a\":[1]}", two).ok());
  EXPECT_EQ(ReasonOf(ParseJson("{\"a\":[{}]}", two).status()),
            Reason::kDocumentMalformed);
  EXPECT_EQ(ReasonOf(ParseJson("[[[]]]", two).status()),
            Reason::kDocumentMalformed);
  // Depth is of what encloses, not of what came before.
  EXPECT_TRUE(ParseJson("[[],[],[],{},{}]", two).ok());
}

TEST(Json, RefusesHugeNestingInBoundedStack) {
  ExpectMalformed(std::string(60000, '['));
  std::string objects;
  for (int i = 0; i < 10000; ++i) objects += "{\"a\":";
  ExpectMalformed(objects);
}

TEST(Json, RefusesADuplicateName) {
  ExpectRefused("{\"a\":1,\"a\":1}", Reason::kDuplicateKey);
  ExpectRefused("{\"a\":1,\"b\":2,\"a\":3}", Reason::kDuplicateKey);
  ExpectRefused("{\"\":1,\"\":2}", Reason::kDuplicateKey);
  ExpectRefused("[{\"x\":{\"a\":1,\"a\":2}}]", Reason::kDuplicateKey);
  ExpectRefused("{\"accountId\":\"1\",\"accountId\":\"2\"}",
                Reason::kDuplicateKey);
}

TEST(Json, RefusesADuplicateNameThatIsEscaped) {
  ExpectRefused("{\"accountId\":\"1\",\"accoun\\u0074Id\":\"2\"}",
                Reason::kDuplicateKey);
  ExpectRefused("{\"accoun\\u0074Id\":\"1\",\"accountId\":\"2\"}",
                Reason::kDuplicateKey);
  ExpectRefused("{\"/\":1,\"\\/\":2}", Reason::kDuplicateKey);
  ExpectRefused("{\"\xc3\xa9\":1,\"\\u00E9\":2}", Reason::kDuplicateKey);
  ExpectRefused("{\"\xf0\x9f\x98\x80\":1,\"\\uD83D\\uDE00\":2}",
                Reason::kDuplicateKey);
}

TEST(Json, FindsADuplicateAmongAnyNumberOfNames) {
  for (const int count : {2, 23, 24, 25, 26, 100, 1000}) {
    std::string members;
    for (int i = 0; i < count; ++i)
      absl::StrAppend(&members, "\"n", i, "\":0,");
    EXPECT_TRUE(Parse(absl::StrCat("{", members, "\"z\":0}")).ok()) << count;
    ExpectRefused(absl::StrCat("{", members, "\"n0\":0}"),
                  Reason::kDuplicateKey);
    ExpectRefused(absl::StrCat("{", members, "\"n", count - 1, "\":0}"),
                  Reason::kDuplicateKey);
  }
}

TEST(Json, AllowsTheSameNameInDifferentObjects) {
  EXPECT_TRUE(Parse("{\"a\":{\"a\":[{\"a\":1},{\"a\":2}]}}").ok());
  EXPECT_TRUE(Parse("{\"a\":1,\"A\":2,\"a \":3}").ok());
}

TEST(Json, DecodesEscapes) {
  EXPECT_EQ(String("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(String("\"\\u0041\\u00e9\\u20AC\""), "A\xc3\xa9\xe2\x82\xac");
  EXPECT_EQ(String("\"\\u001f\\u007f\\u0080\\u07ff\\u0800\\uffff\""),
            "\x1f\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
  EXPECT_EQ(String("\"\\ud800\\udc00\\uDBFF\\uDFFF\""),
            "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
  EXPECT_EQ(String("\"\\ud7ff\\ue000\""), "\xed\x9f\xbf\xee\x80\x80");
  // What stands right after four digits is text.
  EXPECT_EQ(String("\"\\u00411\""), "A1");
}

TEST(Json, RefusesUnknownOrIncompleteEscapes) {
  for (const std::string_view text :
       {"\"\\",        "\"\\\"",      "\"\\a\"",     "\"\\0\"",
        "\"\\x41\"",   "\"\\'\"",     "\"\\U0041\"", "\"\\u\"",
        "\"\\u0\"",    "\"\\u00\"",   "\"\\u004\"",  "\"\\u004g\"",
        "\"\\u+041\"", "\"\\u-041\"", "\"\\u 041\"", "\"\\u0x41\"",
        "\"\\u{41}\"", "\"\\u",       "\"\\u00",     "\"\\u004",
        "\"\\\n\""}) {
    ExpectMalformed(text);
  }
}

TEST(Json, RefusesLoneSurrogates) {
  for (const std::string_view text :
       {"\"\\ud800\"", "\"\\udbff\"", "\"\\udc00\"", "\"\\udfff\"",
        "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"",
        "\"\\ud800\\ud800\"", "\"\\ud800\\udbff\"", "\"\\ud800\\ue000\"",
        "\"\\udc00\\ud800\"", "\"\\ud800\\\"", "\"\\ud800\\u\"",
        "\"\\ud800\\udc0\"", "\"\\ud800", "\"\\ud800\\u"}) {
    ExpectMalformed(text);
  }
}

// A reader that keeps text as C strings would see another text, or the same
// name twice.
TEST(Json, RefusesNulEscapedOrNot) {
  ExpectMalformed("\"a\\u0000b\"");
  ExpectMalformed("{\"accountId\\u0000\":\"1\"}");
  ExpectMalformed(std::string_view("\"a\0b\"", 5));
}

TEST(Json, RefusesControlCharactersInStrings) {
  for (char c = 0; c < 0x20; ++c) {
    ExpectMalformed(std::string("\"a") + c + "b\"");
  }
  EXPECT_EQ(String("\"\x7f\""), "\x7f");
}

TEST(Json, KeepsUtf8AsItIs) {
  const std::string text =
      "\x24\xc2\x80\xdf\xbf\xe0\xa0\x80\xe2\x82\xac\xed\x9f\xbf\xee\x80\x80"
      "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";
  EXPECT_EQ(String("\"" + text + "\""), text);
}

constexpr std::string_view kNotUtf8[] = {
    "\x80",              // a continuation alone
    "\xbf",              //
    "\xc3",              // cut short
    "\xc3\x28",          //
    "\xe2\x82",          //
    "\xe2\x28\xa1",      //
    "\xf0\x9f\x98",      //
    "\xf0\x9f\x28\x80",  //
    "\xc0\x80",          // overlong
    "\xc0\xaf",          //
    "\xc1\xbf",          //
    "\xe0\x80\xaf",      //
    "\xe0\x9f\xbf",      //
    "\xf0\x80\x80\xaf",  //
    "\xf0\x8f\xbf\xbf",  //
    "\xed\xa0\x80",      // a surrogate
    "\xed\xbf\xbf",      //
    "\xf4\x90\x80\x80",  // above U+10FFFF
    "\xf5\x80\x80\x80",  //
    "\xf8\x88\x80\x80\x80",
    "\xfe",
    "\xff",
    "\xe9",  // Latin-1
};

TEST(Json, RefusesInvalidUtf8InValuesAndNames) {
  for (const std::string_view bytes : kNotUtf8) {
    ExpectMalformed(absl::StrCat("\"", std::string(bytes), "\""));
    ExpectMalformed(absl::StrCat("\"a", std::string(bytes), "b\""));
    ExpectMalformed(absl::StrCat("{\"", std::string(bytes), "\":1}"));
    ExpectMalformed(absl::StrCat("\"", std::string(bytes)));
  }
}

TEST(Utf8, IsTheSameRule) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8(std::string_view("\0", 1)));
  EXPECT_TRUE(IsUtf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const std::string_view bytes : kNotUtf8) {
    EXPECT_FALSE(IsUtf8(bytes));
    EXPECT_FALSE(IsUtf8(absl::StrCat("a", std::string(bytes), "a")));
  }
}

// Every code point but the surrogates, encoded by an independent formula.
TEST(Utf8, AcceptsEveryCodePointAndNoSurrogate) {
  for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
    std::string text;
    if (code < 0x80) {
      text = {static_cast<char>(code)};
    } else if (code < 0x800) {
      text = {static_cast<char>(0xc0 + code / 64),
              static_cast<char>(0x80 + code % 64)};
    } else if (code < 0x10000) {
      text = {static_cast<char>(0xe0 + code / 4096),
              static_cast<char>(0x80 + code / 64 % 64),
              static_cast<char>(0x80 + code % 64)};
    } else {
      text = {static_cast<char>(0xf0 + code / 262144),
              static_cast<char>(0x80 + code / 4096 % 64),
              static_cast<char>(0x80 + code / 64 % 64),
              static_cast<char>(0x80 + code % 64)};
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    ASSERT_EQ(IsUtf8(text), !surrogate) << code;
  }
}

TEST(Json, KeepsNumbersAsText) {
  for (const std::string_view text :
       {"0", "-0", "1", "-1", "10", "0.0", "-0.5", "1e0", "1E+2", "1e-2", "0e0",
        "1.50", "3.141592653589793238462643383279",
        "123456789012345678901234567890", "1e999999999", "-1E-999999999"}) {
    const auto value = Parse(text);
    ASSERT_TRUE(value.ok()) << text;
    EXPECT_EQ(value->kind(), JsonValue::Kind::kNumber);
    EXPECT_EQ(value->number_text(), text);
  }
}

TEST(Json, KeepsANumberOfAnyLength) {
  const std::string digits(60000, '9');
  EXPECT_EQ(Parse(digits)->number_text(), digits);
  EXPECT_EQ(Parse(digits)->AsInteger(), std::nullopt);
}

TEST(Json, RefusesWhatIsNoNumber) {
  for (const std::string_view text :
       {"+1",   "-",   "--1",      "-a",        ".5",    "-.5",         "1.",
        "1.e5", "1e",  "1e+",      "1E-",       "1e++1", "1ea",         "NaN",
        "-NaN", "nan", "Infinity", "-Infinity", "inf",   "\xef\xbc\x91"}) {
    ExpectMalformed(text);
  }
  // In a list there is no doubt where the value should end.
  for (const std::string_view text : {"[01]", "[-01]", "[00]", "[0x1]", "[1_0]",
                                      "[1.2.3]", "[1e1.5]", "[1f]"}) {
    ExpectMalformed(text);
  }
}

TEST(Json, GivesIntegersOnlyWhereTheyAreExact) {
  EXPECT_EQ(Parse("0")->AsInteger(), 0);
  EXPECT_EQ(Parse("-7")->AsInteger(), -7);
  EXPECT_EQ(Parse("9007199254740993")->AsInteger(), 9007199254740993);
  EXPECT_EQ(Parse("9223372036854775807")->AsInteger(),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Parse("-9223372036854775808")->AsInteger(),
            std::numeric_limits<std::int64_t>::min());
  for (const std::string_view text :
       {"-0", "1.0", "1e0", "1E2", "0.5", "9223372036854775808",
        "-9223372036854775809", "18446744073709551615"}) {
    EXPECT_EQ(Parse(text)->AsInteger(), std::nullopt) << text;
  }
}

TEST(Json, AcceptsNoPrefixOfADocument) {
  constexpr std::string_view kDocument =
      "{\n  \"accountId\" : \"012345678901\",\n  \"billingProducts\" : null,\n"
      "  \"codes\" : [ \"a\\u0062\", 1.5e3, true, false, \"\xc3\xa9\" ]\n}";
  ASSERT_TRUE(Parse(kDocument).ok());
  for (std::size_t size = 0; size < kDocument.size(); ++size) {
    ExpectMalformed(kDocument.substr(0, size));
  }
}

// Work on a text of n bytes may not grow as n squared.
TEST(Json, ReadsTheWorstTextsOfItsSize) {
  std::string names = "{";
  for (int i = 0; i < 6000; ++i) absl::StrAppend(&names, "\"", i, "\":0,");
  EXPECT_TRUE(Parse(names + "\"z\":0}").ok());
  EXPECT_TRUE(Parse("[" + std::string(30000, ' ') + "]").ok());
  std::string list = "[0";
  for (int i = 0; i < 30000; ++i) list += ",0";
  EXPECT_EQ(Parse(list + "]")->elements().size(), 30001u);
}

}  // namespace
}  // namespace anchorage::verify

#include "anchors/tuf/canonical_json.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "anchors/tuf/tuf_error.h"
#include "test/support/tuf_test_matchers.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors::tuf {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

// Reading and canonicalising, as metadata goes.
absl::StatusOr<std::string> Canonical(std::string_view json) {
  const auto value = verify::ParseJson(json, {.max_bytes = kMaxBytes});
  if (!value.ok()) return value.status();
  return CanonicalJson(*value);
}

TEST(CanonicalJsonTest, DropsWhiteSpaceAndSortsMembers) {
  EXPECT_EQ(*Canonical(" { \"b\" : [ 1 , null , {\"d\":{},\"c\":[]} ] ,\n"
                       "\t\"a\" : true , \"\":false } "),
            R"({"":false,"a":true,"b":[1,null,{"c":[],"d":{}}]})");
}

TEST(CanonicalJsonTest, EscapesQuotesAndBackslashesOnly) {
  EXPECT_EQ(*Canonical(R"("\"\\\/\n\t\u0001\u001f\u007f")"),
            "\"\\\"\\\\/\n\t\x01\x1f\x7f\"");
}

TEST(CanonicalJsonTest, WritesUtf8) {
  EXPECT_EQ(*Canonical(R"("\u00e9\u20ac\ud83d\ude00")"),
            "\"\u00e9\u20ac\U0001f600\"");
}

TEST(CanonicalJsonTest, SortsByCodePointAndNotByUtf16) {
  EXPECT_EQ(*Canonical(R"({"\ud83d\ude00":1,"\ufffd":2,"z":3,"Z":4})"),
            "{\"Z\":4,\"z\":3,\"\ufffd\":2,\"\U0001f600\":1}");
}

TEST(CanonicalJsonTest, SortsAPrefixFirst) {
  EXPECT_EQ(*Canonical(R"({"ab":1,"a":2,"a-":3})"), R"({"a":2,"a-":3,"ab":1})");
}

TEST(CanonicalJsonTest, KeepsIntegersThatEveryClientCounts) {
  EXPECT_EQ(*Canonical("[0,-1,9007199254740991,-9007199254740991]"),
            "[0,-1,9007199254740991,-9007199254740991]");
}

TEST(CanonicalJsonTest, RefusesOtherNumbers) {
  for (const char* json : {"1.0", "1.5", "1e2", "1E2", "-0", "9007199254740992",
                           "-9007199254740992", "9223372036854775808",
                           "100000000000000000000000", "{\"a\":[1.0]}"}) {
    EXPECT_THAT(Canonical(json), RejectedFor(TufReason::kNumberNotCanonical))
        << json;
  }
}

TEST(CompactJsonTest, KeepsMembersInTheirOrderAndIsAscii) {
  const auto value = verify::ParseJson(
      "{ \"b\" : \"\u00e9\U0001f600\\u0001\\n\\\"\\\\\" , \"a\":[1.50,null] }",
      {.max_bytes = kMaxBytes});
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(CompactJson(*value),
            R"({"b":"\u00e9\ud83d\ude00\u0001\n\"\\","a":[1.50,null]})");
}

TEST(CompactJsonTest, ReadsBackAsTheSameValue) {
  const std::string text =
      R"({"k":"\u0001\u007f\u0080\u07ff\u0800\uffff\ud800\udc00","l":[{}]})";
  const auto value = verify::ParseJson(text, {.max_bytes = kMaxBytes});
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*Canonical(CompactJson(*value)), *CanonicalJson(*value));
}

// Vectors of another implementation, where this machine has them.

class CanonicalJsonVectorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("ANCHORAGE_SHARED_VECTORS");
    if (folder == nullptr) GTEST_SKIP() << "ANCHORAGE_SHARED_VECTORS not set";
    std::ifstream file(
        absl::StrCat(folder, "/tuf/canonical-json/vectors.json"));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto vectors = verify::ParseJson(text, {.max_bytes = kMaxBytes});
    ASSERT_TRUE(vectors.ok()) << vectors.status();
    vectors_ = *std::move(vectors);
  }

  verify::JsonValue vectors_;
};

TEST_F(CanonicalJsonVectorsTest, GivesTheSameBytes) {
  int cases = 0;
  for (const auto& c : vectors_.Find("cases")->elements()) {
    SCOPED_TRACE(*c.Find("name")->AsString());
    std::string json(*c.Find("json")->AsString());
    std::string expected =
        verify::DecodeHex(*c.Find("canonical_hex")->AsString()).value();
    ASSERT_EQ(verify::Sha256Hex(expected), *c.Find("sha256")->AsString());
    if (json.find("\\u0000") != std::string::npos) {
      // Our reader refuses a NUL; the rest of the case is compared without.
      EXPECT_FALSE(Canonical(json).ok());
      json = absl::StrReplaceAll(json, {{"\\u0000", ""}});
      std::erase(expected, '\0');
    }
    const auto canonical = Canonical(json);
    ASSERT_TRUE(canonical.ok()) << canonical.status();
    EXPECT_EQ(*canonical, expected);
    ++cases;
  }
  EXPECT_GT(cases, 0);
}

TEST_F(CanonicalJsonVectorsTest, RefusesWhatMustBeRefused) {
  for (const auto& c : vectors_.Find("must_refuse")->elements()) {
    EXPECT_FALSE(Canonical(*c.Find("json")->AsString()).ok())
        << *c.Find("name")->AsString();
  }
}

}  // namespace
}  // namespace anchorage::anchors::tuf

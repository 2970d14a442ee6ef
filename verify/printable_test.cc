#include "verify/printable.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "verify/encoding/utf8.h"

namespace anchorage::verify {
namespace {

std::string Utf8(std::uint32_t code) {
  char bytes[4];
  return {bytes, WriteUtf8(code, bytes)};
}

TEST(Printable, LeavesWhatCanBeSeen) {
  for (const char* text :
       {"", "a", "the region is \"us-east-1\"", "C:\\x1b it's 5 < 6 & 7",
        "Z\u00fcrich, \u6771\u4eac, \U0001f600"}) {
    EXPECT_EQ(Printable(text), text);
  }
}

TEST(Printable, EscapesWhatATerminalObeys) {
  EXPECT_EQ(Printable("\x1b]0;owned\x07\x1b[2J\nACCEPTED  account 1\n"),
            "\\x1b]0;owned\\x07\\x1b[2J\\nACCEPTED  account 1\\n");
  EXPECT_EQ(Printable("a\r\tb"), "a\\r\\tb");
  EXPECT_EQ(Printable(std::string_view("\0\x7f", 2)), "\\x00\\x7f");
  // CSI and NEL of C1, as UTF-8 and as the bare bytes that they are in Latin-1.
  EXPECT_EQ(Printable("\u009b2J\u0085"), "\\u009b2J\\u0085");
  EXPECT_EQ(Printable("\x9b"
                      "2J\x85"),
            "\\x9b2J\\x85");
}

TEST(Printable, EscapesWhatIsNotSeenOrTurnsTextAbout) {
  EXPECT_EQ(Printable("a\u202egnp.exe"), "a\\u202egnp.exe");
  EXPECT_EQ(Printable("\u2066x\u2069"), "\\u2066x\\u2069");
  EXPECT_EQ(Printable("aws\u200b-cn\ufeff"), "aws\\u200b-cn\\ufeff");
  EXPECT_EQ(Printable("a\u2028b\u2029c"), "a\\u2028b\\u2029c");
  EXPECT_EQ(Printable("\U000e0041"), "\\U000e0041");
}

TEST(Printable, EscapesEachByteThatIsNoUtf8) {
  EXPECT_EQ(Printable("a\xff\xfez"), "a\\xff\\xfez");
  EXPECT_EQ(Printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong '/'
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(Printable("\xe2\x80"), "\\xe2\\x80");  // the end is missing
}

// For every character: either it stays, or only visible ASCII is left.
TEST(Printable, HasNoHiddenCharacterInAnyAnswer) {
  for (std::uint32_t code = 0; code <= 0x10ffff; ++code) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const std::string character = Utf8(code);
    const std::string shown = Printable(character);
    ASSERT_TRUE(IsUtf8(shown)) << code;
    if (shown == character) {
      ASSERT_FALSE(code < 0x20 || (code >= 0x7f && code <= 0x9f)) << code;
    } else {
      for (const char c : shown) ASSERT_TRUE(c > 0x20 && c < 0x7f) << code;
    }
  }
}

TEST(Printable, ChangesNothingTheSecondTime) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) {
    every_byte.push_back(static_cast<char>(byte));
  }
  const std::string once = Printable(every_byte);
  EXPECT_EQ(Printable(once), once);
  const std::string cut = Printable(every_byte, 40);
  EXPECT_EQ(Printable(cut, 40), cut);
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(Printable("abcdef", 6), "abcdef");
  EXPECT_EQ(Printable("abcdefg", 6), "abc...");
  EXPECT_EQ(Printable("ab\u6771cdef", 7), "ab...");
  EXPECT_EQ(Printable("abc\x1b\x1b\x1b", 8), "abc...");
  EXPECT_EQ(Printable("\x1b\x1b", 3), "...");
  for (std::size_t max = 3; max < 30; ++max) {
    EXPECT_LE(Printable("a\x1b\u6771\n\xff\U000e0041zzzzzzz", max).size(), max);
  }
}

}  // namespace
}  // namespace anchorage::verify

#include "verify/why.h"

#include <gtest/gtest.h>

#include <string>

namespace anchorage::verify {
namespace {

TEST(WhyTest, IsWords) {
  for (const char* why :
       {"x", "a licence holds in any account", "no accounts are of interest",
        "ein Übergang", "ライセンス", "лицензия", "n/a here", "2 of 3 regions",
        "off-line", "\xf0\x9f\x98\x80 licence"}) {
    EXPECT_TRUE(IsWhy(why)) << why;
  }
}

TEST(WhyTest, IsNoAnswerOfAProgram) {
  for (const char* why : {"",
                          " ",
                          "\xc2\xa0",
                          "\xe2\x80\x8b",
                          "\xef\xbb\xbf",
                          "--",
                          "~",
                          "?",
                          "0",
                          "12",
                          "1e3",
                          "0x1F",
                          "-1.5",
                          "+1E3",
                          "189292791360",
                          "false",
                          "FALSE",
                          "True",
                          "no",
                          "No.",
                          " no ",
                          "'no'",
                          "yes",
                          "Y",
                          "n",
                          "on",
                          "Off",
                          "null",
                          "NULL",
                          "<nil>",
                          "None",
                          ".nan",
                          "no\xe2\x80\x8b",
                          "undefined"}) {
    EXPECT_FALSE(IsWhy(why)) << "'" << why << "'";
  }
}

TEST(WhyTest, IsUtf8) { EXPECT_FALSE(IsWhy("a licence \xff")); }

}  // namespace
}  // namespace anchorage::verify

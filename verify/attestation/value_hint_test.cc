#include "verify/attestation/value_hint.h"

#include <gtest/gtest.h>

#include <string>

namespace anchorage::verify {
namespace {

bool Says(std::string_view hint, std::string_view words) {
  return hint.find(words) != hint.npos;
}

TEST(ValueHint, KnowsATextInPlaceOfItsBytes) {
  const std::string bytes = "\x01\xab\xff";
  EXPECT_TRUE(Says(ValueHint(bytes, "01abff"), "expected one's hex"));
  EXPECT_TRUE(Says(ValueHint(bytes, "01ABFF"), "expected one's hex"));
  EXPECT_TRUE(Says(ValueHint(bytes, "01abff\n"), "expected one's hex"));
  EXPECT_TRUE(Says(ValueHint("01abff", bytes), "says in hex"));
  EXPECT_TRUE(Says(ValueHint(bytes, "Aav/"), "expected one's base64"));
  EXPECT_TRUE(Says(ValueHint("Aav/", bytes), "says in base64"));
}

TEST(ValueHint, KnowsWhatIsAroundAValue) {
  EXPECT_TRUE(Says(ValueHint("nonce", "nonce\n"), "line break"));
  EXPECT_TRUE(Says(ValueHint("nonce\r\n", "nonce"), "line break"));
  EXPECT_TRUE(Says(ValueHint("nonce", "\xef\xbb\xbfnonce"), "mark"));
}

TEST(ValueHint, SaysNothingOfAnotherValue) {
  EXPECT_EQ(ValueHint("nonce", "other"), "");
  EXPECT_EQ(ValueHint("\x01\xab\xff", "01abfe"), "");
  EXPECT_EQ(ValueHint("", "\n"), "");
  EXPECT_EQ(ValueHint("nonce", ""), "");
}

}  // namespace
}  // namespace anchorage::verify

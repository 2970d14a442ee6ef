#include "verify/identity/ber.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace anchorage::verify {
namespace {

using namespace std::string_view_literals;  // bytes with 00 in them

TEST(BerReader, ReadsDefiniteAndIndefiniteLevelsAlike) {
  for (const std::string_view bytes :
       {"\x30\x05\x24\x03\x04\x01x"sv, "\x30\x80\x24\x80\x04\x01x\0\0\0\0"sv,
        "\x30\x80\x24\x03\x04\x01x\0\0"sv, "\x30\x07\x24\x80\x04\x01x\0\0"sv}) {
    BerReader ber(bytes);
    ASSERT_TRUE(ber.Enter(DerTag::kSequence));
    ASSERT_TRUE(ber.Enter(DerTag::kConstructedOctetString));
    EXPECT_FALSE(ber.AtEnd());
    const auto element = ber.Read(DerTag::kOctetString);
    ASSERT_TRUE(element.has_value());
    EXPECT_EQ(element->contents, "x");
    EXPECT_TRUE(ber.Leave());
    EXPECT_FALSE(ber.done());
    EXPECT_TRUE(ber.Leave());
    EXPECT_TRUE(ber.done());
  }
}

TEST(BerReader, TakesZerosInsideAnElementForContents) {
  BerReader ber("\x30\x80\x04\x04\0\0\0\0\x04\0\0\0"sv);
  ASSERT_TRUE(ber.Enter(DerTag::kSequence));
  EXPECT_FALSE(ber.AtEnd());
  const auto zeros = ber.Read(DerTag::kOctetString);
  ASSERT_TRUE(zeros.has_value());
  EXPECT_EQ(zeros->contents, "\0\0\0\0"sv);
  EXPECT_TRUE(ber.Read(DerTag::kOctetString).has_value());
  EXPECT_TRUE(ber.Leave());
  EXPECT_TRUE(ber.done());
}

TEST(BerReader, KnowsNoEndOfContentsInALevelOfDefiniteLength) {
  BerReader ber("\x30\x02\0\0"sv);
  ASSERT_TRUE(ber.Enter(DerTag::kSequence));
  EXPECT_FALSE(ber.AtEnd());
  EXPECT_FALSE(ber.Leave());
}

TEST(BerReader, KnowsNoEndOfContentsOutsideOfEveryLevel) {
  BerReader ber("\0\0"sv);
  EXPECT_FALSE(ber.AtEnd());
  EXPECT_FALSE(ber.Leave());
  EXPECT_FALSE(ber.done());
}

TEST(BerReader, RefusesToLeaveALevelBeforeItsEnd) {
  BerReader definite("\x30\x03\x04\x01x"sv);
  ASSERT_TRUE(definite.Enter(DerTag::kSequence));
  EXPECT_FALSE(definite.Leave());
  BerReader indefinite("\x30\x80\x04\x01x\0\0"sv);
  ASSERT_TRUE(indefinite.Enter(DerTag::kSequence));
  EXPECT_FALSE(indefinite.Leave());
}

TEST(BerReader, RefusesAnEndOfContentsThatIsCutOff) {
  BerReader ber("\x30\x80\0"sv);
  ASSERT_TRUE(ber.Enter(DerTag::kSequence));
  EXPECT_FALSE(ber.AtEnd());
  EXPECT_FALSE(ber.Leave());
}

TEST(BerReader, DoesNotLetAnIndefiniteLevelOutgrowTheDefiniteOneAroundIt) {
  BerReader ber("\x30\x04\x24\x80\x04\0\0\0"sv);
  ASSERT_TRUE(ber.Enter(DerTag::kSequence));
  ASSERT_TRUE(ber.Enter(DerTag::kConstructedOctetString));
  ASSERT_TRUE(ber.Read(DerTag::kOctetString).has_value());
  EXPECT_FALSE(ber.Leave());
}

TEST(BerReader, RefusesAnIndefiniteLengthWhereAnElementIsReadWhole) {
  BerReader ber("\x30\x80\0\0"sv);
  EXPECT_FALSE(ber.Read(DerTag::kSequence).has_value());
}

TEST(BerReader, RefusesAnotherTagALongLengthAndALengthPastTheEnd) {
  EXPECT_FALSE(BerReader("\x31\x80\0\0"sv).Enter(DerTag::kSequence));
  EXPECT_FALSE(BerReader("\x30\x81\x02\x05\0"sv).Enter(DerTag::kSequence));
  EXPECT_FALSE(BerReader("\x30\x03\x05\0"sv).Enter(DerTag::kSequence));
  EXPECT_FALSE(BerReader("\x30"sv).Enter(DerTag::kSequence));
  EXPECT_FALSE(BerReader("").Enter(DerTag::kSequence));
}

TEST(BerReader, RefusesALevelTooDeep) {
  std::string bytes;
  for (std::size_t i = 0; i <= BerReader::kMaxDepth; ++i) bytes += "\x30\x80";
  BerReader ber(bytes);
  for (std::size_t i = 0; i < BerReader::kMaxDepth; ++i) {
    ASSERT_TRUE(ber.Enter(DerTag::kSequence));
  }
  EXPECT_FALSE(ber.Enter(DerTag::kSequence));
}

TEST(BerReader, CountsWhatFollowsTheLastLevel) {
  BerReader ber("\x30\x80\0\0junk"sv);
  ASSERT_TRUE(ber.Enter(DerTag::kSequence));
  ASSERT_TRUE(ber.Leave());
  EXPECT_FALSE(ber.done());
  EXPECT_EQ(ber.trailing(), 4u);
}

}  // namespace
}  // namespace anchorage::verify

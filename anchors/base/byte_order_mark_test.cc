#include "anchors/base/byte_order_mark.h"

#include <string_view>

#include "gtest/gtest.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using namespace std::string_view_literals;

TEST(ByteOrderMark, OfUtf8IsTakenOffOnce) {
  EXPECT_EQ(*WithoutByteOrderMark(""), "");
  EXPECT_EQ(*WithoutByteOrderMark("{}"), "{}");
  EXPECT_EQ(*WithoutByteOrderMark("\xef\xbb"), "\xef\xbb");
  EXPECT_EQ(*WithoutByteOrderMark("\xef\xbb\xbf{}"), "{}");
  EXPECT_EQ(*WithoutByteOrderMark("\xef\xbb\xbf\xef\xbb\xbf"), "\xef\xbb\xbf");
}

TEST(ByteOrderMark, OfOtherEncodingsIsNamed) {
  for (const std::string_view text :
       {"\xff\xfe{\0}\0"sv, "\xfe\xff\0{\0}"sv, "\xff\xfe\0\0{\0\0\0"sv,
        "\0\0\xfe\xff\0\0\0{"sv}) {
    EXPECT_EQ(verify::ReasonOf(WithoutByteOrderMark(text).status()),
              verify::Reason::kEncodingMalformed);
  }
}

}  // namespace
}  // namespace anchorage::anchors

#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"
#include "tools/embed/embedded.h"

namespace anchorage::tools {
namespace {

// Escapes are followed by a digit, a quote, a trigraph's start and a
// backslash: each could run into the one before.
TEST(Embed, KeepsEveryByte) {
  std::string expected;
  for (int i = 0; i < 256; ++i) {
    expected.push_back(static_cast<char>(i));
    expected += "0\"?\\";
  }
  EXPECT_EQ(AllBytes(), expected);
}

TEST(Embed, KeepsAnEmptyFileEmpty) { EXPECT_EQ(Empty(), ""); }

TEST(Embed, KeepsAWholeFile) {
  std::ifstream file("tools/embed/embed.cc", std::ios::binary);
  const std::string source{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(source.empty());
  EXPECT_EQ(Source(), source);
}

}  // namespace
}  // namespace anchorage::tools

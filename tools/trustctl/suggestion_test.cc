#include "tools/trustctl/suggestion.h"

#include <gtest/gtest.h>

namespace anchorage::trustctl {
namespace {

TEST(Suggestion, IsTheNearestWord) {
  const std::vector<std::string> known = {"verify", "rotations", "releases"};
  EXPECT_EQ(Nearest("veriyf", known), "verify") << "swapped";
  EXPECT_EQ(Nearest("rotation", known), "rotations") << "left out";
  EXPECT_EQ(Nearest("rellleases", known), "releases") << "inserted";
  EXPECT_EQ(Nearest("ferify", known), "verify") << "changed";
}

TEST(Suggestion, IsNothingWhereNothingIsNear) {
  EXPECT_EQ(Nearest("quux", {"verify", "key"}), "");
  EXPECT_EQ(Nearest("", {"verify"}), "");
  EXPECT_EQ(Nearest(std::string(1 << 20, 'a'), {"verify"}), "");
  EXPECT_EQ(DidYouMean("quux", {}), "");
}

TEST(Suggestion, SaysSo) {
  EXPECT_EQ(DidYouMean("keyz", {"key", "keys"}), "; did you mean 'key'?");
}

}  // namespace
}  // namespace anchorage::trustctl

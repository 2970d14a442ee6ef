#include "anchors/base/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace anchorage::anchors {
namespace {

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> words = {"rotations", "sources", "ledger"};
  EXPECT_EQ(Nearest("rotation", words), "rotations");
  EXPECT_EQ(Nearest("rotaitons", words), "rotations");
  EXPECT_EQ(Nearest("suorces", words), "sources");
  EXPECT_EQ(Nearest("ledger", words), "ledger");
}

TEST(Nearest, SaysNothingOfWhatIsFar) {
  EXPECT_EQ(Nearest("", {"abc"}), "");
  EXPECT_EQ(Nearest("zebra", {"rotations", "keys"}), "");
  EXPECT_EQ(Nearest("abc", {}), "");
  EXPECT_EQ(Nearest(std::string(1 << 20, 'a'), {std::string(1 << 20, 'a')}),
            "");
}

TEST(Nearest, IsSaid) {
  EXPECT_EQ(DidYouMean("keyz", {"key", "keys"}), "; did you mean 'key'?");
  EXPECT_EQ(DidYouMean("quux", {"key", "keys"}), "");
}

}  // namespace
}  // namespace anchorage::anchors

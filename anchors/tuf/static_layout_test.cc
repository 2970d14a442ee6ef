#include "anchors/tuf/static_layout.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace anchorage::anchors::tuf {
namespace {

// sha256("c") and sha256("r")
constexpr char kHashOfC[] =
    "2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6";
constexpr char kHashOfR[] =
    "454349e422f05297191ead13e21d3db520e5abef52055e4964b82fb213f593a1";

class StaticLayout : public ::testing::Test {
 protected:
  std::vector<StaticFile> Good() const {
    return LayOut({.roots = roots_,
                   .timestamp = "ts",
                   .snapshot = "sn",
                   .targets = "ta",
                   .snapshot_version = 7,
                   .targets_version = 4,
                   .target_files = {{"catalog/v1/anchors.json", "c"},
                                    {"flat.json", "r"}}});
  }

  const std::vector<std::string> roots_ = {"one", "two"};
};

TEST_F(StaticLayout, NamesEveryFileAsStaticServersDo) {
  std::map<std::string, std::string> bytes;
  for (const StaticFile& file : Good()) {
    EXPECT_TRUE(bytes.emplace(file.path, file.bytes).second) << file.path;
  }
  const std::map<std::string, std::string> expected = {
      {"tuf/1.root.json", "one"},
      {"tuf/2.root.json", "two"},
      {"tuf/timestamp.json", "ts"},
      {"tuf/7.snapshot.json", "sn"},
      {"tuf/4.targets.json", "ta"},
      {std::string("tuf/targets/catalog/v1/") + kHashOfC + ".anchors.json",
       "c"},
      {std::string("tuf/targets/") + kHashOfR + ".flat.json", "r"}};
  EXPECT_EQ(bytes, expected);
}

TEST_F(StaticLayout, OnlyTheTimestampChanges) {
  for (const StaticFile& file : Good()) {
    EXPECT_EQ(file.immutable, file.path != kTimestampFile) << file.path;
  }
}

TEST_F(StaticLayout, AFileComesAfterThoseThatItNames) {
  std::map<std::string, std::size_t> place;
  for (const StaticFile& file : Good()) place.emplace(file.path, place.size());
  EXPECT_LT(place["tuf/1.root.json"], place["tuf/2.root.json"]);
  EXPECT_LT(place[std::string("tuf/targets/") + kHashOfR + ".flat.json"],
            place["tuf/4.targets.json"]);
  EXPECT_LT(place["tuf/4.targets.json"], place["tuf/7.snapshot.json"]);
  EXPECT_EQ(place["tuf/timestamp.json"], place.size() - 1);
}

}  // namespace
}  // namespace anchorage::anchors::tuf

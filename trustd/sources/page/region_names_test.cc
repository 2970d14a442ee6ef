#include "trustd/sources/page/region_names.h"

#include <string>

#include "gtest/gtest.h"

namespace anchorage::trustd {
namespace {

TEST(RegionNamesTest, ProseNamesOfOneRegionAreKnown) {
  EXPECT_EQ(RegionOfProseName("Hong Kong Region"), "ap-east-1");
  for (const char* name : {"Other AWS Regions", "GovCloud Regions",
                           "China Regions", "Hong Kong", ""}) {
    EXPECT_EQ(RegionOfProseName(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace anchorage::trustd

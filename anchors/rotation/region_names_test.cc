#include "anchors/rotation/region_names.h"

#include <string>

#include "gtest/gtest.h"

namespace anchorage::anchors {
namespace {

TEST(RegionNamesTest, CodesOfThreeAndFourPartsAreCodes) {
  for (const char* code : {"eu-west-1", "us-gov-west-1", "eusc-de-east-1",
                           "ap-southeast-12", "cn-northwest-1"}) {
    EXPECT_TRUE(IsRegionCode(code)) << code;
  }
}

TEST(RegionNamesTest, EverythingElseIsNone) {
  for (const char* text : {"",
                           "-",
                           "eu",
                           "eu-1",
                           "eu-west",
                           "eu-west-",
                           "eu-west-0",
                           "eu-west-01",
                           "eu-west-100",
                           "eu--west-1",
                           "-eu-west-1",
                           "EU-west-1",
                           "eu-west-1 ",
                           "eu-west-1a",
                           "e-west-1",
                           "a-b-c-d-1",
                           "aa-bb-cc-dd-1",
                           "eu west-1",
                           "eu-we_st-1",
                           "eu-abcdefghijklmnopq-1"}) {
    EXPECT_FALSE(IsRegionCode(text)) << text;
  }
}

TEST(RegionNamesTest, TheCodeNamesThePartition) {
  EXPECT_EQ(PartitionOfRegion("eu-west-1"), "aws");
  EXPECT_EQ(PartitionOfRegion("cn-north-1"), "aws-cn");
  EXPECT_EQ(PartitionOfRegion("us-gov-east-1"), "aws-us-gov");
  EXPECT_EQ(PartitionOfRegion("eusc-de-east-1"), "aws-eusc");
  EXPECT_EQ(PartitionOfRegion("us-iso-east-1"), "aws-iso");
  EXPECT_EQ(PartitionOfRegion("us-isob-east-1"), "aws-iso-b");
}

TEST(RegionNamesTest, ProseNamesOfOneRegionAreKnown) {
  EXPECT_EQ(RegionOfProseName("Hong Kong Region"), "ap-east-1");
  for (const char* name : {"Other AWS Regions", "GovCloud Regions",
                           "China Regions", "Hong Kong", ""}) {
    EXPECT_EQ(RegionOfProseName(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace anchorage::anchors

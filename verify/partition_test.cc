#include "verify/partition.h"

#include "gtest/gtest.h"

namespace anchorage::verify {
namespace {

TEST(RegionCode, OfThreeAndFourPartsIsOne) {
  for (const char* code : {"eu-west-1", "us-gov-west-1", "eusc-de-east-1",
                           "ap-southeast-12", "cn-northwest-1"}) {
    EXPECT_TRUE(IsRegionCode(code)) << code;
  }
}

TEST(RegionCode, IsNothingElse) {
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

TEST(RegionCode, NamesThePartition) {
  EXPECT_EQ(PartitionOfRegion("eu-west-1"), "aws");
  EXPECT_EQ(PartitionOfRegion("cn-north-1"), "aws-cn");
  EXPECT_EQ(PartitionOfRegion("us-gov-east-1"), "aws-us-gov");
  EXPECT_EQ(PartitionOfRegion("eusc-de-east-1"), "aws-eusc");
  EXPECT_EQ(PartitionOfRegion("us-iso-east-1"), "aws-iso");
  EXPECT_EQ(PartitionOfRegion("us-isob-east-1"), "aws-iso-b");
}

TEST(Partition, IsOneThatIsKnown) {
  for (const char* name : {"aws", "aws-us-gov", "aws-cn", "aws-eusc", "aws-iso",
                           "aws-iso-b", "aws-iso-e", "aws-iso-f"}) {
    EXPECT_TRUE(IsPartition(name)) << name;
  }
  for (const char* name : {"", "AWS", "aws-", "aws-mars", "aws.", "us-gov"}) {
    EXPECT_FALSE(IsPartition(name)) << name;
  }
}

}  // namespace
}  // namespace anchorage::verify

// AWS's partitions, and which of them a region's code names: the one table of
// both. A new partition is a row in partition.cc.
//
//   if (!IsRegionCode(code)) return Problem(code);
//   std::string_view partition = PartitionOfRegion(code);
//
// Pure.

#ifndef ANCHORAGE_VERIFY_PARTITION_H_
#define ANCHORAGE_VERIFY_PARTITION_H_

#include <string_view>

namespace anchorage::verify {

// Whether `name` is the name of a known partition: "aws", "aws-us-gov",
// "aws-cn", "aws-eusc", or one of the isolated regions'.
bool IsPartition(std::string_view name);

// Whether `code` has the form of a region's code: three or four parts of
// a-z that end in a number from 1 to 99, such as "eu-west-1" and
// "us-gov-west-1". Does not tell whether there is such a region.
bool IsRegionCode(std::string_view code);

// Returns the partition that a region's code names: "aws-cn" for "cn-…",
// "aws-us-gov" for "us-gov-…", "aws-eusc" for "eusc-…", those of the isolated
// regions for theirs, and "aws" for every other.
std::string_view PartitionOfRegion(std::string_view code);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_PARTITION_H_

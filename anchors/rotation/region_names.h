// What the names of AWS's regions say.
//
//   if (!IsRegionCode(code)) return Problem(code);
//   std::string_view partition = PartitionOfRegion(code);
//
// Pure.

#ifndef ANCHORAGE_ANCHORS_ROTATION_REGION_NAMES_H_
#define ANCHORAGE_ANCHORS_ROTATION_REGION_NAMES_H_

#include <optional>
#include <string_view>

namespace anchorage::anchors {

// Whether `code` has the form of a region's code: three or four parts of
// a-z that end in a number from 1 to 99, such as "eu-west-1" and
// "us-gov-west-1". Not whether there is such a region.
bool IsRegionCode(std::string_view code);

// Returns the partition that a region's code names: "aws-cn" for "cn-…",
// "aws-us-gov" for "us-gov-…", "aws-eusc" for "eusc-…", those of the isolated
// regions for theirs, and "aws" for every other.
std::string_view PartitionOfRegion(std::string_view code);

// Returns the code of the one region that a tab of AWS's older pages means,
// such as "Hong Kong Region"; nullopt for a name that may mean several, such
// as "GovCloud Regions", or that is not known.
std::optional<std::string_view> RegionOfProseName(std::string_view name);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_ROTATION_REGION_NAMES_H_

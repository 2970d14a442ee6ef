// Finds the codes of AWS's regions in a text of any form: a page, JSON, a list.
// Pure.

#ifndef ANCHORAGE_TRUSTD_REGIONS_REGION_CODES_H_
#define ANCHORAGE_TRUSTD_REGIONS_REGION_CODES_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace anchorage::trustd {

// More codes than this are no list of regions: the rest is not looked at. AWS
// has some forty.
inline constexpr std::size_t kMaxRegionCodes = 512;

// Returns what has the form of a region's code (verify::IsRegionCode()) and
// stands alone: "eu-west-1" in "ec2.eu-west-1.amazonaws.com", but nothing in
// "us-east-1a" or "us-east-1-bos-1", which are zones.
std::set<std::string> RegionCodesIn(std::string_view text);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_REGIONS_REGION_CODES_H_

// The prose names of AWS's regions. For their codes see verify/partition.h.
//
// Pure.

#ifndef ANCHORAGE_TRUSTD_SOURCES_PAGE_REGION_NAMES_H_
#define ANCHORAGE_TRUSTD_SOURCES_PAGE_REGION_NAMES_H_

#include <optional>
#include <string_view>

namespace anchorage::trustd {

// Returns the code of the one region that a tab of AWS's older pages means,
// such as "Hong Kong Region"; nullopt for a name that may mean several, such
// as "GovCloud Regions", or that is not known.
std::optional<std::string_view> RegionOfProseName(std::string_view name);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_PAGE_REGION_NAMES_H_

#include "trustd/sources/page/region_names.h"

#include <array>
#include <utility>

namespace anchorage::trustd {
namespace {

using Name = std::pair<std::string_view, std::string_view>;

// The regions whose certificates the older pages gave by name.
constexpr std::array<Name, 10> kProseNames = {{
    {"Bahrain Region", "me-south-1"},
    {"Cape Town Region", "af-south-1"},
    {"Hong Kong Region", "ap-east-1"},
    {"Hyderabad Region", "ap-south-2"},
    {"Jakarta Region", "ap-southeast-3"},
    {"Melbourne Region", "ap-southeast-4"},
    {"Milan Region", "eu-south-1"},
    {"Spain Region", "eu-south-2"},
    {"UAE Region", "me-central-1"},
    {"Zurich Region", "eu-central-2"},
}};

}  // namespace

std::optional<std::string_view> RegionOfProseName(std::string_view name) {
  for (const auto& [prose, code] : kProseNames) {
    if (name == prose) return code;
  }
  return std::nullopt;
}

}  // namespace anchorage::trustd

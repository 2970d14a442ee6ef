#include "trustd/regions/region_codes.h"

#include "verify/partition.h"

namespace anchorage::trustd {
namespace {

bool IsOfAName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

std::set<std::string> RegionCodesIn(std::string_view text) {
  std::set<std::string> codes;
  std::size_t at = 0;
  while (at < text.size() && codes.size() < kMaxRegionCodes) {
    if (!IsOfAName(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && IsOfAName(text[end])) ++end;
    const std::string_view name = text.substr(at, end - at);
    if (verify::IsRegionCode(name)) codes.emplace(name);
    at = end;
  }
  return codes;
}

}  // namespace anchorage::trustd

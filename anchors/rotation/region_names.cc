#include "anchors/rotation/region_names.h"

#include <array>
#include <cstddef>
#include <utility>

namespace anchorage::anchors {
namespace {

constexpr std::size_t kMaxPartBytes = 16;
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

using Name = std::pair<std::string_view, std::string_view>;

constexpr std::array<Name, 8> kPartitions = {{
    {"cn-", "aws-cn"},
    {"us-gov-", "aws-us-gov"},
    {"eusc-", "aws-eusc"},
    {"us-iso-", "aws-iso"},
    {"us-isob-", "aws-iso-b"},
    {"eu-isoe-", "aws-iso-e"},
    {"us-isof-", "aws-iso-f"},
    {"eu-isof-", "aws-iso-f"},
}};

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

bool IsWord(std::string_view part) {
  return part.size() >= 2 && part.size() <= kMaxPartBytes &&
         part.find_first_not_of(kLetters) == std::string_view::npos;
}

bool IsNumber(std::string_view part) {
  return !part.empty() && part.size() <= 2 && part[0] != '0' &&
         part.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace

bool IsRegionCode(std::string_view code) {
  int words = 0;
  for (;;) {
    const std::size_t hyphen = code.find('-');
    if (hyphen == std::string_view::npos) break;
    if (!IsWord(code.substr(0, hyphen))) return false;
    ++words;
    code.remove_prefix(hyphen + 1);
  }
  return (words == 2 || words == 3) && IsNumber(code);
}

std::string_view PartitionOfRegion(std::string_view code) {
  for (const auto& [prefix, partition] : kPartitions) {
    if (code.starts_with(prefix)) return partition;
  }
  return "aws";
}

std::optional<std::string_view> RegionOfProseName(std::string_view name) {
  for (const auto& [prose, code] : kProseNames) {
    if (name == prose) return code;
  }
  return std::nullopt;
}

}  // namespace anchorage::anchors

#include "verify/partition.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace anchorage::verify {
namespace {

constexpr std::string_view kCommercial = "aws";

// The prefix of a partition's region codes, and the partition's name. Every
// other code is of kCommercial, which opens regions in new places.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8>
    kPartitions = {{
        {"cn-", "aws-cn"},
        {"us-gov-", "aws-us-gov"},
        {"eusc-", "aws-eusc"},
        {"us-iso-", "aws-iso"},
        {"us-isob-", "aws-iso-b"},
        {"eu-isoe-", "aws-iso-e"},
        {"us-isof-", "aws-iso-f"},
        {"eu-isof-", "aws-iso-f"},
    }};

constexpr std::size_t kMaxPartBytes = 16;
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

bool IsWord(std::string_view part) {
  return part.size() >= 2 && part.size() <= kMaxPartBytes &&
         part.find_first_not_of(kLetters) == std::string_view::npos;
}

bool IsNumber(std::string_view part) {
  return !part.empty() && part.size() <= 2 && part[0] != '0' &&
         part.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace

bool IsPartition(std::string_view name) {
  return name == kCommercial ||
         std::any_of(kPartitions.begin(), kPartitions.end(),
                     [name](const auto& row) { return row.second == name; });
}

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
  return kCommercial;
}

}  // namespace anchorage::verify

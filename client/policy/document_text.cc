#include "client/policy/document_text.h"

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace anchorage::anchors {
namespace {

// The code unit of an escape such as "\\ud83d" that `json` begins with; 0 for
// another.
std::uint32_t EscapedUnit(std::string_view json) {
  std::uint32_t unit = 0;
  if (json.size() < 6 || !json.starts_with("\\u") ||
      !absl::SimpleHexAtoi(absl::string_view(json.data() + 2, 4), &unit)) {
    return 0;
  }
  return unit;
}

}  // namespace

std::string YamlOf(std::string_view json) {
  std::string yaml;
  yaml.reserve(json.size());
  for (std::size_t at = 0; at < json.size();) {
    const std::uint32_t high = EscapedUnit(json.substr(at));
    if (high >= 0xd800 && high < 0xdc00) {
      const std::uint32_t low = EscapedUnit(json.substr(at + 6));
      absl::StrAppendFormat(&yaml, "\\U%08x",
                            0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
      at += 12;
      continue;
    }
    const std::size_t length = json[at] == '\\' ? 2 : 1;
    yaml.append(json.substr(at, length));
    at += length;
  }
  return yaml;
}

}  // namespace anchorage::anchors

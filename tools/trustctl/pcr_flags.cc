#include "tools/trustctl/pcr_flags.h"

#include <cstddef>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace anchorage::trustctl {

absl::StatusOr<verify::PcrSet> ReadPcrFlags(
    const std::vector<std::string>& given) {
  std::map<int, std::string> values;
  for (const std::string& pcr : given) {
    const std::size_t equals = pcr.find('=');
    int index = 0;
    if (equals == std::string::npos ||
        !absl::SimpleAtoi(pcr.substr(0, equals), &index)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'--pcr ", pcr, "' is not N=HEX"));
    }
    if (!values.emplace(index, pcr.substr(equals + 1)).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("PCR", index, " is given twice"));
    }
  }
  return verify::PcrSet::FromHex(values);
}

}  // namespace anchorage::trustctl

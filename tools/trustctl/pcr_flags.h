// What "--pcr N=HEX", given any number of times, says.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_PCR_FLAGS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_PCR_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "verify/attestation/pcr_set.h"

namespace anchorage::trustctl {

// Reads each "N=HEX" of `given`. Fails with INVALID_ARGUMENT where one is no
// such text or a PCR is given twice, and as verify::PcrSet::FromHex() does.
absl::StatusOr<verify::PcrSet> ReadPcrFlags(
    const std::vector<std::string>& given);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_PCR_FLAGS_H_

// What differs between two catalogs, and whether any gate would let the step
// through: for people, and as JSON.
//
// Pure: any number of threads may call at once.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_CATALOG_STEP_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_CATALOG_STEP_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "anchors/succession.h"

namespace anchorage::trustctl {

// Reads keys in the form of --reactivate: PARTITION/REGION/KIND/SHA-256, with
// the whole hash; a Nitro root has no region: "aws//nitro-root/...".
// INVALID_ARGUMENT.
absl::StatusOr<anchors::Reactivated> ParseReactivated(
    const std::vector<std::string>& texts);

// Returns a key in the form that ParseReactivated() reads.
std::string TextOf(const anchors::ReactivatedKey& key);

// A line for each key that a step reactivates; empty for none.
std::string TextOf(const anchors::Reactivated& reactivated);

// A line for each problem, its reason first; empty for none.
std::string TextOf(absl::Span<const anchors::SuccessorProblem> problems);

// "before" and "after" with their sequences, "anchors" (each that is added,
// removed or changed), "reactivated", "problems" and whether it is "legal".
nlohmann::ordered_json StepToJson(
    const anchors::Catalog& before, const anchors::Catalog& after,
    const anchors::Reactivated& reactivated,
    absl::Span<const anchors::SuccessorProblem> problems);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_CATALOG_STEP_H_

// Whether a tree is as a trusted producer's manifest says: what a validation
// does apart, as all that it reads was written by others.

#ifndef ANCHORAGE_CLIENT_VALIDATE_TREE_H_
#define ANCHORAGE_CLIENT_VALIDATE_TREE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "client/validate/decision.h"
#include "client/validate/report.h"
#include "client/validate/validate_config.h"

namespace anchorage::client {

// Reads the bundle below the folder `root`, verifies it, and compares the tree
// with it. Says each difference, and the verdict, to `report`.
Finding ExamineTree(const ValidateConfig& config, const std::string& root,
                    Report& report);

// A finding as bytes, from one process to another: of a fixed length, and read
// strictly. ReadFinding() fails with kValidatorDied.
std::string WriteFinding(const Finding& finding);
absl::StatusOr<Finding> ReadFinding(std::string_view bytes);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_TREE_H_

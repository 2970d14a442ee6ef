// What the commands below "rotations" share. A file each: list, show, decide and
// undo.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_ROTATIONS_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_ROTATIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "proto/anchorage/v1/explanation.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {

AddCommand AddRotationsList;
AddCommand AddRotationsShow;
AddCommand AddRotationsDecide;
AddCommand AddRotationsUndo;

// Adds the number of a rotation, decimal digits and nothing else.
void AddRotationId(CLI::App& command, std::uint64_t& id);

// Such as "RE_KEY" and "DETECTED".
std::string ClassOf(const v1::Rotation& rotation);
std::string StateOf(const v1::Rotation& rotation);

// The slot, or of an anomaly of a source as a whole the source. Printable.
std::string SubjectOf(const v1::Rotation& rotation);

// The table of `rotations list`. Where a terminal of `layout.width` columns has
// no room for all, times are short, then the counts are left out.
std::string TextOfRotations(const nlohmann::ordered_json& facts,
                            const TableLayout& layout);

// Asks for the explanation of a rotation.
absl::StatusOr<v1::RotationExplanation> Explain(const AdminChannel& channel,
                                                std::uint64_t id);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_ROTATIONS_H_

// What people are shown before they sign: roots, catalogs, and what changes in
// them.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_CEREMONY_TEXT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_CEREMONY_TEXT_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/publishing/ceremony.h"
#include "anchors/tuf/metadata.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {

// One line for each role, with key ids and thresholds; compared with `last`,
// "+" before a key that is added and "-" before one that is removed.
std::string TextOf(const anchors::tuf::Root& root,
                   const anchors::tuf::Root* last);

// The catalog's sequence and anchors; compared with `last`, a line for each
// anchor or certificate that is added, changed or removed.
std::string TextOf(const anchors::Catalog& catalog,
                   const anchors::Catalog* last);

// A target beside the catalog against the one before; both as they are signed,
// empty for none. FAILED_PRECONDITION for one that people cannot be shown.
absl::StatusOr<std::string> TextOfBeside(const anchors::TargetKind& kind,
                                         std::string_view next,
                                         std::string_view last);

// "for the repository whose 1.root.json has SHA-256 ...": a signature is valid
// in every repository that names its key.
std::string RepositoryText(const anchors::Ceremony& ceremony);

// "checked by the rules of trustctl 0.1.0": a newer client may be stricter.
std::string RulesText();

// "targets keys of root 1: 1 of 2 have signed; missing 0a1b…, 2c3d…".
std::string TextOf(const std::vector<anchors::SignatureCount>& counts);

nlohmann::ordered_json ToJson(const anchors::tuf::Root& root);
nlohmann::ordered_json ToJson(
    const std::vector<anchors::SignatureCount>& counts);

// Prints whose signatures the draft in `folder` has and still needs. Returns
// the exit code.
int ShowCounts(const std::string& folder, anchors::DraftKind kind,
               const Output& output);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_CEREMONY_TEXT_H_

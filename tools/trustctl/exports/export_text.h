// Pieces that several formats are written with.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_TEXT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "tools/trustctl/exports/export_format.h"

namespace anchorage::trustctl {

using ExportFiles = absl::StatusOr<std::vector<ExportFile>>;

// A certificate as PEM, in lines of 64 characters.
std::string Pem(std::string_view der);

// What an export says of itself, a line each: what it was made of, what its
// format cannot carry, and the limits of each anchor that has some.
std::vector<std::string> About(const ExportFormat& format,
                               const ExportContents& contents);

// The same as comment lines that begin with `mark`.
std::string AboutComment(const ExportFormat& format,
                         const ExportContents& contents,
                         const std::string& mark);

// For formats with one certificate for each region: the first anchor of each
// slot. What is left out stands in `about`, a line each.
std::vector<ExportedAnchor> OneForEachSlot(const ExportContents& contents,
                                           std::vector<std::string>& about);

// The functions of the formats.
ExportFiles MakePem(const ExportFormat&, const ExportContents&);
ExportFiles MakePemBundle(const ExportFormat&, const ExportContents&);
ExportFiles MakeVault(const ExportFormat&, const ExportContents&);
ExportFiles MakeSmallstep(const ExportFormat&, const ExportContents&);
ExportFiles MakeSpire(const ExportFormat&, const ExportContents&);
ExportFiles MakeAthenz(const ExportFormat&, const ExportContents&);
ExportFiles MakeTeleport(const ExportFormat&, const ExportContents&);
ExportFiles MakeJson(const ExportFormat&, const ExportContents&);
ExportFiles MakeJwks(const ExportFormat&, const ExportContents&);
ExportFiles MakeSpiffe(const ExportFormat&, const ExportContents&);
ExportFiles MakeRfc5914(const ExportFormat&, const ExportContents&);
ExportFiles MakeHeader(const ExportFormat&, const ExportContents&);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_TEXT_H_

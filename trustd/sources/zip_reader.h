// Reads a small ZIP archive that is not trusted.

#ifndef ANCHORAGE_TRUSTD_SOURCES_ZIP_READER_H_
#define ANCHORAGE_TRUSTD_SOURCES_ZIP_READER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

// An archive with more entries, or with more in one of them, is refused.
inline constexpr std::size_t kMaxZipEntries = 16;
inline constexpr std::size_t kMaxZipEntryBytes = 64 * 1024;

struct ZipFile {
  // As in the archive: never use it as a path.
  std::string name;
  std::string bytes;
};

struct ZipContent {
  // Without folders. Empty where there is a problem.
  std::vector<ZipFile> files;
  // kNotTheDocument: no ZIP, or beyond the limits. kTruncated: cut or damaged;
  // checksums are compared.
  std::optional<SourceProblem> problem;
};

// Nothing is written to a disk; pure.
ZipContent ReadZip(std::string_view zip);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_ZIP_READER_H_

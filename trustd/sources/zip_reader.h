// Reads a small, untrusted ZIP archive.

#ifndef ANCHORAGE_TRUSTD_SOURCES_ZIP_READER_H_
#define ANCHORAGE_TRUSTD_SOURCES_ZIP_READER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

// The limits of an archive: one with more entries, or with more bytes in one of
// them, is refused.
inline constexpr std::size_t kMaxZipEntries = 16;
inline constexpr std::size_t kMaxZipEntryBytes = 64 * 1024;

struct ZipFile {
  // The name as it is in the archive: never use it as a path.
  std::string name;
  std::string bytes;
};

struct ZipContent {
  // The files, without folders. Empty where there is a problem.
  std::vector<ZipFile> files;
  // kNotTheDocument: not a ZIP, or beyond the limits. kTruncated: cut or
  // damaged, which includes wrong checksums.
  std::optional<SourceProblem> problem;
};

// Nothing is written to a disk; pure.
ZipContent ReadZip(std::string_view zip);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_ZIP_READER_H_

#include "trustd/sources/zip_reader.h"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <memory>
#include <utility>

namespace anchorage::trustd {
namespace {

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

ZipContent Bad(ProblemKind kind, std::string detail) {
  ZipContent content;
  content.problem = SourceProblem{kind, 0, std::move(detail)};
  return content;
}

// The result of reading an entry.
enum class EntryRead { kDone, kTooLong, kDamaged };

EntryRead ReadEntry(archive* reader, std::string& bytes) {
  std::array<char, 4096> buffer;
  for (;;) {
    const la_ssize_t got =
        archive_read_data(reader, buffer.data(), buffer.size());
    if (got == 0) return EntryRead::kDone;
    if (got < 0) return EntryRead::kDamaged;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.size() > kMaxZipEntryBytes) return EntryRead::kTooLong;
  }
}

}  // namespace

ZipContent ReadZip(std::string_view zip) {
  if (!zip.starts_with("PK\x03\x04")) {
    return Bad(ProblemKind::kNotTheDocument, "not a ZIP archive");
  }
  const Reader reader(archive_read_new(), &archive_read_free);
  // Seekable: reads by the directory at the end, which a truncated archive
  // lacks.
  if (reader == nullptr ||
      archive_read_support_format_zip_seekable(reader.get()) != ARCHIVE_OK ||
      archive_read_open_memory(reader.get(), zip.data(), zip.size()) !=
          ARCHIVE_OK) {
    return Bad(ProblemKind::kTruncated, "the ZIP archive cannot be opened");
  }
  ZipContent content;
  for (std::size_t entries = 0;; ++entries) {
    archive_entry* entry = nullptr;
    const int next = archive_read_next_header(reader.get(), &entry);
    if (next == ARCHIVE_EOF) return content;
    // A warning is about a name that the locale cannot show.
    if (next != ARCHIVE_OK && next != ARCHIVE_WARN) {
      return Bad(ProblemKind::kTruncated, "the ZIP archive is damaged");
    }
    if (entries == kMaxZipEntries) {
      return Bad(ProblemKind::kNotTheDocument,
                 "the ZIP archive has too many entries");
    }
    const char* name = archive_entry_pathname(entry);
    ZipFile file{name == nullptr ? "?" : name, ""};
    switch (ReadEntry(reader.get(), file.bytes)) {
      case EntryRead::kDone:
        break;
      case EntryRead::kTooLong:
        return Bad(ProblemKind::kNotTheDocument,
                   "an entry of the ZIP archive is too long");
      case EntryRead::kDamaged:
        return Bad(ProblemKind::kTruncated, "the ZIP archive is damaged");
    }
    if (archive_entry_filetype(entry) != AE_IFDIR) {
      content.files.push_back(std::move(file));
    }
  }
}

}  // namespace anchorage::trustd

// The forms in which other verifiers take AWS's keys and certificates.
//
//   const ExportFormat* format = FindExportFormat("vault");
//   auto contents = SelectExported(set, filter, absl::Now());
//   auto files = format->make(*contents);
//
// An export holds what verifies at the moment that it is made (ACTIVE and
// RETIRING anchors) and says in a comment what its format cannot carry. The same
// anchors always give the same bytes, so that a feed can tell whether anything
// has changed. Nothing here reads or writes a file. Thread-safe.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_FORMAT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "verify/anchor_kind.h"
#include "verify/anchor_set.h"

namespace anchorage::trustctl {

struct ExportFile {
  // Relative, with '/' between folders, of a-z, A-Z, 0-9, '-', '_' and '.'.
  std::string name;
  std::string bytes;

  friend bool operator==(const ExportFile&, const ExportFile&) = default;
};

struct ExportedAnchor {
  verify::Slot slot;
  verify::AnchorStatus status = verify::AnchorStatus::kActive;
  absl::Time valid_from = absl::InfinitePast();
  absl::Time valid_until = absl::InfiniteFuture();
  absl::Time accept_until = absl::InfiniteFuture();
  std::string spki_der;
  // Lower-case hex.
  std::string spki_sha256;
  // DER, the newest first. Never empty.
  std::vector<std::string> certificates;
};

struct ExportContents {
  // In the order of their slots; in one slot what is ACTIVE comes first, and of
  // that the one with the newest certificate.
  std::vector<ExportedAnchor> anchors;
  // The catalog's sequence number.
  std::uint64_t sequence = 0;
  // How many anchors pass the filter and are not here: they verify nothing now,
  // or were never published in a certificate.
  int left_out = 0;
  // Where a folder of files will lie, for those that name one another.
  std::string folder;
};

// What is wanted; what is empty lets everything through.
struct ExportFilter {
  std::string partition = {};
  std::string region = {};
  std::vector<verify::AnchorKind> kinds = {};
};

struct ExportFormat {
  const char* name;
  // For --help, with the product's file or setting.
  const char* help;
  // What the product has no place for, a sentence each.
  std::vector<const char*> cannot_carry;
  // The kinds that it holds where no kind is asked for; and those that can be
  // asked for instead.
  std::vector<verify::AnchorKind> kinds;
  std::vector<verify::AnchorKind> other_kinds;
  // Whether it is a folder of files; otherwise it is one file.
  bool is_folder = false;
  // Fails with FAILED_PRECONDITION where nothing is left to export, or for a
  // key that the format should have and cannot.
  absl::StatusOr<std::vector<ExportFile>> (*make)(
      const ExportFormat& format, const ExportContents& contents);
};

// All formats, in the order of the manual.
absl::Span<const ExportFormat> ExportFormats();

// Null if there is none.
const ExportFormat* FindExportFormat(std::string_view name);

// Returns what of `set` may be exported at `now`, by the verifier's clock. Fails
// with INVALID_ARGUMENT for a partition or region whose name could not be part
// of a file's, which AWS has none of; and with FAILED_PRECONDITION where nothing
// passes the filter, because a product that is given nothing trusts nobody.
absl::StatusOr<ExportContents> SelectExported(const verify::AnchorSet& set,
                                              const ExportFilter& filter,
                                              absl::Time now);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_FORMAT_H_

// The pages on which AWS prints the roots of Nitro attestation documents, and
// whether they print what a catalog has.
//
//   for (const PrintedPage& page : *ReadPrintedIndex(index_json)) {
//     ComparePrinted(page, Download(page.address), catalog);
//   }
//
// Pure.

#ifndef ANCHORAGE_TRUSTD_SOURCES_PAGE_PRINTED_PAGES_H_
#define ANCHORAGE_TRUSTD_SOURCES_PAGE_PRINTED_PAGES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/catalog.h"

namespace anchorage::trustd {

// A page listed in printed/index.json.
struct PrintedPage {
  enum class Prints {
    // The root itself, as PEM.
    kCertificate,
    // The SHA-256 of the certificate.
    kFingerprint,
    // The SHA-256 of the archive that holds the certificate, which a catalog
    // does not have.
    kArchive,
  };
  // The excerpt that is kept, in the folder of the index.
  std::string file;
  std::string partition;
  std::string address;
  Prints prints = Prints::kCertificate;
  // The SHA-256 that is printed, or that of the certificate that is printed;
  // lower-case hex.
  std::string sha256;
  // When it was read, and from where if not from the address: for people.
  std::string read;
  std::string read_from;
};

// Reads the index. Fails with INVALID_ARGUMENT if anything is missing.
absl::StatusOr<std::vector<PrintedPage>> ReadPrintedIndex(
    std::string_view json);

// Returns OK if `text`, the text of that page, prints what the index says, and
// `catalog` verifies with every root of the partition that it prints, and with
// the one whose certificate or SHA-256 it prints. Otherwise
// FAILED_PRECONDITION, with a message for people.
absl::Status ComparePrinted(const PrintedPage& page, std::string_view text,
                            const anchors::Catalog& catalog);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_PAGE_PRINTED_PAGES_H_

// The pages on which AWS prints the roots of Nitro attestation documents, and
// whether what they print is what a catalog has.
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

// A page of printed/index.json.
struct PrintedPage {
  enum class Prints {
    // The root itself, as PEM.
    kCertificate,
    // The SHA-256 of the certificate.
    kFingerprint,
    // That of the archive which holds it, and which a catalog does not have.
    kArchive,
  };
  // The excerpt that is kept, in the folder of the index.
  std::string file;
  std::string partition;
  std::string address;
  Prints prints = Prints::kCertificate;
  // What is printed, or of what is printed; lower-case hex.
  std::string sha256;
  // When it was read, and from where if not from the address: for people.
  std::string read;
  std::string read_from;
};

// Fails with INVALID_ARGUMENT for an index with anything missing.
absl::StatusOr<std::vector<PrintedPage>> ReadPrintedIndex(
    std::string_view json);

// Returns OK if `text`, of that page, prints what the index says, every root
// that it prints of the partition is one that `catalog` verifies with, and so
// is the one whose certificate or SHA-256 it prints. Else FAILED_PRECONDITION,
// for people.
absl::Status ComparePrinted(const PrintedPage& page, std::string_view text,
                            const anchors::Catalog& catalog);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_PAGE_PRINTED_PAGES_H_

// Reads a page that prints the root of Nitro attestation documents: as PEM, as
// AWS's guide to GovCloud does, or as the SHA-256 of the certificate.
//
//   const PrintedRoots page = ReadPrintedRoots(bytes, "aws-us-gov");
//
// A page is HTML, Markdown or plain text, with any prose around. A certificate
// is the root of the partition after which it is named: AWS documents the
// subject as CN=<partition>.nitro-enclaves.
//
// Pure, and linear in the page, which anybody may have written.

#ifndef ANCHORAGE_TRUSTD_SOURCES_PAGE_PRINTED_ROOT_H_
#define ANCHORAGE_TRUSTD_SOURCES_PAGE_PRINTED_ROOT_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trustd/rotation/observation.h"

namespace anchorage::trustd {

// The most of each on one page; more roots are a problem, more fingerprints are
// left out.
inline constexpr std::size_t kMaxPrintedRoots = 8;
inline constexpr std::size_t kMaxFingerprints = 256;

struct PrintedRoot {
  std::string der;
  // Where its PEM begins, from 1.
  int line = 0;
};

struct PrintedRoots {
  // The roots of the partition, self-signed as roots are, in the page's order.
  // Those of other partitions are left out silently.
  std::vector<PrintedRoot> certificates;
  // Everything that has the form of a SHA-256, in lower-case hex: pairs
  // separated by colons, or 64 digits. Only the page's prose says what each is
  // the hash of.
  std::set<std::string> fingerprints;
  // kNotTheDocument: neither roots nor fingerprints. kTruncated,
  // kCertificateUnreadable: a PEM block. kNotPlaced: a certificate that is not
  // a Nitro root, or too many.
  std::vector<SourceProblem> problems;
};

PrintedRoots ReadPrintedRoots(std::string_view page,
                              std::string_view partition);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_PAGE_PRINTED_ROOT_H_

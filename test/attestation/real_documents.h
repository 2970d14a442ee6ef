// Attestation documents that AWS made, and what is known about each.
//
//   for (const RealDocument& d : CarriedDocuments()) {
//     Verify(d.bytes, *RealNitroRoots(), d.made_at);
//   }
//
// The carried ones are in the project; the shared ones are in the folder that
// the environment variable ANCHORAGE_SHARED_VECTORS names, if it is set.

#ifndef ANCHORAGE_TEST_ATTESTATION_REAL_DOCUMENTS_H_
#define ANCHORAGE_TEST_ATTESTATION_REAL_DOCUMENTS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/attestation/attestation_document.h"

namespace anchorage::test {

// One certificate of a document's chain, as an independent reader saw it.
struct RealValidity {
  absl::Time not_before;
  absl::Time not_after;
};

struct RealDocument {
  // Path below the folder of vectors.
  std::string path;
  std::string bytes;
  verify::AttestationType type = verify::AttestationType::kEnclave;
  bool genuine = true;
  bool debug = false;
  std::string module_id;
  std::string region;
  // The time in the document.
  absl::Time made_at;
  // Root first, leaf last; only of genuine documents.
  std::vector<RealValidity> chain;
};

// One document of each type.
std::vector<RealDocument> CarriedDocuments();

// The documents of nitro-enclave/cases.json, which has where each is from and
// what was new about it when somebody reported it. Aborts on an index that
// cannot be read.
std::vector<RealDocument> ReportedDocuments();

// Every attestation document of the shared vectors, negative ones included;
// nullopt where there are no shared vectors. Aborts on an index that cannot
// be read.
std::optional<std::vector<RealDocument>> SharedDocuments();

// The bytes of a file of the shared vectors.
std::string SharedFile(std::string_view path);

// AWS's own Nitro root, from the files that the project carries.
std::shared_ptr<const verify::AnchorSet> RealNitroRoots(
    verify::AnchorProvenance provenance = {});

// A set whose only root is this self-signed P-384 certificate.
std::shared_ptr<const verify::AnchorSet> RootsOf(
    std::string_view certificate_der, verify::AnchorProvenance provenance = {},
    std::string_view partition = "aws");

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_ATTESTATION_REAL_DOCUMENTS_H_

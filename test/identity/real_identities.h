// Identity documents that AWS made, and what is known about each.
//
//   for (const RealIdentity& r : CarriedIdentities()) {
//     VerifyRecordedIdentity(r.evidence(), *RealIdentityAnchors(), ...);
//   }
//
// The carried ones are in the project; the shared ones are in the folder that
// the environment variable ANCHORAGE_SHARED_VECTORS names, if it is set.

#ifndef ANCHORAGE_TEST_IDENTITY_REAL_IDENTITIES_H_
#define ANCHORAGE_TEST_IDENTITY_REAL_IDENTITIES_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/identity/identity_evidence.h"

namespace anchorage::test {

// One document in one form.
struct RealIdentity {
  // Path below the folder of vectors, without the file's name.
  std::string path;
  verify::IdentityForm form = verify::IdentityForm::kRsa2048;
  // The document as published beside the signature.
  std::string document;
  // As published: base64.
  std::string signature_text;
  // The same, decoded.
  std::string signature;
  bool genuine = true;
  // Of genuine ones only.
  std::string instance_id;
  std::string region;
  absl::Time pending_time;

  // With the document beside the signature. Views into this object.
  verify::IdentityEvidence evidence() const {
    return {document, form, signature};
  }
  // With the document only where the form needs it.
  verify::IdentityEvidence evidence_alone() const {
    if (form == verify::IdentityForm::kSignature) return evidence();
    return {std::nullopt, form, signature};
  }
};

// Those in test/vectors/real: every form of three genuine documents, and two
// that are not what they say.
std::vector<RealIdentity> CarriedIdentities();

// Every identity document of the shared vectors in every form, negative ones
// included; nullopt where there are no shared vectors. Aborts on an index that
// cannot be read.
std::optional<std::vector<RealIdentity>> SharedIdentities();

// AWS's own anchors, from the certificates that the project carries: all of
// them, or only the superseded ones of each slot that has such.
enum class Certificates { kAll, kSuperseded };
std::shared_ptr<const verify::AnchorSet> RealIdentityAnchors(
    Certificates which = Certificates::kAll);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_IDENTITY_REAL_IDENTITIES_H_

// Identity documents that the fake AWS signed, and its signature over any
// other bytes: for the target that verifies them and for its corpus.
//
// Every call gives the same bytes in every process.

#ifndef ANCHORAGE_TEST_FUZZ_IDENTITY_EVIDENCE_H_
#define ANCHORAGE_TEST_FUZZ_IDENTITY_EVIDENCE_H_

#include <string>
#include <string_view>
#include <vector>

#include "test/fake_aws/fake_identity.h"
#include "verify/identity/identity_document.h"
#include "verify/identity/identity_evidence.h"

namespace anchorage::test {

// The account of every document in SignedIdentities().
inline constexpr std::string_view kFuzzAccount = "012345678901";

struct SignedIdentity {
  std::string region;
  verify::IdentityForm form;
  std::string document;
  // As VerifyIdentity() takes it.
  std::string signature;
};

const FakeIdentity& FuzzIdentityAws();

// Returns the signature of `region` over `document`, whatever it says.
std::string SignIdentity(std::string_view region, verify::IdentityForm form,
                         std::string_view document, Era era = Era::k2026);

// Genuine evidence: several regions, documents and eras, in every form.
std::vector<SignedIdentity> SignedIdentities();

// Requires that `document` is what a reader of JSON finds in `text`.
void RequireSameFacts(const verify::IdentityDocument& document,
                      std::string_view text);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FUZZ_IDENTITY_EVIDENCE_H_

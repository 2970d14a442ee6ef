// Explains to people what may be wrong with identity evidence that was refused:
// a line break too many, an error page in place of a signature, the signature
// of another endpoint.
//
// Internal to verify/identity. A hint is made after the verdict is known. To
// find one, the evidence is read in another way than was asked for, and that
// reading is thrown away: all that remains is a sentence, from which no verdict
// can be made. The sentence says what was given; it never says that evidence is
// good.
//
// Pure, and bounded: time and memory are linear in the evidence, with at most
// kMaxHintTrials calls of `fits`.

#ifndef ANCHORAGE_VERIFY_IDENTITY_HINT_H_
#define ANCHORAGE_VERIFY_IDENTITY_HINT_H_

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "verify/identity/identity_evidence.h"
#include "verify/reason.h"

namespace anchorage::verify {

inline constexpr int kMaxHintTrials = 3;

// Returns a hint for a text that DecodeIdentitySignature() refused; "" if
// there is nothing to say.
std::string HintAboutText(IdentityForm form, std::string_view text);

// Returns a hint for evidence that was refused with `reason`; "" if there is
// nothing to say. `fits` tells whether the signature is one over another
// document: it is called with the document stripped of what editors and shells
// put around it.
std::string HintAboutEvidence(
    Reason reason, const IdentityEvidence& evidence,
    absl::FunctionRef<bool(std::string_view document)> fits);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_HINT_H_

// The evidence that an instance shows: a document and one of its signatures,
// as the instance metadata service (IMDS) gives them.
//
//   auto bytes = DecodeIdentitySignature(IdentityForm::kRsa2048, text);
//   if (!bytes.ok()) return bytes.status();
//   IdentityEvidence evidence{std::nullopt, IdentityForm::kRsa2048, *bytes};

#ifndef ANCHORAGE_VERIFY_IDENTITY_IDENTITY_EVIDENCE_H_
#define ANCHORAGE_VERIFY_IDENTITY_IDENTITY_EVIDENCE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "verify/identity/identity_form.h"

namespace anchorage::verify {

// Views: the bytes belong to the caller.
struct IdentityEvidence {
  // The document's exact bytes, never parsed and printed again. Needed with a
  // bare signature. With a PKCS #7 it may be left out; where it is given it
  // must equal the content.
  std::optional<std::string_view> document;
  IdentityForm form = IdentityForm::kRsa2048;
  // The signature's bytes, decoded: see DecodeIdentitySignature().
  std::string_view signature;
  // A PKCS #7, and which of the two its algorithms say: RSA with SHA-256 is
  // kRsa2048. `form` is any that carries its document.
  bool any_pkcs7 = false;
};

// The longest text or bytes that DecodeIdentitySignature() reads.
inline constexpr std::size_t kMaxSignatureText = 128 * 1024;

// Returns the signature's bytes, in whichever of these encodings `text` is; no
// input can be two of them:
//   raw     kSignature: exactly 128 bytes (as base64 they would be 96, which
//           no RSA-1024 signature has). The others: 30 and a byte from 80 to
//           ff, which is no text.
//   PEM     begins, after white space, with "-----": one block with the label
//           PKCS7 and nothing around it. Not for kSignature.
//   base64  anything else, as IMDS gives it: with or without line breaks.
// Fails with kInputTooLarge, kEncodingMalformed or kTrailingBytes.
absl::StatusOr<std::string> DecodeIdentitySignature(IdentityForm form,
                                                    std::string_view text);

// Returns evidence of `text`, which is what IMDS gives for any of the forms, in
// an encoding as above; the decoded signature, into which it is a view, is put
// in `bytes`. Which of the forms of a PKCS #7 it is, the verifier finds out.
// Name the form where you know it: in China a /pkcs7 may look like an /rsa2048.
// Fails as DecodeIdentitySignature().
absl::StatusOr<IdentityEvidence> RecogniseIdentityForm(std::string_view text,
                                                       std::string& bytes);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_IDENTITY_EVIDENCE_H_

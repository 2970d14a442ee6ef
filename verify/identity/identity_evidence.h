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
#include "verify/anchor_set.h"

namespace anchorage::verify {

// Which of the three signatures of a document it is.
enum class IdentityForm {
  // /latest/dynamic/instance-identity/signature: RSA-1024, PKCS #1 v1.5 with
  // SHA-256, over the document's exact bytes.
  kSignature,
  // …/pkcs7: PKCS #7, DSA with SHA-1 (in China RSA-2048), the document inside.
  kPkcs7,
  // …/rsa2048: PKCS #7, RSA-2048 with SHA-256, the document inside.
  kRsa2048,
};

// Returns the stable name, which is IMDS's: "signature", "pkcs7", "rsa2048".
std::string_view NameOf(IdentityForm form);
std::optional<IdentityForm> IdentityFormNamed(std::string_view name);

// Returns the kind of anchor whose key signs that form.
AnchorKind AnchorKindOf(IdentityForm form);

// Views: the bytes belong to the caller.
struct IdentityEvidence {
  // The document's exact bytes, never re-serialized. Required for kSignature.
  // For the other forms it may be left out; if given, it must equal the content
  // of the PKCS #7.
  std::optional<std::string_view> document;
  IdentityForm form = IdentityForm::kRsa2048;
  // The signature's bytes, decoded: see DecodeIdentitySignature().
  std::string_view signature;
};

// The longest text or bytes that DecodeIdentitySignature() reads.
inline constexpr std::size_t kMaxSignatureText = 128 * 1024;
// The length of a decoded kSignature.
inline constexpr std::size_t kRsa1024SignatureBytes = 128;

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

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_IDENTITY_EVIDENCE_H_

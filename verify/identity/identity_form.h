// The forms in which the instance metadata service (IMDS) signs an identity
// document. Verifier, hints, flags and the evidence that instances submit
// follow this table: another form is another row, and its field in
// rotation.proto.

#ifndef ANCHORAGE_VERIFY_IDENTITY_IDENTITY_FORM_H_
#define ANCHORAGE_VERIFY_IDENTITY_IDENTITY_FORM_H_

#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

#include "verify/anchor_kind.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

// Which of the signatures of a document.
enum class IdentityForm {
  // /latest/dynamic/instance-identity/signature: RSA-1024, PKCS #1 v1.5 with
  // SHA-256, over the document's exact bytes.
  kSignature,
  // …/pkcs7: PKCS #7, DSA with SHA-1 (in China RSA-2048), the document inside.
  kPkcs7,
  // …/rsa2048: PKCS #7, RSA-2048 with SHA-256, the document inside.
  kRsa2048,
};

// The signature of kSignature, decoded.
inline constexpr std::size_t kRsa1024SignatureBytes = 128;

struct IdentityFormRow {
  IdentityForm form;
  // The last part of its path at IMDS. Stable.
  std::string_view name;
  // Its field in the message Evidence of rotation.proto.
  std::string_view field;
  // Of the anchors that sign it.
  AnchorKind kind;
  HashAlgorithm hash;
  KeyType key_type;
  // The size of a bare signature, which needs the document beside it. 0 for a
  // PKCS #7, which carries the document.
  std::size_t bare_bytes = 0;

  constexpr bool carries_document() const { return bare_bytes == 0; }
};

// In the order of the enum.
inline constexpr IdentityFormRow kIdentityForms[] = {
    {.form = IdentityForm::kSignature,
     .name = "signature",
     .field = "rsa1024",
     .kind = AnchorKind::kIidRsa1024,
     .hash = HashAlgorithm::kSha256,
     .key_type = KeyType::kRsa,
     .bare_bytes = kRsa1024SignatureBytes},
    {.form = IdentityForm::kPkcs7,
     .name = "pkcs7",
     .field = "pkcs7",
     .kind = AnchorKind::kIidDsa,
     .hash = HashAlgorithm::kSha1,
     .key_type = KeyType::kDsa},
    {.form = IdentityForm::kRsa2048,
     .name = "rsa2048",
     .field = "rsa2048",
     .kind = AnchorKind::kIidRsa2048,
     .hash = HashAlgorithm::kSha256,
     .key_type = KeyType::kRsa},
};

// A value that is no form is read as a PKCS #7 without a name.
inline constexpr IdentityFormRow kNoIdentityForm = {
    .form = IdentityForm::kPkcs7,
    .name = "",
    .field = "",
    .kind = AnchorKind::kIidDsa,
    .hash = HashAlgorithm::kSha1,
    .key_type = KeyType::kDsa};

constexpr const IdentityFormRow& RowOf(IdentityForm form) {
  const auto index = static_cast<std::size_t>(form);
  return index < std::size(kIdentityForms) ? kIdentityForms[index]
                                           : kNoIdentityForm;
}

static_assert([] {
  for (const IdentityFormRow& row : kIdentityForms) {
    if (&RowOf(row.form) != &row) return false;
  }
  return true;
}());

// Returns the stable name, which is IMDS's: "signature", "pkcs7", "rsa2048".
constexpr std::string_view NameOf(IdentityForm form) {
  return RowOf(form).name;
}

constexpr std::optional<IdentityForm> IdentityFormNamed(std::string_view name) {
  for (const IdentityFormRow& row : kIdentityForms) {
    if (row.name == name) return row.form;
  }
  return std::nullopt;
}

// Returns the kind of anchor that signs that form.
constexpr AnchorKind AnchorKindOf(IdentityForm form) {
  return RowOf(form).kind;
}

// Whether anchors of that kind sign identity documents.
constexpr bool SignsIdentity(AnchorKind kind) {
  for (const IdentityFormRow& row : kIdentityForms) {
    if (row.kind == kind) return true;
  }
  return false;
}

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_IDENTITY_FORM_H_

// Which anchor made a signature: found by key, among the anchors of one slot.
//
// Internal to verify/identity. An issuer and a serial never decide who signed;
// they only say, after the fact, whether AWS has re-issued a certificate, and,
// after a failure, where else to look for an explanation.

#ifndef ANCHORAGE_VERIFY_IDENTITY_SIGNER_SEARCH_H_
#define ANCHORAGE_VERIFY_IDENTITY_SIGNER_SEARCH_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/anchor_set.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

// How a PKCS #7 names its signer.
struct SignerHint {
  // A whole Name element.
  std::string_view issuer;
  // The contents of an INTEGER.
  std::string_view serial;
};

// A signature whose signer is searched for.
struct SignatureToVerify {
  HashAlgorithm hash;
  // The digest of the bytes that the signature covers.
  Digest digest;
  std::string_view signature;
  // The type of key that the declared algorithm goes with.
  KeyType key_type;
  // nullopt for a form that names no signer.
  std::optional<SignerHint> hint;
  // The size of the signed document.
  std::size_t document_bytes = 0;
};

// To explain a failure, other regions are searched as well: at most this many
// keys, and only for a document no longer than AWS's can be, because hostile
// evidence must not cost many times what good evidence costs.
inline constexpr std::size_t kMaxOtherRegionKeys = 15;
inline constexpr std::size_t kMaxExplainedDocumentBytes = 4 * 1024;

// Returns the anchor of `slot` that made the signature and may be used at
// `now`, the verifier's clock. The caller checks whether it verifies evidence
// of that time, which it reads from what was signed. Otherwise fails with
//   kNoUsableAnchors     the slot has no anchor, or none that may be used and
//                        none that made the signature;
//   kAlgorithmMismatch   no anchor of the slot has a key of that type;
//   kAnchorNotActive, kAnchorRevoked
//                        an anchor that may not be used made it;
//   kRegionMismatch      an anchor of the same kind in another region made it
//                        (as far as that is searched);
//   kSignatureMalformed, kSignatureMismatch
//                        none of them made it;
//   kCryptoUnavailable, kCryptoProviderMissing
//                        the library failed.
// The anchor lives as long as `anchors`.
absl::StatusOr<const Anchor*> FindSigner(const AnchorSet& anchors,
                                         const Slot& slot,
                                         const SignatureToVerify& signature,
                                         absl::Time now);

// Whether one of the anchor's certificates has that issuer and serial.
bool HasCertificate(const Anchor& anchor, const SignerHint& hint);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_SIGNER_SEARCH_H_

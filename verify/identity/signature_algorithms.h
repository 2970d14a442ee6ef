// Which algorithms the PKCS #7 forms may name. Internal to verify/identity.

#ifndef ANCHORAGE_VERIFY_IDENTITY_SIGNATURE_ALGORITHMS_H_
#define ANCHORAGE_VERIFY_IDENTITY_SIGNATURE_ALGORITHMS_H_

#include "absl/status/statusor.h"
#include "verify/crypto/public_key.h"
#include "verify/identity/identity_evidence.h"
#include "verify/identity/pkcs7.h"

namespace anchorage::verify {

struct SignatureAlgorithms {
  HashAlgorithm hash;
  KeyType key_type;
};

// Returns the algorithms that every place in the message agrees on. Fails with
//   kDigestNotAllowed   the signer's digest is one that the form never uses:
//                       kRsa2048 uses SHA-256; kPkcs7 SHA-1 with a DSA key,
//                       and with the RSA keys of China SHA-1 or SHA-256 (no
//                       published document shows which AWS uses there);
//   kAlgorithmMismatch  the list of digests is not exactly the signer's, the
//                       signature's algorithm is unknown or goes with another
//                       digest, or CMSAlgorithmProtection names others.
absl::StatusOr<SignatureAlgorithms> AlgorithmsOf(const Pkcs7& message,
                                                 IdentityForm form);

// Returns the form whose algorithms these are: kRsa2048 for RSA with SHA-256,
// kPkcs7 for all else. AlgorithmsOf() judges them.
IdentityForm FormOf(const Pkcs7& message);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_SIGNATURE_ALGORITHMS_H_

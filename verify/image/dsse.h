// The envelope's signature (DSSE v1): over the pre-authentication encoding of
// the payload and its type, so that what is signed can be nothing else.
//
//   key->Sign(PreAuthenticationEncoding(payload));
//   VerifyEnvelope(signer, payload, signature);
//
// Pure.

#ifndef ANCHORAGE_VERIFY_IMAGE_DSSE_H_
#define ANCHORAGE_VERIFY_IMAGE_DSSE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "verify/crypto/public_key.h"
#include "verify/image/producer.h"

namespace anchorage::verify {

inline constexpr std::string_view kInTotoPayloadType =
    "application/vnd.in-toto+json";

// Returns what is signed for a payload of kInTotoPayloadType.
std::string PreAuthenticationEncoding(std::string_view payload);

// Verifies the DER signature of `signer`'s key. Fails with kSignatureMalformed,
// kSignatureMismatch or kImageCryptoUnavailable.
absl::Status VerifyEnvelope(const VerifiedSigner& signer,
                            std::string_view payload,
                            std::string_view signature);

// The same for any text of which `digest` is the hash.
absl::Status VerifySignature(const PublicKey& key, HashAlgorithm hash,
                             const Digest& digest, std::string_view signature);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_DSSE_H_

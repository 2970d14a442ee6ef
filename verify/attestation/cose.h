// Reads a COSE_Sign1 (RFC 9052 4.2) as the Nitro Secure Module makes it.
//
//   absl::StatusOr<CoseSign1> cose = DecodeCoseSign1(document);
//   if (!cose.ok()) return cose.status();
//   key.VerifyDigestFixed(HashAlgorithm::kSha384, SigStructureDigest(*cose),
//                         cose->signature);
//
// One algorithm exists here, ES384, and the protected header must be exactly
// the four bytes that say so: no header decides how a signature is verified,
// and the unprotected header, which nothing signs, must be empty.
//
// Pure, and never allocates: views live as long as the document.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_COSE_H_
#define ANCHORAGE_VERIFY_ATTESTATION_COSE_H_

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "verify/crypto/public_key.h"

namespace anchorage::verify {

// {1: -35}: the algorithm is ECDSA with SHA-384.
inline constexpr std::string_view kEs384ProtectedHeader = "\xa1\x01\x38\x22";

// r and s of 48 bytes each.
inline constexpr std::size_t kEs384SignatureBytes = 96;

// The parts that differ between documents: the protected header always is
// kEs384ProtectedHeader.
struct CoseSign1 {
  std::string_view payload;
  // The payload as it stands in the document, with the head of its byte
  // string: heads are minimal, so this is also how it is signed.
  std::string_view encoded_payload;
  // kEs384SignatureBytes long. Both s and n - s verify, so these bytes must
  // never identify a document.
  std::string_view signature;
};

// Reads a COSE_Sign1, untagged (as AWS emits it) or with tag 18. Fails with
// kCborMalformed, kCoseTag, kCoseMalformed, kCoseAlgorithm, kDuplicateKey (in
// the protected header), kUnprotectedNotEmpty, kSignatureMalformed or
// kTrailingBytes.
absl::StatusOr<CoseSign1> DecodeCoseSign1(std::string_view document);

// Returns the SHA-384 of the signed bytes: the Sig_structure of RFC 9052 4.4
// with the context "Signature1" and no external data.
Digest SigStructureDigest(const CoseSign1& cose);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_COSE_H_

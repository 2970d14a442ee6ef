// Producers of images, and the X.509 chain (RFC 5280) of who signed for one.
//
//   auto signer = VerifyProducerChain(chain_der, producers);
//   if (!signer.ok()) return signer.status();
//   signer->key.VerifyDigest(...)
//   if (auto s = CheckValidity(*signer, at); !s.ok()) return s;
//
// A producer is trusted by pinned certificates. The chain comes with the
// signature, leaf first, and is verified in that order: no path is searched
// for, so names that form a loop are of no use to anybody. Signatures and dates
// are two calls, because what is signed may say when. Pure.

#ifndef ANCHORAGE_VERIFY_IMAGE_PRODUCER_H_
#define ANCHORAGE_VERIFY_IMAGE_PRODUCER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "verify/crypto/public_key.h"
#include "verify/image/manifest.h"

namespace anchorage::verify {

// The longest chain, with the pinned certificate.
inline constexpr std::size_t kMaxProducerChain = 3;
inline constexpr std::size_t kMaxProducerCertificateBytes = 8 * 1024;

struct TrustedProducer {
  // How it is named in verdicts.
  std::string name = "";
  // Its pinned certificates in DER: of CAs, or of signers themselves. One that
  // is pinned here is trusted whoever issued it; its own dates count.
  std::vector<std::string> certificates_der = {};
};

// Who signed: only VerifyProducerChain() says so.
struct VerifiedSigner {
  PublicKey key;
  // SHA-384 for P-384, SHA-256 for P-256.
  HashAlgorithm hash;
  // The name of the trusted producer.
  std::string producer;
  // The common name of the leaf's subject, as the certificate has it; empty
  // where it has none.
  std::string signer;
  // SHA-256 of the pinned certificate and of the leaf, in DER.
  Sha256Bytes anchor_sha256;
  Sha256Bytes leaf_sha256;
  // When all certificates up to the pinned one are valid, both included. Empty
  // (from later than until) where there is no such time.
  absl::Time valid_from;
  absl::Time valid_until;
};

// Verifies `chain_der`, leaf first, up to a certificate that is pinned for one
// of `producers`, or that such a one issued; what stands in the chain above a
// pinned certificate is not looked at. Demands:
//  - three certificates at most, with the pinned one;
//  - keys on P-256 or P-384, each with the ECDSA signature that its issuer's
//    curve has (SHA-256, SHA-384);
//  - of the leaf: keyUsage digitalSignature without keyCertSign, extended key
//    usage codeSigning, and, unless it is pinned itself, that it is no CA;
//  - of every other: CA, keyCertSign, a path length that suffices, and
//    codeSigning where it limits its purposes.
// Fails with the reasons of image_error.h whose names begin with CHAIN_,
// CERTIFICATE_, ISSUER_ and SIGNER_, with kNoProducers, kProducerNotTrusted or
// kImageCryptoUnavailable.
absl::StatusOr<VerifiedSigner> VerifyProducerChain(
    absl::Span<const std::string> chain_der,
    absl::Span<const TrustedProducer> producers);

// Checks that all certificates were valid at `at`. Fails with
// kCertificateNotYetValid or kCertificateExpired.
absl::Status CheckValidity(const VerifiedSigner& signer, absl::Time at);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_PRODUCER_H_

// Reads an X.509 v3 certificate (RFC 5280) of a Nitro chain, as strict DER.
//
//   absl::StatusOr<Certificate> certificate = ParseCertificate(der);
//   issuer_key.VerifyDigest(HashAlgorithm::kSha384,
//                           Hash(HashAlgorithm::kSha384, certificate->tbs),
//                           certificate->signature);
//
// Only what AWS issues is read: a P-384 key, and ecdsa-with-SHA384 for its
// signature. Everything that is not DER is refused, even where it would mean
// the same: of two encodings of one certificate, AWS did not make one.
//
// Pure, and never allocates: views live as long as the bytes.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_CERTIFICATE_H_
#define ANCHORAGE_VERIFY_ATTESTATION_CERTIFICATE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::verify {

// The most extensions of one certificate; AWS's have five at most.
inline constexpr std::size_t kMaxExtensions = 16;
// The most attributes of one name; AWS's have six at most.
inline constexpr std::size_t kMaxNameAttributes = 16;

struct Certificate {
  // The whole certificate, and the part that the signature covers.
  std::string_view der;
  std::string_view tbs;
  // The DER-encoded ECDSA signature.
  std::string_view signature;
  // The contents of the serial number, a positive INTEGER.
  std::string_view serial;
  // Names in DER, with their headers: equal names have equal bytes.
  std::string_view issuer;
  std::string_view subject;
  // The subject's only common name; nullopt if it has none.
  std::optional<std::string_view> common_name;
  // Valid from the first to the last instant, both included.
  absl::Time not_before;
  absl::Time not_after;
  // The uncompressed P-384 point of the key, 97 bytes. Not yet known to lie
  // on the curve.
  std::string_view point;
  // From basicConstraints; a certificate without the extension is not a CA.
  bool is_ca = false;
  std::optional<std::uint32_t> path_length;
  // From keyUsage; an absent extension allows nothing, because AWS's
  // certificates all have one.
  bool may_sign = false;
  bool may_sign_certificates = false;
};

// Reads `der`, which must be exactly one certificate. Fails with
// kCertificateMalformed, kAlgorithmMismatch (the two places that name the
// signature's algorithm differ), kCertificateAlgorithm (not
// ecdsa-with-SHA384, or not a P-384 key) or kUnknownCriticalExtension.
absl::StatusOr<Certificate> ParseCertificate(std::string_view der);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_CERTIFICATE_H_

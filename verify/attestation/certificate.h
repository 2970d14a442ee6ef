// Reads an X.509 v3 certificate (RFC 5280) as strict DER: of a Nitro chain, or
// of a producer of images.
//
//   absl::StatusOr<Certificate> certificate = ParseCertificate(der);
//   issuer_key.VerifyDigest(HashAlgorithm::kSha384,
//                           Hash(HashAlgorithm::kSha384, certificate->tbs),
//                           certificate->signature);
//
// Of AWS, only what it issues is read: a P-384 key, and ecdsa-with-SHA384 for
// its signature. Everything that is not DER is refused, even where it would
// mean the same: of two encodings of one certificate, AWS did not make one.
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

// Whose certificate is read, which decides what may be in it.
enum class CertificateProfile {
  // P-384 and ecdsa-with-SHA384, names of PrintableString and UTF8String;
  // basicConstraints and keyUsage are processed.
  kNitro,
  // Also P-256; any algorithm of the signature, which `signature_algorithm`
  // tells; IA5String in names; extKeyUsage is processed too, and name
  // constraints are refused even where they are not critical.
  kProducer,
};

enum class SignatureAlgorithm { kEcdsaSha256, kEcdsaSha384, kOther };

struct Certificate {
  // The whole certificate, and the part that the signature covers.
  std::string_view der;
  std::string_view tbs;
  // The signature; in DER for ECDSA.
  std::string_view signature;
  SignatureAlgorithm signature_algorithm = SignatureAlgorithm::kEcdsaSha384;
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
  // The SubjectPublicKeyInfo, and the uncompressed point in it: 97 bytes of
  // P-384, 65 of P-256. Not yet known to lie on the curve.
  std::string_view spki;
  std::string_view point;
  // From basicConstraints; a certificate without the extension is not a CA.
  bool is_ca = false;
  std::optional<std::uint32_t> path_length;
  // From keyUsage; an absent extension allows nothing, because AWS's
  // certificates all have one.
  bool may_sign = false;
  bool may_sign_certificates = false;
  // From extKeyUsage, of a producer: whether it has the extension, and whether
  // codeSigning is in it.
  bool has_purposes = false;
  bool may_sign_code = false;
};

// Reads `der`, which must be exactly one certificate. Fails with
// kCertificateMalformed, kAlgorithmMismatch (the two places that name the
// signature's algorithm differ), kCertificateAlgorithm (not
// an algorithm or a key of the profile) or kUnknownCriticalExtension.
absl::StatusOr<Certificate> ParseCertificate(
    std::string_view der,
    CertificateProfile profile = CertificateProfile::kNitro);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_CERTIFICATE_H_

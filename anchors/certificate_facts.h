// Reads what an AWS certificate says about itself, and its key.
//
//   auto facts = ReadCertificateFacts(der);
//   if (!facts.ok()) return facts.status();
//   Compare(facts->spki_der, facts->not_after);
//
// AWS's certificates are pins: only the key counts. So no chain is built, no
// signature is checked and no date is compared, and certificates that a path
// validator would refuse are read: X.509 v1, keys of 1024 bits, self-signatures
// with SHA-1, dates after 2199, negative serial numbers. The encoding must
// still be strict DER.
//
// Pure, and cheap: one walk over the bytes, some microseconds. The key is not
// loaded; verify::PublicKey::FromSpki() does that, at 50 times the cost.

#ifndef ANCHORAGE_ANCHORS_CERTIFICATE_FACTS_H_
#define ANCHORAGE_ANCHORS_CERTIFICATE_FACTS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verify/crypto/public_key.h"

namespace anchorage::anchors {

// The longest certificate. A longer one is refused before any of it is read.
// AWS's largest has about 1,100 bytes.
inline constexpr std::size_t kMaxCertificateBytes = 8 * 1024;

// The algorithm and size of a key.
struct KeyFacts {
  verify::KeyType type = verify::KeyType::kRsa;
  // The size of the modulus or of the field, in bits.
  int bits = 0;

  friend bool operator==(const KeyFacts&, const KeyFacts&) = default;
};

struct CertificateFacts {
  // The SubjectPublicKeyInfo, exactly as it is in the certificate.
  std::string spki_der;
  KeyFacts key;
  absl::Time not_before;
  absl::Time not_after;
  // The serial number in lower-case hex of whole bytes, without leading zero
  // bytes; with "-" in front if it is negative.
  std::string serial;
};

// Reads an X.509 certificate of version 1, 2 or 3. Fails with kInputTooLarge,
// kTrailingBytes, kCertificateMalformed, or kFieldInvalid for a key that is
// not RSA, DSA, P-256, P-384 or Ed25519.
absl::StatusOr<CertificateFacts> ReadCertificateFacts(std::string_view der);

// Returns the SHA-256 of a certificate's TBSCertificate, lower-case hex, which
// stays the same when the signature is rewritten or made again. Fails as
// ReadCertificateFacts() does.
absl::StatusOr<std::string> TbsSha256(std::string_view der);

// Reads the algorithm and size of a SubjectPublicKeyInfo. Fails with
// kFieldInvalid.
absl::StatusOr<KeyFacts> ReadKeyFacts(std::string_view spki_der);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_CERTIFICATE_FACTS_H_

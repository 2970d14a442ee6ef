// Reads what an AWS certificate says about itself, and its key.
//
//   auto facts = ReadCertificateFacts(der);
//   if (!facts.ok()) return facts.status();
//   Compare(facts->spki_der, facts->not_after);
//
// AWS's certificates are pins: the key is what counts. So no chain is built,
// no signature is checked and no date is compared, and what a path validator
// refuses is read: X.509 v1, keys of 1024 bits, self-signatures with SHA-1,
// dates after 2199, negative serial numbers. The encoding must be strict DER
// all the same.
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

// A longer certificate is refused before any of it is read. AWS's largest has
// about 1,100 bytes.
inline constexpr std::size_t kMaxCertificateBytes = 8 * 1024;

// The algorithm and size of a key.
struct KeyFacts {
  verify::KeyType type = verify::KeyType::kRsa;
  // Of the modulus, or of the field.
  int bits = 0;

  friend bool operator==(const KeyFacts&, const KeyFacts&) = default;
};

struct CertificateFacts {
  // SubjectPublicKeyInfo, exactly as it stands in the certificate.
  std::string spki_der;
  KeyFacts key;
  absl::Time not_before;
  absl::Time not_after;
  // Lower-case hex of whole bytes, no zero byte in front; "-" before a
  // negative one.
  std::string serial;
  // As RFC 4514 writes it, such as "CN=ec2.amazonaws.com,O=Amazon.com Inc.".
  std::string subject;
};

// Reads an X.509 certificate of version 1, 2 or 3. Fails with kInputTooLarge,
// kTrailingBytes, kCertificateMalformed, or kFieldInvalid for a key that is
// not RSA, DSA, P-256, P-384 or Ed25519.
absl::StatusOr<CertificateFacts> ReadCertificateFacts(std::string_view der);

// Returns the SHA-256 of a certificate's TBSCertificate, lower-case hex: what
// stays the same when its signature is written or made another time. Fails as
// ReadCertificateFacts() does.
absl::StatusOr<std::string> TbsSha256(std::string_view der);

// Reads the algorithm and size of a SubjectPublicKeyInfo. Fails with
// kFieldInvalid.
absl::StatusOr<KeyFacts> ReadKeyFacts(std::string_view spki_der);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_CERTIFICATE_FACTS_H_

// Public keys and digests: the one place where verify/ meets a cryptography
// library. Nothing above this header names OpenSSL, so the tree also builds
// with libraries of the same interface that are faster at P-384.
//
// The library's error queue is empty after every call. Keys are immutable and
// may be used by any number of threads at once.

#ifndef ANCHORAGE_VERIFY_CRYPTO_PUBLIC_KEY_H_
#define ANCHORAGE_VERIFY_CRYPTO_PUBLIC_KEY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace anchorage::verify {

enum class HashAlgorithm { kSha1, kSha256, kSha384 };

// The bytes of a digest; `size` is 20, 32 or 48, and 0 where there is none.
struct Digest {
  std::array<std::uint8_t, 48> bytes{};
  std::size_t size = 0;

  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), size};
  }
};

// Hashes `data`. The digest is empty, of size 0, where no loaded provider of
// the library offers the algorithm (SHA-1 under some policies): an empty digest
// equals nothing, and verifying it fails with HashUnavailable().
Digest Hash(HashAlgorithm algorithm, std::string_view data);
// Hashes the concatenation of `parts` without building it.
Digest HashParts(HashAlgorithm algorithm,
                 absl::Span<const std::string_view> parts);

// Returns the refusal for an empty digest: kCryptoProviderMissing, or
// kCryptoUnavailable where the algorithm is offered but failed.
absl::Status HashUnavailable(HashAlgorithm algorithm);

// Returns the lower-case hex SHA-256 of `data`, which is how certificates and
// keys are named.
std::string Sha256Hex(std::string_view data);

// Compares two byte strings in time that depends on their lengths only.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

enum class KeyType { kRsa, kDsa, kEcP256, kEcP384, kEd25519 };

// Returns OK if a loaded provider of the library can verify with keys of that
// type; otherwise kCryptoProviderMissing, whose message names the algorithm.
absl::Status CheckOffered(KeyType type);

// The longest SubjectPublicKeyInfo that is read, in bytes (RSA-8192 has 1,062).
inline constexpr std::size_t kMaxSpkiBytes = 2048;

class PublicKey {
 public:
  // Reads a SubjectPublicKeyInfo in DER. Fails with kFieldInvalid for bytes
  // that are not exactly one, for a key of another type or of a size outside
  // RSA 1024 to 8192, DSA 1024 to 3072, for an RSA exponent that is even or 1,
  // and for an elliptic key whose curve is not named or whose point is not
  // uncompressed: one key has one SubjectPublicKeyInfo, and one hash. Where no
  // loaded provider offers the type, fails with kCryptoProviderMissing, here or
  // at the first verification.
  static absl::StatusOr<PublicKey> FromSpki(std::string_view spki_der);

  // Reads an uncompressed P-384 point (04, x, y: 97 bytes) for use at once.
  // Fails with kFieldInvalid for anything else and for a point that is not on
  // the curve.
  static absl::StatusOr<PublicKey> FromP384Point(std::string_view point);

  // Reads a raw Ed25519 key of 32 bytes.
  static absl::StatusOr<PublicKey> FromEd25519(std::string_view raw);

  KeyType type() const { return type_; }
  // The size of the modulus or field, in bits.
  int bits() const { return bits_; }

  // Verifies a signature over `digest`, which `algorithm` made. The encoding is
  // the type's usual one: PKCS #1 v1.5 for RSA, DER for DSA and ECDSA.
  // kAlgorithmMismatch: keys of this type do not sign that way.
  // kSignatureMalformed: a wrong length, or not strict DER, or r or s out of
  // range. kSignatureMismatch: well-formed, but not made by this key over this
  // digest. kCryptoProviderMissing: no loaded provider of the library offers
  // the type of key or the hash. kCryptoUnavailable: the library failed
  // otherwise.
  absl::Status VerifyDigest(HashAlgorithm algorithm, const Digest& digest,
                            std::string_view signature) const;

  // Verifies an ECDSA signature as COSE carries it: r and s, each as long as
  // the field, without any encoding. Reasons as in VerifyDigest().
  absl::Status VerifyDigestFixed(HashAlgorithm algorithm, const Digest& digest,
                                 std::string_view signature) const;

  // Verifies RSASSA-PSS with SHA-256 and MGF1-SHA-256, any salt length, as TUF
  // uses it. Reasons as in VerifyDigest().
  absl::Status VerifyPss(const Digest& sha256,
                         std::string_view signature) const;

  // Verifies a pure Ed25519 signature of 64 bytes over `message`. Reasons as
  // in VerifyDigest().
  absl::Status VerifyMessage(std::string_view message,
                             std::string_view signature) const;

 private:
  struct State;
  static absl::StatusOr<PublicKey> FromP256(std::string_view spki_der);
  static absl::StatusOr<PublicKey> FromP384(std::string_view spki_der);
  PublicKey(KeyType type, int bits, std::shared_ptr<const State> state)
      : type_(type), bits_(bits), state_(std::move(state)) {}

  KeyType type_;
  int bits_;
  std::shared_ptr<const State> state_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_CRYPTO_PUBLIC_KEY_H_

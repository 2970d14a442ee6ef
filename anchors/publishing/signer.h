// Private keys that sign TUF metadata.
//
//   auto key = SoftwareKey::FromPem(pem, passphrase);
//   auto signature = (*key)->Sign(message);
//   Publish((*key)->public_key());
//
// SigningKey is the seam to hardware: a signer needs only a public key and
// Sign(). SoftwareKey holds the private key in memory, which is wiped when the
// key is destroyed. Immutable, any number of threads; OpenSSL's error queue is
// empty after every call.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_SIGNER_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_SIGNER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/publishing/key_use.h"
#include "anchors/tuf/tuf_key.h"

namespace anchorage::anchors::tuf {

// The longest PEM text that is read as a private key.
inline constexpr std::size_t kMaxPrivateKeyPemBytes = 64 * 1024;

inline constexpr std::size_t kEd25519SeedBytes = 32;

// Text that is overwritten when it is destroyed.
class Secret {
 public:
  explicit Secret(std::string_view text) : bytes_(text.begin(), text.end()) {}
  ~Secret();
  Secret(Secret&&) = default;
  Secret& operator=(Secret&&) = delete;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

class SigningKey {
 public:
  virtual ~SigningKey() = default;

  // The key under which the signatures verify; supported() is true but for a
  // key on P-384.
  virtual const TufKey& public_key() const = 0;

  // Signs `message`: Ed25519 pure, ECDSA in DER over SHA-256 or, on P-384,
  // SHA-384, RSA-PSS with SHA-256 and a salt of 32 bytes. kSigningFailed.
  virtual absl::StatusOr<std::string> Sign(std::string_view message) const = 0;

  // Returns public_key() in PEM (SubjectPublicKeyInfo), which people pass to
  // those who name it in a root. kSigningFailed.
  virtual absl::StatusOr<std::string> PublicPem() const = 0;
};

class SoftwareKey final : public SigningKey {
 public:
  // Reads the first private key in `pem`: PKCS #8, encrypted or not, or the
  // older forms. Never asks at a terminal. kSigningKeyUnreadable: not a key,
  // or encrypted and `passphrase` is absent or wrong. kSigningKeyUnsupported:
  // not Ed25519, ECDSA P-256 or RSA of at least 2048 bits, nor what `use`
  // allows beside.
  static absl::StatusOr<std::unique_ptr<SoftwareKey>> FromPem(
      std::string_view pem,
      std::optional<std::string_view> passphrase = std::nullopt,
      KeyUse use = KeyUse::kMetadata);

  static absl::StatusOr<std::unique_ptr<SoftwareKey>> GenerateEd25519();
  static absl::StatusOr<std::unique_ptr<SoftwareKey>> GenerateP256();

  // Returns the same key for the same seed of kEd25519SeedBytes: for tests and
  // simulations that must be repeatable.
  static absl::StatusOr<std::unique_ptr<SoftwareKey>> Ed25519FromSeed(
      std::string_view seed);

  ~SoftwareKey() override;

  const TufKey& public_key() const override { return public_key_; }
  absl::StatusOr<std::string> Sign(std::string_view message) const override;
  absl::StatusOr<std::string> PublicPem() const override;

  // Returns PKCS #8 in PEM; with a passphrase, encrypted by AES-256-CBC under a
  // key that scrypt derives from it. An empty passphrase is refused.
  absl::StatusOr<Secret> ToPem(
      std::optional<std::string_view> passphrase = std::nullopt) const;

 private:
  struct State;
  SoftwareKey(std::unique_ptr<State> state, TufKey public_key);
  static absl::StatusOr<std::unique_ptr<SoftwareKey>> FromState(
      std::unique_ptr<State> state, KeyUse use = KeyUse::kMetadata);

  std::unique_ptr<State> state_;
  TufKey public_key_;
};

// Reads a public key in PEM (SubjectPublicKeyInfo), as `openssl pkey -pubout`
// writes it. kSigningKeyUnreadable, kSigningKeyUnsupported.
absl::StatusOr<TufKey> ReadPublicKeyPem(std::string_view pem);

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_SIGNER_H_

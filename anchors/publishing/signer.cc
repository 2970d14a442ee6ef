#include "anchors/publishing/signer.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "anchors/publishing/evp_signature.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors::tuf {
namespace {

// scrypt's cost: as hard as OWASP advises, in memory (16 MiB) that OpenSSL
// allows by default when it reads the key again.
constexpr std::uint64_t kScryptN = 1 << 14;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 5;
constexpr std::size_t kScryptSaltBytes = 16;

using Pkcs8Ptr =
    std::unique_ptr<PKCS8_PRIV_KEY_INFO, Deleter<PKCS8_PRIV_KEY_INFO_free>>;
using AlgorithmPtr = std::unique_ptr<X509_ALGOR, Deleter<X509_ALGOR_free>>;
using SigPtr = std::unique_ptr<X509_SIG, Deleter<X509_SIG_free>>;

// Gives OpenSSL the passphrase, or none, but never its prompt.
int GivePassphrase(char* buffer, int size, int /*writing*/, void* arg) {
  const auto* passphrase =
      static_cast<const std::optional<std::string_view>*>(arg);
  if (!passphrase->has_value() || size < 0 ||
      (*passphrase)->size() > static_cast<std::size_t>(size)) {
    return -1;
  }
  std::copy((*passphrase)->begin(), (*passphrase)->end(), buffer);
  return static_cast<int>((*passphrase)->size());
}

// PKCS8_encrypt() would use PBKDF2 with 2,048 rounds.
SigPtr Encrypt(PKCS8_PRIV_KEY_INFO* info, std::string_view passphrase) {
  AlgorithmPtr algorithm(PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr,
                                               kScryptSaltBytes, nullptr,
                                               kScryptN, kScryptR, kScryptP));
  if (algorithm == nullptr) return nullptr;
  SigPtr encrypted(PKCS8_set0_pbe(passphrase.data(),
                                  static_cast<int>(passphrase.size()), info,
                                  algorithm.get()));
  if (encrypted != nullptr) (void)algorithm.release();  // now owned
  return encrypted;
}

bool WritePem(BIO* bio, EVP_PKEY* key,
              std::optional<std::string_view> passphrase) {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(key));
  if (info == nullptr) return false;
  if (!passphrase.has_value()) {
    return PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info.get()) == 1;
  }
  const SigPtr encrypted = Encrypt(info.get(), *passphrase);
  return encrypted != nullptr && PEM_write_bio_PKCS8(bio, encrypted.get()) == 1;
}

}  // namespace

struct SoftwareKey::State {
  PkeyPtr key;
};

Secret::~Secret() {
  if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

SoftwareKey::SoftwareKey(std::unique_ptr<State> state, TufKey public_key)
    : state_(std::move(state)), public_key_(std::move(public_key)) {}

// EVP_PKEY_free() wipes the private part.
SoftwareKey::~SoftwareKey() = default;

absl::StatusOr<std::unique_ptr<SoftwareKey>> SoftwareKey::FromState(
    std::unique_ptr<State> state, KeyUse use) {
  if (state->key == nullptr) return SigningFailed("no key was made");
  auto public_key = PublicKeyOf(state->key.get(), use);
  if (!public_key.ok()) return public_key.status();
  return std::unique_ptr<SoftwareKey>(
      new SoftwareKey(std::move(state), *std::move(public_key)));
}

absl::StatusOr<std::unique_ptr<SoftwareKey>> SoftwareKey::FromPem(
    std::string_view pem, std::optional<std::string_view> passphrase,
    KeyUse use) {
  const ErrorQueueGuard guard;
  if (pem.size() > kMaxPrivateKeyPemBytes) {
    return RejectUpdate(TufReason::kSigningKeyUnreadable, "too long");
  }
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  auto state = std::make_unique<State>();
  if (bio != nullptr) {
    state->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, GivePassphrase,
                                             &passphrase));
  }
  if (state->key == nullptr) {
    return RejectUpdate(TufReason::kSigningKeyUnreadable,
                        passphrase.has_value()
                            ? "no private key in PEM, or another passphrase"
                            : "no private key in PEM, or a passphrase needed");
  }
  return FromState(std::move(state), use);
}

absl::StatusOr<std::unique_ptr<SoftwareKey>> SoftwareKey::GenerateEd25519() {
  const ErrorQueueGuard guard;
  auto state = std::make_unique<State>();
  state->key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  return FromState(std::move(state));
}

absl::StatusOr<std::unique_ptr<SoftwareKey>> SoftwareKey::GenerateP256() {
  const ErrorQueueGuard guard;
  auto state = std::make_unique<State>();
  state->key.reset(EVP_EC_gen("P-256"));
  return FromState(std::move(state));
}

absl::StatusOr<std::unique_ptr<SoftwareKey>> SoftwareKey::Ed25519FromSeed(
    std::string_view seed) {
  const ErrorQueueGuard guard;
  if (seed.size() != kEd25519SeedBytes) {
    return RejectUpdate(TufReason::kSigningKeyUnreadable,
                        "a seed has 32 bytes");
  }
  auto state = std::make_unique<State>();
  state->key.reset(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr,
                                                Bytes(seed), seed.size()));
  return FromState(std::move(state));
}

absl::StatusOr<std::string> SoftwareKey::Sign(std::string_view message) const {
  return SignWith(state_->key.get(), message);
}

absl::StatusOr<std::string> SoftwareKey::PublicPem() const {
  return PublicPemOf(state_->key.get());
}

absl::StatusOr<Secret> SoftwareKey::ToPem(
    std::optional<std::string_view> passphrase) const {
  const ErrorQueueGuard guard;
  if (passphrase.has_value() && passphrase->empty()) {
    return RejectUpdate(TufReason::kSigningFailed, "an empty passphrase");
  }
  // BIO_s_secmem() is wiped when it is freed.
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr || !WritePem(bio.get(), state_->key.get(), passphrase)) {
    return SigningFailed("cannot write the key");
  }
  return Secret(MemoryOf(bio.get()));
}

absl::StatusOr<TufKey> ReadPublicKeyPem(std::string_view pem) {
  const ErrorQueueGuard guard;
  if (pem.size() > kMaxPrivateKeyPemBytes) {
    return RejectUpdate(TufReason::kSigningKeyUnreadable, "too long");
  }
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyPtr key;
  if (bio != nullptr) {
    key.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  }
  if (key == nullptr) {
    return RejectUpdate(TufReason::kSigningKeyUnreadable,
                        "no public key in PEM");
  }
  return PublicKeyOf(key.get(), KeyUse::kMetadata);
}

}  // namespace anchorage::anchors::tuf

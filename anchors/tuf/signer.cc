#include "anchors/tuf/signer.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors::tuf {
namespace {

// scrypt's cost: as hard as OWASP advises, in memory (16 MiB) that OpenSSL
// allows by default when it reads the key again.
constexpr std::uint64_t kScryptN = 1 << 14;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 5;
constexpr std::size_t kScryptSaltBytes = 16;

constexpr int kMinRsaBits = 2048;

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Pkcs8Ptr =
    std::unique_ptr<PKCS8_PRIV_KEY_INFO, Deleter<PKCS8_PRIV_KEY_INFO_free>>;
using AlgorithmPtr = std::unique_ptr<X509_ALGOR, Deleter<X509_ALGOR_free>>;
using SigPtr = std::unique_ptr<X509_SIG, Deleter<X509_SIG_free>>;

// Leaves no error of ours to whoever looks into the queue next.
struct ErrorQueueGuard {
  ErrorQueueGuard() { ERR_clear_error(); }
  ~ErrorQueueGuard() { ERR_clear_error(); }
};

absl::Status Failed(std::string_view what) {
  return RejectUpdate(TufReason::kSigningFailed, what);
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

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

std::string_view MemoryOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  if (data == nullptr || size <= 0) return {};
  return {data, static_cast<std::size_t>(size)};
}

absl::StatusOr<TufKey> PublicEd25519(EVP_PKEY* key) {
  std::array<unsigned char, kEd25519SeedBytes> raw{};
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 ||
      size != raw.size()) {
    return Failed("no public key");
  }
  return TufKey::Make(
      "ed25519", "ed25519",
      absl::BytesToHexString(absl::string_view(
          reinterpret_cast<const char*>(raw.data()), raw.size())));
}

absl::StatusOr<TufKey> PublicPem(EVP_PKEY* key, std::string_view keytype,
                                 std::string_view scheme) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1) {
    return Failed("no public key");
  }
  return TufKey::Make(keytype, scheme, MemoryOf(bio.get()));
}

bool IsP256(EVP_PKEY* key) {
  std::array<char, 64> group{};
  return EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) ==
             1 &&
         std::strcmp(group.data(), "prime256v1") == 0;
}

absl::StatusOr<TufKey> PublicOf(EVP_PKEY* key) {
  const auto unsupported = [](std::string_view detail) {
    return RejectUpdate(TufReason::kSigningKeyUnsupported, detail);
  };
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
      return PublicEd25519(key);
    case EVP_PKEY_EC:
      if (!IsP256(key)) return unsupported("an elliptic curve but P-256");
      return PublicPem(key, "ecdsa", "ecdsa-sha2-nistp256");
    case EVP_PKEY_RSA:
      if (EVP_PKEY_get_bits(key) < kMinRsaBits) {
        return unsupported("RSA of less than 2048 bits");
      }
      return PublicPem(key, "rsa", "rsassa-pss-sha256");
    default:
      return unsupported("a key type that TUF clients do not know");
  }
}

bool UsePss(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) ==
             1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
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
  if (encrypted != nullptr) (void)algorithm.release();  // it is inside now
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
    std::unique_ptr<State> state) {
  if (state->key == nullptr) return Failed("no key was made");
  auto public_key = PublicOf(state->key.get());
  if (!public_key.ok()) return public_key.status();
  if (!public_key->supported()) {
    return RejectUpdate(TufReason::kSigningKeyUnsupported,
                        "a key that verifies nothing");
  }
  return std::unique_ptr<SoftwareKey>(
      new SoftwareKey(std::move(state), *std::move(public_key)));
}

absl::StatusOr<std::unique_ptr<SoftwareKey>> SoftwareKey::FromPem(
    std::string_view pem, std::optional<std::string_view> passphrase) {
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
  return FromState(std::move(state));
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
  const ErrorQueueGuard guard;
  EVP_PKEY* key = state_->key.get();
  const int type = EVP_PKEY_get_base_id(key);
  const EVP_MD* digest = type == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // owned by `context`
  if (context == nullptr || EVP_DigestSignInit(context.get(), &parameters,
                                               digest, nullptr, key) != 1) {
    return Failed("cannot start a signature");
  }
  if (type == EVP_PKEY_RSA && !UsePss(parameters)) {
    return Failed("cannot use PSS");
  }
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, Bytes(message),
                     message.size()) != 1) {
    return Failed("cannot size a signature");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(),
                     reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(message), message.size()) != 1) {
    return Failed("cannot sign");
  }
  signature.resize(size);
  return signature;
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
    return Failed("cannot write the key");
  }
  return Secret(MemoryOf(bio.get()));
}

}  // namespace anchorage::anchors::tuf

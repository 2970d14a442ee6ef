#include "anchors/publishing/evp_signature.h"

#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <cstring>

#include "absl/strings/escaping.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors::tuf {
namespace {

constexpr std::size_t kEd25519PublicBytes = 32;
constexpr int kMinRsaBits = 2048;

absl::StatusOr<TufKey> PublicEd25519(EVP_PKEY* key) {
  std::array<unsigned char, kEd25519PublicBytes> raw{};
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 ||
      size != raw.size()) {
    return SigningFailed("no public key");
  }
  return TufKey::Make(
      "ed25519", "ed25519",
      absl::BytesToHexString(absl::string_view(
          reinterpret_cast<const char*>(raw.data()), raw.size())));
}

absl::StatusOr<TufKey> MakeOfPem(EVP_PKEY* key, std::string_view keytype,
                                 std::string_view scheme) {
  const auto pem = PublicPemOf(key);
  if (!pem.ok()) return pem.status();
  return TufKey::Make(keytype, scheme, *pem);
}

bool IsOn(EVP_PKEY* key, const char* curve) {
  std::array<char, 64> group{};
  return EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) ==
             1 &&
         std::strcmp(group.data(), curve) == 0;
}

absl::StatusOr<TufKey> FindPublicKey(EVP_PKEY* key, KeyUse use) {
  const auto unsupported = [](std::string_view detail) {
    return RejectUpdate(TufReason::kSigningKeyUnsupported, detail);
  };
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
      return PublicEd25519(key);
    case EVP_PKEY_EC:
      if (use == KeyUse::kImages && IsOn(key, SN_secp384r1)) {
        return MakeOfPem(key, "ecdsa", "ecdsa-sha2-nistp384");
      }
      if (!IsOn(key, SN_X9_62_prime256v1)) {
        return unsupported("an elliptic curve but P-256");
      }
      return MakeOfPem(key, "ecdsa", "ecdsa-sha2-nistp256");
    case EVP_PKEY_RSA:
      if (EVP_PKEY_get_bits(key) < kMinRsaBits) {
        return unsupported("RSA of less than 2048 bits");
      }
      return MakeOfPem(key, "rsa", "rsassa-pss-sha256");
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

}  // namespace

absl::Status SigningFailed(std::string_view what) {
  return RejectUpdate(TufReason::kSigningFailed, what);
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string_view MemoryOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  if (data == nullptr || size <= 0) return {};
  return {data, static_cast<std::size_t>(size)};
}

absl::StatusOr<TufKey> PublicKeyOf(EVP_PKEY* key, KeyUse use) {
  const ErrorQueueGuard guard;
  auto public_key = FindPublicKey(key, use);
  if (public_key.ok() && use == KeyUse::kMetadata && !public_key->supported()) {
    return RejectUpdate(TufReason::kSigningKeyUnsupported,
                        "a key that verifies nothing");
  }
  return public_key;
}

absl::StatusOr<std::string> PublicPemOf(EVP_PKEY* key) {
  const ErrorQueueGuard guard;
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_PUBKEY(bio.get(), key) != 1) {
    return SigningFailed("no public key");
  }
  return std::string(MemoryOf(bio.get()));
}

absl::StatusOr<std::string> SignWith(EVP_PKEY* key, std::string_view message) {
  const ErrorQueueGuard guard;
  const int type = EVP_PKEY_get_base_id(key);
  const EVP_MD* digest = EVP_sha256();
  if (type == EVP_PKEY_ED25519) digest = nullptr;
  if (type == EVP_PKEY_EC && IsOn(key, SN_secp384r1)) digest = EVP_sha384();
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // owned by `context`
  if (context == nullptr || EVP_DigestSignInit(context.get(), &parameters,
                                               digest, nullptr, key) != 1) {
    return SigningFailed("cannot start a signature");
  }
  if (type == EVP_PKEY_RSA && !UsePss(parameters)) {
    return SigningFailed("cannot use PSS");
  }
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, Bytes(message),
                     message.size()) != 1) {
    return SigningFailed("cannot size a signature");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(),
                     reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(message), message.size()) != 1) {
    return SigningFailed("cannot sign");
  }
  signature.resize(size);
  return signature;
}

}  // namespace anchorage::anchors::tuf

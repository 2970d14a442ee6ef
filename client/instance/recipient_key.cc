#include "client/instance/recipient_key.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "absl/cleanup/cleanup.h"
#include "client/instance/instance_error.h"

namespace anchorage::client {
namespace {

constexpr unsigned int kBits = 2048;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(PKCS8_PRIV_KEY_INFO* key) const {
    PKCS8_PRIV_KEY_INFO_free(key);
  }
};

}  // namespace

void RecipientKey::Overwrite::operator()(unsigned char* bytes) const {
  OPENSSL_clear_free(bytes, size);
}

absl::StatusOr<RecipientKey> RecipientKey::Generate() {
  // What OpenSSL says of a failure here is not the host's to read.
  ERR_set_mark();
  const absl::Cleanup forget = [] { ERR_pop_to_mark(); };
  const absl::Status failed =
      NotFromInstance(InstanceReason::kInstanceUnavailable,
                      "OpenSSL cannot make an RSA key of 2048 bits here");

  const std::unique_ptr<EVP_PKEY, Free> key(EVP_RSA_gen(kBits));
  if (key == nullptr) return failed;
  unsigned char* bytes = nullptr;
  int size = i2d_PUBKEY(key.get(), &bytes);
  if (size <= 0) return failed;
  RecipientKey made;
  made.public_key_.assign(reinterpret_cast<const char*>(bytes),
                          static_cast<std::size_t>(size));
  OPENSSL_free(bytes);

  // Freeing these overwrites them.
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Free> private_key(
      EVP_PKEY2PKCS8(key.get()));
  if (private_key == nullptr) return failed;
  bytes = nullptr;
  size = i2d_PKCS8_PRIV_KEY_INFO(private_key.get(), &bytes);
  if (size <= 0) return failed;
  made.private_key_ = {bytes, Overwrite{static_cast<std::size_t>(size)}};
  return made;
}

}  // namespace anchorage::client

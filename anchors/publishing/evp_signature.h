// What the private keys of signer.h and pkcs11_key.h share: OpenSSL's part of
// a signature. Not for use outside this folder's signing library.

#ifndef ANCHORAGE_ANCHORS_PUBLISHING_EVP_SIGNATURE_H_
#define ANCHORAGE_ANCHORS_PUBLISHING_EVP_SIGNATURE_H_

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/publishing/key_use.h"
#include "anchors/tuf/tuf_key.h"

namespace anchorage::anchors::tuf {

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

// Empties the error queue at its start and end, so that no error of ours is
// left to whoever reads the queue next.
struct ErrorQueueGuard {
  ErrorQueueGuard() { ERR_clear_error(); }
  ~ErrorQueueGuard() { ERR_clear_error(); }
};

absl::Status SigningFailed(std::string_view what);
const unsigned char* Bytes(std::string_view text);
// Returns what a memory BIO holds; valid until the BIO is changed or freed.
std::string_view MemoryOf(BIO* bio);

// The public half of `key`. kSigningKeyUnsupported.
absl::StatusOr<TufKey> PublicKeyOf(EVP_PKEY* key, KeyUse use);

absl::StatusOr<std::string> PublicPemOf(EVP_PKEY* key);

// Signs `message` as SigningKey::Sign() says.
absl::StatusOr<std::string> SignWith(EVP_PKEY* key, std::string_view message);

}  // namespace anchorage::anchors::tuf

#endif  // ANCHORAGE_ANCHORS_PUBLISHING_EVP_SIGNATURE_H_

// A key for one use: what AWS KMS encrypts for an attested recipient, only the
// holder of this key can read.
//
// RSA with 2048 bits. KMS's RecipientInfo knows one algorithm,
// RSAES_OAEP_SHA_256 (AWS KMS API Reference, RecipientInfo), so only RSA is
// supported (Amazon EC2 User Guide, "Get the NitroTPM Attestation Document"), and
// the public key is a SubjectPublicKeyInfo in DER, as AWS's own examples make it
// with `openssl genrsa` and `openssl rsa -pubout -outform DER`.

#ifndef ANCHORAGE_CLIENT_INSTANCE_RECIPIENT_KEY_H_
#define ANCHORAGE_CLIENT_INSTANCE_RECIPIENT_KEY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::client {

class RecipientKey {
 public:
  // Makes a key with OpenSSL, which takes some 50 ms and at times ten times as
  // long. INSTANCE_UNAVAILABLE where it cannot.
  static absl::StatusOr<RecipientKey> Generate();

  // SubjectPublicKeyInfo, DER.
  const std::string& public_key() const { return public_key_; }

  // PKCS #8, DER, unencrypted. Lives as long as this object, and is overwritten
  // with it: whoever copies it has a copy to overwrite.
  std::string_view private_key() const {
    return {reinterpret_cast<const char*>(private_key_.get()),
            private_key_.get_deleter().size};
  }

 private:
  struct Overwrite {
    void operator()(unsigned char* bytes) const;
    std::size_t size;
  };

  RecipientKey() = default;

  std::string public_key_;
  std::unique_ptr<unsigned char, Overwrite> private_key_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_RECIPIENT_KEY_H_

// OpenSSL's own ways to verify, for comparison.

#ifndef ANCHORAGE_TEST_BENCH_OPENSSL_PEERS_H_
#define ANCHORAGE_TEST_BENCH_OPENSSL_PEERS_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "verify/crypto/public_key.h"

namespace anchorage::bench {

// EVP_PKEY_verify() with everything made ready before: the least that a
// signature can cost.
class ReadyVerification {
 public:
  // With the key of a certificate (DER); `signature` in the key's usual
  // encoding.
  ReadyVerification(std::string_view certificate_der,
                    verify::HashAlgorithm algorithm,
                    const verify::Digest& digest, std::string_view signature);

  // Verifies once; whether the signature is good.
  bool Run() const;

 private:
  std::shared_ptr<EVP_PKEY_CTX> context_;
  verify::Digest digest_;
  std::string signature_;
};

// CMS_verify() or PKCS7_verify() from the message's bytes to the verdict, with
// certificates that were read before. The certificates' own chain is not
// looked at, as with our anchors.
class MessageVerification {
 public:
  enum class Function { kCms, kPkcs7 };
  MessageVerification(Function function, std::string_view message,
                      absl::Span<const std::string> certificates_der);

  bool Run() const;

 private:
  bool RunCms() const;
  bool RunPkcs7() const;

  Function function_;
  std::string message_;
  std::shared_ptr<STACK_OF(X509)> certificates_;
};

// Returns r and s, as COSE has them, as ECDSA signatures are encoded in DER.
std::string DerOfFixed(std::string_view signature);

}  // namespace anchorage::bench

#endif  // ANCHORAGE_TEST_BENCH_OPENSSL_PEERS_H_

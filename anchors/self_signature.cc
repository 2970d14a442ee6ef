#include "anchors/self_signature.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <memory>

namespace anchorage::anchors {
namespace {

struct Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

bool IsSelfSigned(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<X509, Free> certificate(
      d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  bool is_signed = false;
  if (certificate != nullptr) {
    EVP_PKEY* key = X509_get0_pubkey(certificate.get());
    is_signed = key != nullptr && X509_verify(certificate.get(), key) == 1;
  }
  ERR_clear_error();
  return is_signed;
}

}  // namespace anchorage::anchors

#include "anchors/self_signature.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <memory>

namespace anchorage::anchors {
namespace {

struct Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

std::unique_ptr<X509, Free> Read(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  return std::unique_ptr<X509, Free>(
      d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
}

}  // namespace

bool IsSelfSigned(std::string_view der) {
  const auto certificate = Read(der);
  bool is_signed = false;
  if (certificate != nullptr) {
    EVP_PKEY* key = X509_get0_pubkey(certificate.get());
    is_signed = key != nullptr && X509_verify(certificate.get(), key) == 1;
  }
  ERR_clear_error();
  return is_signed;
}

bool IsSignedBy(std::string_view der, std::string_view spki_der) {
  const auto certificate = Read(der);
  const auto* bytes = reinterpret_cast<const unsigned char*>(spki_der.data());
  const std::unique_ptr<EVP_PKEY, Free> key(
      d2i_PUBKEY(nullptr, &bytes, static_cast<long>(spki_der.size())));
  const bool is_signed = certificate != nullptr && key != nullptr &&
                         X509_verify(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return is_signed;
}

}  // namespace anchorage::anchors

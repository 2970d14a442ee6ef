#include "test/bench/openssl_peers.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>

#include "test/bench/report.h"

namespace anchorage::bench {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(CMS_ContentInfo* message) const {
    CMS_ContentInfo_free(message);
  }
  void operator()(PKCS7* message) const { PKCS7_free(message); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* Bytes(std::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data());
}

template <typename T>
Owned<T> Parse(T* (*d2i)(T**, const unsigned char**, long),
               std::string_view der) {
  const unsigned char* at = Bytes(der);
  Owned<T> parsed(d2i(nullptr, &at, static_cast<long>(der.size())));
  return parsed;
}

Owned<X509> ParseCertificate(std::string_view der) {
  Owned<X509> certificate = Parse(&d2i_X509, der);
  if (certificate == nullptr) Fail("a certificate that OpenSSL cannot read");
  return certificate;
}

const EVP_MD* Md(verify::HashAlgorithm algorithm) {
  switch (algorithm) {
    case verify::HashAlgorithm::kSha1:
      return EVP_sha1();
    case verify::HashAlgorithm::kSha256:
      return EVP_sha256();
    case verify::HashAlgorithm::kSha384:
      return EVP_sha384();
  }
  return nullptr;
}

}  // namespace

ReadyVerification::ReadyVerification(std::string_view certificate_der,
                                     verify::HashAlgorithm algorithm,
                                     const verify::Digest& digest,
                                     std::string_view signature)
    : digest_(digest), signature_(signature) {
  const Owned<X509> certificate = ParseCertificate(certificate_der);
  const Owned<EVP_PKEY> key(X509_get_pubkey(certificate.get()));
  if (key == nullptr) Fail("a key that OpenSSL cannot read");
  context_.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr),
                 EVP_PKEY_CTX_free);
  if (context_ == nullptr || EVP_PKEY_verify_init(context_.get()) != 1 ||
      EVP_PKEY_CTX_set_signature_md(context_.get(), Md(algorithm)) != 1) {
    Fail("OpenSSL's verification cannot be made ready");
  }
}

bool ReadyVerification::Run() const {
  return EVP_PKEY_verify(context_.get(), Bytes(signature_), signature_.size(),
                         digest_.bytes.data(), digest_.size) == 1;
}

MessageVerification::MessageVerification(
    Function function, std::string_view message,
    absl::Span<const std::string> certificates_der)
    : function_(function),
      message_(message),
      certificates_(sk_X509_new_null(), [](STACK_OF(X509) * stack) {
        sk_X509_pop_free(stack, X509_free);
      }) {
  for (const std::string& der : certificates_der) {
    if (sk_X509_push(certificates_.get(), ParseCertificate(der).release()) ==
        0) {
      Fail("no memory");
    }
  }
}

bool MessageVerification::Run() const {
  const bool good = function_ == Function::kCms ? RunCms() : RunPkcs7();
  ERR_clear_error();
  return good;
}

bool MessageVerification::RunCms() const {
  const Owned<CMS_ContentInfo> message = Parse(&d2i_CMS_ContentInfo, message_);
  const Owned<BIO> content(BIO_new(BIO_s_mem()));
  return message != nullptr &&
         CMS_verify(message.get(), certificates_.get(), nullptr, nullptr,
                    content.get(),
                    CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY) == 1;
}

bool MessageVerification::RunPkcs7() const {
  const Owned<PKCS7> message = Parse(&d2i_PKCS7, message_);
  const Owned<BIO> content(BIO_new(BIO_s_mem()));
  return message != nullptr &&
         PKCS7_verify(message.get(), certificates_.get(), nullptr, nullptr,
                      content.get(),
                      PKCS7_BINARY | PKCS7_NOINTERN | PKCS7_NOVERIFY) == 1;
}

std::string DerOfFixed(std::string_view signature) {
  const int half = static_cast<int>(signature.size() / 2);
  const Owned<ECDSA_SIG> pair(ECDSA_SIG_new());
  if (pair == nullptr ||
      ECDSA_SIG_set0(pair.get(), BN_bin2bn(Bytes(signature), half, nullptr),
                     BN_bin2bn(Bytes(signature) + half, half, nullptr)) != 1) {
    Fail("a signature that is not two numbers");
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) Fail("a signature that has no encoding");
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace anchorage::bench

#include "anchors/certificate_names.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>

#include "anchors/certificate_facts.h"
#include "verify/printable.h"

namespace anchorage::anchors {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;

std::string TextOf(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()),
                                                       &BIO_free);
  if (text == nullptr ||
      X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253) < 0) {
    return "";
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  if (size <= 0) return "";
  return verify::Printable({data, static_cast<std::size_t>(size)},
                           kMaxNameBytes);
}

}  // namespace

CertificateNames ReadCertificateNames(std::string_view der) {
  if (der.size() > kMaxCertificateBytes) return {};
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      d2i_X509(nullptr, &bytes, static_cast<long>(der.size())), &X509_free);
  CertificateNames names;
  if (certificate != nullptr) {
    names.subject = TextOf(X509_get_subject_name(certificate.get()));
    names.issuer = TextOf(X509_get_issuer_name(certificate.get()));
  }
  ERR_clear_error();
  return names;
}

}  // namespace anchorage::anchors

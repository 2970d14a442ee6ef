#include "trustd/serve/certificate_end.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstddef>
#include <ctime>
#include <memory>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"

namespace anchorage::trustd {
namespace {

// More than a chain has.
constexpr std::size_t kMaxPemBytes = 256 * 1024;

}  // namespace

absl::StatusOr<absl::Time> ReadCertificateEnd(const std::string& path) {
  const auto pem = anchors::ReadFile(path, kMaxPemBytes);
  if (!pem.ok()) return pem.status();
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      bio == nullptr ? nullptr
                     : PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr),
      &X509_free);
  std::tm end = {};
  if (certificate == nullptr ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": does not begin with a certificate in PEM"));
  }
  return absl::FromTM(end, absl::UTCTimeZone());
}

}  // namespace anchorage::trustd

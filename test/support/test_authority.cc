#include "test/support/test_authority.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace anchorage::trustd {
namespace {

template <typename Write>
std::string ToPem(const Write& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()),
                                                      &BIO_free);
  EXPECT_EQ(write(bio.get()), 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

void AddExtension(X509* x509, int nid, const std::string& value) {
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
}

void AddName(X509* x509, const std::string& name) {
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(name.data()),
      static_cast<int>(name.size()), -1, 0);
}

// A certificate that lacks names, extensions and a signature.
X509* Begin(EVP_PKEY* key, absl::Time not_after) {
  X509* const x509 = X509_new();
  X509_set_version(x509, X509_VERSION_3);
  std::int64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), 7);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(x509), serial);
  ASN1_TIME_set(X509_getm_notBefore(x509),
                absl::ToTimeT(absl::Now() - absl::Hours(48)));
  ASN1_TIME_set(X509_getm_notAfter(x509), absl::ToTimeT(not_after));
  X509_set_pubkey(x509, key);
  return x509;
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free),
      certificate_(Begin(key_.get(), absl::Now() + absl::Hours(24)),
                   &X509_free) {
  X509* const x509 = certificate_.get();
  AddName(x509, name);
  X509_set_issuer_name(x509, X509_get_subject_name(x509));
  AddExtension(x509, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(x509, NID_key_usage, "critical,keyCertSign");
  EXPECT_GT(X509_sign(x509, key_.get(), EVP_sha256()), 0);
  pem_ = ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, x509); });
}

TlsIdentity TestAuthority::Issue(const Request& request) const {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Certificate certificate(Begin(key.get(), request.not_after),
                                &X509_free);
  X509* const x509 = certificate.get();
  for (const std::string& name : request.names) AddName(x509, name);
  X509_set_issuer_name(x509, X509_get_subject_name(certificate_.get()));
  AddExtension(x509, NID_ext_key_usage, request.purpose);
  if (!request.alternative_names.empty()) {
    AddExtension(x509, NID_subject_alt_name, request.alternative_names);
  }
  EXPECT_GT(X509_sign(x509, key_.get(), EVP_sha256()), 0);
  return {ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, x509); }),
          ToPem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0,
                                            nullptr, nullptr);
          })};
}

}  // namespace anchorage::trustd

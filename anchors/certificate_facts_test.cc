#include "anchors/certificate_facts.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/reason.h"

namespace anchorage::anchors {
namespace {

using verify::KeyType;
using verify::Reason;
using verify::ReasonOf;

constexpr char kFolder[] = "anchors/baked/certificates/";

std::string ReadDer(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string pem{std::istreambuf_iterator<char>(file), {}};
  auto der = verify::DecodePem(pem, "CERTIFICATE");
  EXPECT_TRUE(der.ok()) << path;
  return der.value_or("");
}

std::string Good() {
  return ReadDer(std::string(kFolder) + "eu-west-1.rsa2048.pem");
}

// --- A second opinion: what OpenSSL reads from the same bytes. --------------

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

X509Ptr Load(const std::string& der) {
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  X509Ptr x(d2i_X509(nullptr, &in, static_cast<long>(der.size())), &X509_free);
  ERR_clear_error();
  return x;
}

std::string OpensslSpki(X509* x) {
  unsigned char* out = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &out);
  std::string spki(reinterpret_cast<char*>(out), size);
  OPENSSL_free(out);
  return spki;
}

std::string OpensslSerial(X509* x) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), nullptr);
  char* hex = BN_bn2hex(number);
  std::string text(hex);
  for (char& c : text) c = static_cast<char>(std::tolower(c));
  OPENSSL_free(hex);
  BN_free(number);
  return text;
}

absl::Time OpensslTime(const ASN1_TIME* time) {
  std::tm tm{};
  EXPECT_EQ(ASN1_TIME_to_tm(time, &tm), 1);
  return absl::FromTM(tm, absl::UTCTimeZone());
}

int OpensslType(X509* x) { return EVP_PKEY_base_id(X509_get0_pubkey(x)); }

int OpensslTypeOf(KeyType type) {
  switch (type) {
    case KeyType::kRsa:
      return EVP_PKEY_RSA;
    case KeyType::kDsa:
      return EVP_PKEY_DSA;
    case KeyType::kEcP256:
    case KeyType::kEcP384:
      return EVP_PKEY_EC;
    case KeyType::kEd25519:
      return EVP_PKEY_ED25519;
  }
  return 0;
}

void ExpectAsOpenssl(const std::string& der, const std::string& name) {
  const auto facts = ReadCertificateFacts(der);
  ASSERT_TRUE(facts.ok()) << name << ": " << facts.status();
  const X509Ptr x = Load(der);
  ASSERT_NE(x, nullptr) << name;
  EXPECT_EQ(facts->spki_der, OpensslSpki(x.get())) << name;
  EXPECT_EQ(facts->serial, OpensslSerial(x.get())) << name;
  EXPECT_EQ(facts->not_before, OpensslTime(X509_get0_notBefore(x.get())));
  EXPECT_EQ(facts->not_after, OpensslTime(X509_get0_notAfter(x.get())));
  EXPECT_EQ(OpensslTypeOf(facts->key.type), OpensslType(x.get())) << name;
  EXPECT_EQ(facts->key.bits, EVP_PKEY_bits(X509_get0_pubkey(x.get()))) << name;
}

// --- Certificates that AWS has not made yet. --------------------------------

// Makes a self-signed P-256 certificate; `edit` changes it before the
// signature.
template <typename Edit>
std::string Make(Edit edit) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const X509Ptr x(X509_new(), &X509_free);
  X509_set_version(x.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 7);
  ASN1_TIME_set_string(X509_getm_notBefore(x.get()), "240101000000Z");
  ASN1_TIME_set_string(X509_getm_notAfter(x.get()), "22040728124414Z");
  X509_set_pubkey(x.get(), key.get());
  edit(x.get());
  EXPECT_GT(X509_sign(x.get(), key.get(), EVP_sha256()), 0);
  unsigned char* out = nullptr;
  const int size = i2d_X509(x.get(), &out);
  std::string der(reinterpret_cast<char*>(out), size);
  OPENSSL_free(out);
  return der;
}

TEST(CertificateFacts, ReadsEveryCertificateOfAwsAsOpensslDoes) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    ExpectAsOpenssl(ReadDer(entry.path()), entry.path().filename());
    ++count;
  }
  EXPECT_EQ(count, 144);
}

// Not asked when a certificate is read; here it proves that no file has been
// damaged since AWS signed it.
TEST(CertificateFacts, AreOfCertificatesThatTheirOwnKeysSigned) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const X509Ptr x = Load(ReadDer(entry.path()));
    ASSERT_NE(x, nullptr) << entry.path();
    EXPECT_EQ(X509_verify(x.get(), X509_get0_pubkey(x.get())), 1)
        << entry.path();
  }
}

TEST(CertificateFacts, ReadsANegativeSerialNumber) {
  for (const long serial : {-1L, -128L, -129L, -256L, -0x589f3c8aL, 0L}) {
    const std::string der = Make(
        [&](X509* x) { ASN1_INTEGER_set(X509_get_serialNumber(x), serial); });
    if (serial == 0) {
      EXPECT_EQ(ReadCertificateFacts(der)->serial, "00");
    } else {
      ExpectAsOpenssl(der, std::to_string(serial));
    }
  }
}

TEST(CertificateFacts, RefusesAKeyOfAnotherAlgorithm) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), &EVP_PKEY_free);
  const std::string der = Make([&](X509* x) { X509_set_pubkey(x, key.get()); });
  EXPECT_EQ(ReasonOf(ReadCertificateFacts(der).status()),
            Reason::kFieldInvalid);
}

TEST(CertificateFacts, RefusesAnythingAfterTheCertificate) {
  EXPECT_EQ(ReasonOf(ReadCertificateFacts(Good() + '\0').status()),
            Reason::kTrailingBytes);
}

TEST(CertificateFacts, RefusesMoreThanTheLimit) {
  EXPECT_EQ(
      ReasonOf(ReadCertificateFacts(std::string(kMaxCertificateBytes + 1, 'x'))
                   .status()),
      Reason::kInputTooLarge);
  EXPECT_EQ(
      ReasonOf(ReadCertificateFacts(std::string(kMaxCertificateBytes, 'x'))
                   .status()),
      Reason::kCertificateMalformed);
}

TEST(CertificateFacts, RefusesEveryPrefix) {
  const std::string good = Good();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(ReasonOf(ReadCertificateFacts(good.substr(0, size)).status()),
              Reason::kCertificateMalformed)
        << size;
  }
}

// Whatever byte changes: no crash, and what is still read is what OpenSSL
// reads, or OpenSSL is the stricter one.
TEST(CertificateFacts, AgreesWithOpensslAboutEveryFlippedByte) {
  const std::string good = Good();
  int read = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    const auto facts = ReadCertificateFacts(bad);
    if (!facts.ok()) {
      EXPECT_TRUE(ReasonOf(facts.status()).has_value());
      continue;
    }
    ++read;
    const X509Ptr x = Load(bad);
    if (x == nullptr) continue;
    EXPECT_EQ(facts->spki_der, OpensslSpki(x.get())) << i;
    EXPECT_EQ(facts->serial, OpensslSerial(x.get())) << i;
    EXPECT_EQ(facts->not_after, OpensslTime(X509_get0_notAfter(x.get()))) << i;
  }
  // Most bytes are key and signature.
  EXPECT_GT(read, 400);
}

std::string OpensslTbsSha256(X509* x) {
  unsigned char* out = nullptr;
  const int size = i2d_re_X509_tbs(x, &out);
  const std::string tbs(reinterpret_cast<char*>(out), size);
  OPENSSL_free(out);
  return verify::Sha256Hex(tbs);
}

TEST(CertificateFacts, WhatIsSignedIsWhatOpensslSaysForEveryCertificate) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string der = ReadDer(entry.path());
    EXPECT_EQ(TbsSha256(der).value_or(""), OpensslTbsSha256(Load(der).get()))
        << entry.path();
  }
}

TEST(CertificateFacts, WhatIsSignedDoesNotDependOnTheSignature) {
  const std::string good = Good();
  std::string other = good;
  other.back() = static_cast<char>(other.back() ^ 1);
  EXPECT_EQ(TbsSha256(other).value_or("other"), TbsSha256(good).value_or(""));
  other = good;
  const std::string serial_end =
      *verify::DecodeHex(ReadCertificateFacts(good)->serial);
  other[other.find(serial_end) + serial_end.size() - 1] ^= 1;
  ASSERT_TRUE(TbsSha256(other).ok());
  EXPECT_NE(*TbsSha256(other), *TbsSha256(good));
  EXPECT_EQ(ReasonOf(TbsSha256(good + "x").status()), Reason::kTrailingBytes);
  EXPECT_EQ(ReasonOf(TbsSha256(good.substr(1)).status()),
            Reason::kCertificateMalformed);
}

TEST(KeyFacts, RefusesWhatIsNotAKey) {
  const std::string spki = ReadCertificateFacts(Good())->spki_der;
  EXPECT_EQ(*ReadKeyFacts(spki), (KeyFacts{KeyType::kRsa, 2048}));
  for (std::size_t size = 0; size < spki.size(); ++size) {
    EXPECT_EQ(ReasonOf(ReadKeyFacts(spki.substr(0, size)).status()),
              Reason::kFieldInvalid);
  }
  EXPECT_EQ(ReasonOf(ReadKeyFacts(spki + "x").status()), Reason::kFieldInvalid);
}

}  // namespace
}  // namespace anchorage::anchors

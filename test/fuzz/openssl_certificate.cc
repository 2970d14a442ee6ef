#include "test/fuzz/openssl_certificate.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "test/fuzz/fuzz.h"

namespace anchorage::test {
namespace {

struct Free {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(BASIC_CONSTRAINTS* x) const { BASIC_CONSTRAINTS_free(x); }
  void operator()(ASN1_BIT_STRING* x) const { ASN1_BIT_STRING_free(x); }
};

std::string_view ViewOf(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string NameDer(const X509_NAME* name) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509_NAME(name, &bytes);
  Require(size > 0, "a name has an encoding");
  std::string der(reinterpret_cast<char*>(bytes),
                  static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm tm = {};
  Require(ASN1_TIME_to_tm(time, &tm) == 1, "a date is one");
  return absl::FromTM(tm, absl::UTCTimeZone());
}

void RequireSameConstraints(const X509* theirs,
                            const verify::Certificate& ours) {
  const std::unique_ptr<BASIC_CONSTRAINTS, Free> constraints(
      static_cast<BASIC_CONSTRAINTS*>(
          X509_get_ext_d2i(theirs, NID_basic_constraints, nullptr, nullptr)));
  const bool is_ca = constraints != nullptr && constraints->ca != 0;
  Require(is_ca == ours.is_ca, "the same CA");
  std::optional<std::int64_t> path_length;
  if (is_ca && constraints->pathlen != nullptr) {
    path_length = ASN1_INTEGER_get(constraints->pathlen);
  }
  Require(path_length == ours.path_length, "the same path length");

  const std::unique_ptr<ASN1_BIT_STRING, Free> usage(
      static_cast<ASN1_BIT_STRING*>(
          X509_get_ext_d2i(theirs, NID_key_usage, nullptr, nullptr)));
  const auto may = [&](int bit) {
    return usage != nullptr && ASN1_BIT_STRING_get_bit(usage.get(), bit) == 1;
  };
  constexpr int kDigitalSignatureBit = 0;
  constexpr int kKeyCertSignBit = 5;
  Require(may(kDigitalSignatureBit) == ours.may_sign &&
              may(kKeyCertSignBit) == ours.may_sign_certificates,
          "the same key usage");
}

}  // namespace

void RequireOpensslAgrees(const verify::Certificate& ours) {
  const auto* const start =
      reinterpret_cast<const unsigned char*>(ours.der.data());
  const unsigned char* at = start;
  const std::unique_ptr<X509, Free> theirs(
      d2i_X509(nullptr, &at, static_cast<long>(ours.der.size())));
  ERR_clear_error();
  Require(theirs != nullptr && at == start + ours.der.size(),
          "OpenSSL reads the certificate too");
  Require(X509_get_version(theirs.get()) == X509_VERSION_3, "version 3");

  std::string_view serial = ours.serial;
  if (serial.size() > 1 && serial.front() == '\0') serial.remove_prefix(1);
  Require(ViewOf(X509_get0_serialNumber(theirs.get())) == serial,
          "the same serial number");
  Require(NameDer(X509_get_issuer_name(theirs.get())) == ours.issuer &&
              NameDer(X509_get_subject_name(theirs.get())) == ours.subject,
          "the same names");
  Require(TimeOf(X509_get0_notBefore(theirs.get())) == ours.not_before &&
              TimeOf(X509_get0_notAfter(theirs.get())) == ours.not_after,
          "the same dates");
  Require(ViewOf(X509_get0_pubkey_bitstr(theirs.get())) == ours.point,
          "the same key");
  const ASN1_BIT_STRING* signature = nullptr;
  X509_get0_signature(&signature, nullptr, theirs.get());
  Require(ViewOf(signature) == ours.signature, "the same signature");
  RequireSameConstraints(theirs.get(), ours);
  ERR_clear_error();
}

}  // namespace anchorage::test

// The names in a certificate, for people.
//
// They prove nothing: whoever makes a certificate writes into it what they like,
// and all of AWS's have the same ones.

#ifndef ANCHORAGE_ANCHORS_CERTIFICATE_NAMES_H_
#define ANCHORAGE_ANCHORS_CERTIFICATE_NAMES_H_

#include <string>
#include <string_view>

namespace anchorage::anchors {

// As RFC 4514 writes them, the most specific first, with control characters and
// everything outside ASCII escaped; at most 1 KiB each.
struct CertificateNames {
  std::string subject;
  std::string issuer;
};

// Both are empty for bytes that are not a certificate, or are longer than
// kMaxCertificateBytes. Pure; OpenSSL's error queue is empty afterwards.
CertificateNames ReadCertificateNames(std::string_view der);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_CERTIFICATE_NAMES_H_

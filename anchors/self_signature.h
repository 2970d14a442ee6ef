// Whether a certificate is signed by its own key, as all of AWS's are.
//
// This proves no origin: anybody can sign for their own key. But nobody can
// make another certificate over AWS's key, so a re-issue that is not so signed
// is not AWS's.

#ifndef ANCHORAGE_ANCHORS_SELF_SIGNATURE_H_
#define ANCHORAGE_ANCHORS_SELF_SIGNATURE_H_

#include <string_view>

namespace anchorage::anchors {

// Whether a certificate is signed by its own key, whatever its dates, version
// and algorithms. False for bytes that are not a certificate. Pure; OpenSSL's
// error queue is empty afterwards.
bool IsSelfSigned(std::string_view der);

// Whether a certificate is signed by a key, given as SubjectPublicKeyInfo in DER.
// False for bytes that are neither. Pure; OpenSSL's error queue is empty
// afterwards.
bool IsSignedBy(std::string_view der, std::string_view spki_der);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_SELF_SIGNATURE_H_

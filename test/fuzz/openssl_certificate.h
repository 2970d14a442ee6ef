// A certificate of a Nitro chain as OpenSSL reads it, beside our reading.

#ifndef ANCHORAGE_TEST_FUZZ_OPENSSL_CERTIFICATE_H_
#define ANCHORAGE_TEST_FUZZ_OPENSSL_CERTIFICATE_H_

#include "verify/attestation/certificate.h"

namespace anchorage::test {

// Requires that OpenSSL reads `certificate.der` too, all of it, and finds the
// same version, serial number, names, dates, key, signature and constraints.
void RequireOpensslAgrees(const verify::Certificate& certificate);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FUZZ_OPENSSL_CERTIFICATE_H_

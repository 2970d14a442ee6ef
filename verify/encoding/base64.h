// Base64 and hex, strict.

#ifndef ANCHORAGE_VERIFY_ENCODING_BASE64_H_
#define ANCHORAGE_VERIFY_ENCODING_BASE64_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace anchorage::verify {

// Decodes RFC 4648 base64 as the instance metadata service gives it: the
// standard alphabet, padding required, the unused bits of the last character
// zero; line feeds, carriage returns, blanks and tabs may stand anywhere and
// are ignored. Fails with kEncodingMalformed: another character, data after the
// padding, a wrong length, or no data at all.
absl::StatusOr<std::string> DecodeBase64(std::string_view text);

// Decodes hex of either case. Fails with kEncodingMalformed: an odd length,
// another character (a "0x" in front too), or no data at all.
absl::StatusOr<std::string> DecodeHex(std::string_view text);

// What a certificate in PEM begins and ends with.
inline constexpr std::string_view kCertificateBegin =
    "-----BEGIN CERTIFICATE-----";
inline constexpr std::string_view kCertificateEnd = "-----END CERTIFICATE-----";

// Returns the bytes of the first block "-----BEGIN `label`-----" in `pem`,
// with all white space in it ignored; the block may be on one line or indented.
// Fails with kEncodingMalformed.
absl::StatusOr<std::string> DecodePem(std::string_view pem,
                                      std::string_view label);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENCODING_BASE64_H_

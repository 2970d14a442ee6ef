// Writes DER, and the indefinite-length BER around it that AWS emits.
//
//   Sequence({Oid(kOidSha256), Null()})
//
// Shares nothing with verify/: what reads these bytes is held to X.690, not to
// its own mirror image. Nothing here checks anything, so that what is broken
// can be written as easily as what is right.

#ifndef ANCHORAGE_TEST_FAKE_AWS_DER_WRITER_H_
#define ANCHORAGE_TEST_FAKE_AWS_DER_WRITER_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace anchorage::test {

// Returns one element with a definite length in the fewest octets.
std::string Tlv(std::uint8_t tag, std::string_view contents);

// The same with exactly `octets` octets after the first length octet (0 to 8):
// BER, and not DER unless that is the fewest.
std::string TlvLongLength(std::uint8_t tag, std::string_view contents,
                          int octets);

// Returns a constructed element of indefinite length with its end-of-contents
// octets.
std::string Indefinite(std::uint8_t tag, std::string_view contents);

std::string Concat(std::initializer_list<std::string_view> parts);
std::string Sequence(std::initializer_list<std::string_view> parts);
// A SET of `parts` in that order; SetOf() sorts them as DER demands.
std::string Set(std::initializer_list<std::string_view> parts);
std::string SetOf(std::vector<std::string> parts);

std::string Null();
std::string Boolean(bool value);
std::string Integer(std::uint64_t value);
// An INTEGER that is `magnitude` (big-endian), made minimal and not negative.
std::string PositiveInteger(std::string_view magnitude);
std::string OctetString(std::string_view bytes);
std::string BitString(std::string_view bytes, std::uint8_t unused_bits = 0);
std::string Utf8String(std::string_view text);
std::string PrintableString(std::string_view text);
// UTCTime YYMMDDHHMMSSZ and GeneralizedTime YYYYMMDDHHMMSSZ.
std::string UtcTime(absl::Time time);
std::string GeneralizedTime(absl::Time time);
// What RFC 5280 4.1.2.5 wants: UTCTime up to 2049, then GeneralizedTime.
std::string X509Time(absl::Time time);

// Returns the OBJECT IDENTIFIER of dotted text, such as "1.2.840.113549".
std::string Oid(std::string_view dotted);

// Returns an AlgorithmIdentifier, with NULL for parameters or with none.
enum class Parameters { kAbsent, kNull };
std::string AlgorithmId(std::string_view dotted, Parameters parameters);

// One attribute of a distinguished name, as a relative name of its own.
std::string NameAttribute(std::string_view dotted_type,
                          std::string_view value_der);

inline constexpr std::string_view kOidData = "1.2.840.113549.1.7.1";
inline constexpr std::string_view kOidSignedData = "1.2.840.113549.1.7.2";
inline constexpr std::string_view kOidContentType = "1.2.840.113549.1.9.3";
inline constexpr std::string_view kOidMessageDigest = "1.2.840.113549.1.9.4";
inline constexpr std::string_view kOidSigningTime = "1.2.840.113549.1.9.5";
inline constexpr std::string_view kOidAlgorithmProtection =
    "1.2.840.113549.1.9.52";
inline constexpr std::string_view kOidMd5 = "1.2.840.113549.2.5";
inline constexpr std::string_view kOidSha1 = "1.3.14.3.2.26";
inline constexpr std::string_view kOidSha256 = "2.16.840.1.101.3.4.2.1";
inline constexpr std::string_view kOidSha384 = "2.16.840.1.101.3.4.2.2";
inline constexpr std::string_view kOidSha512 = "2.16.840.1.101.3.4.2.3";
inline constexpr std::string_view kOidRsaEncryption = "1.2.840.113549.1.1.1";
inline constexpr std::string_view kOidSha1WithRsa = "1.2.840.113549.1.1.5";
inline constexpr std::string_view kOidSha256WithRsa = "1.2.840.113549.1.1.11";
inline constexpr std::string_view kOidSha384WithRsa = "1.2.840.113549.1.1.12";
inline constexpr std::string_view kOidSha512WithRsa = "1.2.840.113549.1.1.13";
inline constexpr std::string_view kOidDsaWithSha1 = "1.2.840.10040.4.3";
inline constexpr std::string_view kOidDsaWithSha256 = "2.16.840.1.101.3.4.3.2";
inline constexpr std::string_view kOidEcdsaWithSha256 = "1.2.840.10045.4.3.2";
inline constexpr std::string_view kOidEcdsaWithSha384 = "1.2.840.10045.4.3.3";
inline constexpr std::string_view kOidEcdsaWithSha512 = "1.2.840.10045.4.3.4";
inline constexpr std::string_view kOidCommonName = "2.5.4.3";
inline constexpr std::string_view kOidCountry = "2.5.4.6";
inline constexpr std::string_view kOidLocality = "2.5.4.7";
inline constexpr std::string_view kOidState = "2.5.4.8";
inline constexpr std::string_view kOidOrganization = "2.5.4.10";
inline constexpr std::string_view kOidOrganizationalUnit = "2.5.4.11";
inline constexpr std::string_view kOidSubjectKeyId = "2.5.29.14";
inline constexpr std::string_view kOidKeyUsage = "2.5.29.15";
inline constexpr std::string_view kOidBasicConstraints = "2.5.29.19";
inline constexpr std::string_view kOidNameConstraints = "2.5.29.30";
inline constexpr std::string_view kOidCrlDistributionPoints = "2.5.29.31";
inline constexpr std::string_view kOidAuthorityKeyId = "2.5.29.35";

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_FAKE_AWS_DER_WRITER_H_

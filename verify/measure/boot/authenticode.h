// Finds the entry of db that lets firmware start an image, as firmware finds
// it: by verifying the signatures in the image (UEFI 2.10, 32.5; EDK II).
//
//   auto entry = FindAuthority(image, db, dbx);
//   if (!entry.ok()) return entry.status();  // firmware does not start it
//
// An entry of db validates an image if it is the SHA-256 of the image, or the
// certificate that signed it, or a CA above that certificate. Lifetimes do not
// count: firmware's clock is anybody's. Firmware takes the first entry that it
// finds, in an order that its versions need not share; so here there must be
// exactly one.
//
// The reader of signatures is our own, and strict: DER, one signer, the
// attributes that are signed each once. What it does not know is an error,
// never "this entry does not match".
//
// Pure; any number of threads. Views live as long as the bytes.

#ifndef ANCHORAGE_VERIFY_MEASURE_BOOT_AUTHENTICODE_H_
#define ANCHORAGE_VERIFY_MEASURE_BOOT_AUTHENTICODE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "verify/crypto/public_key.h"
#include "verify/measure/boot/pe_image.h"
#include "verify/measure/boot/signature_list.h"

namespace anchorage::verify {

// Of all signatures together: real ones have some 10 KiB each.
inline constexpr std::size_t kMaxCertificateTableBytes = 1024 * 1024;
inline constexpr std::size_t kMaxImageSignatures = 16;
inline constexpr std::size_t kMaxSignatureCertificates = 16;
// Of db and of dbx; hashes do not count.
inline constexpr std::size_t kMaxDatabaseCertificates = 64;

// One X.509 certificate of a signature or of db, as far as it is looked at.
// Version 1 or 3.
struct SignerCertificate {
  std::string_view der;
  std::string_view tbs;
  // Names in DER, with their headers, and the contents of the serial number.
  std::string_view issuer;
  std::string_view subject;
  std::string_view serial;
  std::string_view spki;
  // The contents of the OID, and the signature.
  std::string_view signature_algorithm;
  std::string_view signature;
  // From the extensions; a certificate of version 1 is a CA if it is
  // self-issued.
  bool is_ca = false;
  std::optional<std::uint32_t> path_length;
  // False only where a keyUsage does not have keyCertSign.
  bool may_sign_certificates = true;
  bool has_unknown_critical_extension = false;
};

// Reads `der`, which must be exactly one certificate. Fails with
// kImageSignatureMalformed.
absl::StatusOr<SignerCertificate> ParseSignerCertificate(std::string_view der);

// One signature: PKCS #7 SignedData over an SpcIndirectDataContent.
struct ImageSignature {
  // The image's digest that was signed for, and how it was made.
  HashAlgorithm hash;
  std::string_view image_digest;
  // The contents of the SpcIndirectDataContent, whose digest is an attribute.
  std::string_view content;
  std::string_view message_digest;
  // All signed attributes, with the tag [0] of the message.
  std::string_view signed_attributes;
  std::string_view signature_algorithm;
  std::string_view signature;
  std::vector<SignerCertificate> certificates;
  // The one of them that signed, by issuer and serial number.
  std::size_t signer = 0;
};

// Reads an attribute certificate table: a sequence of WIN_CERTIFICATE, each at
// a multiple of 8 bytes, and nothing else. None for an empty one. Fails with
// kImageSignatureMalformed, or kImageAuthorityUndecided for a kind of
// signature, or a hash, that is not supported.
absl::StatusOr<std::vector<ImageSignature>> ParseImageSignatures(
    std::string_view table);

// Returns the entry of `db` because of which firmware with Secure Boot on
// starts `image`. Fails with
//   kImageForbidden            dbx has the image, or a certificate above it;
//   kImageSignatureOfAnother   a signature is over another image;
//   kImageSignatureMismatch    a signature was not made by its signer's key;
//   kImageNotAuthorized        no entry validates the image;
//   kImageAuthorityAmbiguous   several do;
//   kImageAuthorityUndecided   an entry may, but cannot be judged, or there are
//                              more certificates than the limit;
// and as ParseImageSignatures() does. Hashes the image once or twice.
absl::StatusOr<EfiSignature> FindAuthority(const PeImage& image,
                                           const SignatureDatabase& db,
                                           const SignatureDatabase& dbx);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_BOOT_AUTHENTICODE_H_

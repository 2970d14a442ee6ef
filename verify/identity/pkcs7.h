// A strict reader of PKCS #7 signed data as the instance metadata service
// emits it at /pkcs7 and /rsa2048.
//
//   auto message = ParsePkcs7(bytes);
//   if (!message.ok()) return message.status();
//   Verify(message->content, Hash(kSha256, message->content) ...);
//
// Not a CMS verifier: exactly one signer with signed attributes, the content
// inside, every element in its place, nothing after the end. Certificates and
// CRLs in the message are skipped and never used, and the signer's name and
// serial are returned as hints: who signed is decided by key alone.
//
// Reading proves nothing. The caller must compare `message_digest` with the
// content's digest, and verify `signature` over SignedAttributesForDigest().
//
// Pure; any number of threads. A message holds views into the caller's bytes,
// which must outlive it, and allocates only where the content comes in several
// chunks.

#ifndef ANCHORAGE_VERIFY_IDENTITY_PKCS7_H_
#define ANCHORAGE_VERIFY_IDENTITY_PKCS7_H_

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace anchorage::verify {

// A longer message is refused before any of it is read.
inline constexpr std::size_t kMaxPkcs7Bytes = 64 * 1024;
// Bouncy Castle, which AWS uses, cuts content into chunks of 1,000 bytes.
inline constexpr std::size_t kMaxContentChunks = 128;
inline constexpr std::size_t kMaxEmbeddedCertificates = 16;
inline constexpr std::size_t kMaxDigestAlgorithms = 4;
inline constexpr std::size_t kMaxSignedAttributes = 8;
inline constexpr std::size_t kMaxSignedAttributesBytes = 1024;
// RFC 5280 4.1.2.2 allows 20 octets, and a leading zero.
inline constexpr std::size_t kMaxSerialBytes = 21;

// Each is the contents of an OBJECT IDENTIFIER; parameters are known to be
// absent or NULL, which mean the same.
using OidContents = std::string_view;

// The CMSAlgorithmProtection attribute (RFC 6211).
struct AlgorithmProtection {
  OidContents digest_algorithm;
  OidContents signature_algorithm;
};

struct Pkcs7 {
  // Exactly the bytes that were signed for.
  std::string_view content;

  // What SignedData.digestAlgorithms lists; at least one.
  absl::Span<const OidContents> listed_digest_algorithms() const {
    return absl::MakeConstSpan(digest_algorithms_)
        .subspan(0, digest_algorithm_count_);
  }

  // The algorithms and the signature of the signer.
  OidContents digest_algorithm;
  OidContents signature_algorithm;
  std::string_view signature;

  // Signed attributes. contentType is left out: it was found to be pkcs7-data,
  // as the content's own type is.
  std::string_view message_digest;
  absl::Time signing_time;
  std::optional<AlgorithmProtection> algorithm_protection;

  // Hints at the signer. The issuer is a whole element, the serial the contents
  // of an INTEGER.
  std::string_view issuer;
  std::string_view serial;

  // Returns the DER of the signed attributes as a SET OF, which is what the
  // signature covers (RFC 5652 5.4): with the SET tag, and in the order of
  // DER, whatever the order in the message. The view is into `buffer`.
  using AttributesBuffer = std::array<char, kMaxSignedAttributesBytes>;
  std::string_view SignedAttributesForDigest(AttributesBuffer& buffer) const;

 private:
  friend class Pkcs7Parser;

  std::array<OidContents, kMaxDigestAlgorithms> digest_algorithms_;
  std::size_t digest_algorithm_count_ = 0;
  // All signed attributes, with the [0] tag of the message, and each attribute.
  std::string_view signed_attributes_;
  std::array<std::string_view, kMaxSignedAttributes> attributes_;
  std::size_t attribute_count_ = 0;
  // On the heap, so that `content` stays good when the message is moved.
  std::unique_ptr<std::string> joined_content_;
};

// Reads one message that is all of `bytes`. Fails with kInputTooLarge,
// kPkcs7Malformed, kTrailingBytes, kSignerCount (none or several),
// kContentMissing, kSignedAttributesRequired, kSignedAttributeMissing,
// kDuplicateAttribute or kContentTypeMismatch.
absl::StatusOr<Pkcs7> ParsePkcs7(std::string_view bytes);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IDENTITY_PKCS7_H_

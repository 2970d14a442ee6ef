// Reads the payload of a Nitro attestation document, enclave or NitroTPM.
//
//   absl::StatusOr<AttestationDocument> said =
//       DecodeAttestationDocument(cose.payload);
//
// What it returns is what somebody wrote, not yet proved by anything: only
// attestation_verifier.h returns what AWS attests.
//
// Pure, and does not allocate for a document that AWS makes: views live as
// long as the payload. AWS always writes the same keys in the same order; any
// order is read, because a map has none.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_DOCUMENT_H_
#define ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_DOCUMENT_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::verify {

// What was measured: the image of an enclave, or the boot of an instance with
// a NitroTPM. A PCR of one means nothing for the other.
enum class AttestationType { kEnclave, kNitroTpm };

// Returns the stable name: "enclave", "nitrotpm".
std::string_view NameOf(AttestationType type);

// PCRs have an index from 0 to 31. All that were ever seen hold a SHA-384, and
// a policy can expect nothing else; AWS's text allows two more sizes.
inline constexpr std::size_t kPcrCount = 32;
inline constexpr std::size_t kPcrBytes = 48;
constexpr bool IsPcrSize(std::size_t bytes) {
  return bytes == 32 || bytes == kPcrBytes || bytes == 64;
}

inline constexpr std::size_t kMaxModuleIdBytes = 256;
// How many of the fields that we do not know are named.
inline constexpr std::size_t kMaxUnknownKeys = 16;
// AWS's own limits.
inline constexpr std::size_t kMaxCertificateBytes = 1024;
inline constexpr std::size_t kMaxPublicKeyBytes = 1024;
inline constexpr std::size_t kMaxUserDataBytes = 1024;
inline constexpr std::size_t kMaxNonceBytes = 1024;

// AWS's chains have five certificates, the leaf included. A chain of any
// other length up to this one is read, so that AWS may add a level.
inline constexpr std::size_t kMaxChainCertificates = 8;
inline constexpr std::size_t kMaxCaBundle = kMaxChainCertificates - 1;

struct AttestationDocument {
  std::string_view module_id;
  absl::Time timestamp;
  AttestationType type = AttestationType::kEnclave;
  // PCR values by index; an absent PCR is empty, any other has a size that
  // IsPcrSize() allows. Banks may have gaps.
  std::array<std::string_view, kPcrCount> pcrs;
  // The leaf certificate, DER.
  std::string_view certificate;
  // The certificates from the root to the leaf's issuer, DER.
  absl::InlinedVector<std::string_view, kMaxCaBundle> cabundle;
  // What the software in the enclave or instance asked to be attested. A null
  // is the same as an absent field; an empty string is not, not even for the
  // public key (AWS: `user_data = bytes .size (0..1024)` for all three).
  std::optional<std::string_view> public_key;
  std::optional<std::string_view> user_data;
  std::optional<std::string_view> nonce;
  // Keys that we do not know, the first kMaxUnknownKeys in their order, and
  // how many there are in all: whoever wrote this signed more than we can
  // judge.
  absl::InlinedVector<std::string_view, 2> unknown_keys;
  std::size_t unknown_key_count = 0;
};

// Reads `payload`. Fails with kCborMalformed, kTrailingBytes, kDuplicateKey,
// kFieldMissing, kFieldInvalid, kDigestUnsupported, kAmbiguousDocumentType
// (both kinds of PCRs, or beside one of them any other key that ends in
// "pcrs", in letters of either case), or kChainLength for a bundle of no or
// too many certificates.
absl::StatusOr<AttestationDocument> DecodeAttestationDocument(
    std::string_view payload);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_ATTESTATION_DOCUMENT_H_

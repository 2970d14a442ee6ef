// What a validated boot leaves in a register of the TPM (SHA-384 bank).
//
//   extend PCR8 with BootEvent(manifest_digest), or with FailedBootEvent();
//   a release then lists RegisterAfter(BootEvent(manifest_digest)).
//
// The register is zero before: whoever reads it later sees which manifest the
// image was validated against, or that it was not, and nothing on the machine
// can undo that until it boots again. Pure.

#ifndef ANCHORAGE_VERIFY_IMAGE_BOOT_PCR_H_
#define ANCHORAGE_VERIFY_IMAGE_BOOT_PCR_H_

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "verify/image/manifest.h"

namespace anchorage::verify {

// Zero on EC2 unless somebody extends it, in the attestation documents of a
// NitroTPM, and not one that software can reset (16 and 23).
inline constexpr int kDefaultBootPcr = 8;

using Sha384Bytes = std::array<std::uint8_t, 48>;

// Returns SHA-384("anchorage-image-manifest/v1" || `manifest_digest`), with
// which the register is extended where the image is as its manifest says.
// `manifest_digest` is the digest of the statement's subject. Fails with
// kImageCryptoUnavailable, as all functions here.
absl::StatusOr<Sha384Bytes> BootEvent(const Sha256Bytes& manifest_digest);

// Returns SHA-384("anchorage-image-manifest/v1/failed"), with which it is
// extended where the image differs or its manifest is missing or refused.
absl::StatusOr<Sha384Bytes> FailedBootEvent();

// Returns SHA-384(48 zero bytes || `event`): what a register that was zero has
// after it was extended with `event`.
absl::StatusOr<Sha384Bytes> RegisterAfter(const Sha384Bytes& event);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_IMAGE_BOOT_PCR_H_

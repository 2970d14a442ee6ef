// What can be added to a measured boot image without changing PCR4.
//
// systemd-stub takes more than the image that it is in: a kernel command line
// that the boot entry appends, credentials and add-ons beside the image, which
// it measures into PCR12; and system and configuration extensions from
// `<image>.efi.extra.d`, which it measures into PCR13 alone. All of them lie
// where whoever owns the volume may write. So PCR4 tells what booted only where
// both are zero.
//
// Pure.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_BOOT_EXTENSIONS_H_
#define ANCHORAGE_VERIFY_ATTESTATION_BOOT_EXTENSIONS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "verify/attestation/attestation_document.h"

namespace anchorage::verify {

// PCRs as a bit mask: bit n is PCRn.
using PcrMask = std::uint32_t;

// Returns OK, or kBootExtended: PCR12 or PCR13 of a NitroTPM's document is
// there and not zero, `named`, the PCRs that a policy or a release names, has
// PCR4, and it does not have that one, about which the policy would have
// decided itself.
absl::Status CheckNothingAdded(
    AttestationType type, PcrMask named,
    const std::array<std::string_view, kPcrCount>& pcrs);

// Returns a sentence about what CheckNothingAdded() would demand and `named`
// leaves open; empty where it leaves nothing open. For policies that are judged
// as another judges them.
std::string WarningOfAdditions(AttestationType type, PcrMask named);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_BOOT_EXTENSIONS_H_

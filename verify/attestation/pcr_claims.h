// What the values of PCRs tell about a machine, and whether that is enough: a
// policy that expects only what every machine has, or what a machine's operator
// can give it, accepts all machines.
//
//   PcrClaims claims = ClaimsOf(type, 4, image) | ClaimsOf(type, 12, zero);
//   if (absl::Status s = CheckClaims(type, claims); !s.ok()) return s;
//
// For a NitroTPM, two PCRs tell which software runs: PCR4, the boot image,
// where nobody can append a kernel command line to it (PCR12 = 0, or Secure
// Boot is on), and PCR7, the keys of Secure Boot, where it is on. AWS's
// firmware gives PCR0, PCR2, PCR3 and PCR6 one value everywhere, and PCR7 too
// where Secure Boot is off; PCR17 to PCR22 stay at their first value; whoever
// runs the instance can reset PCR16 and PCR23, and extend the others to any
// value that other software of theirs would give them.
//
// For an enclave, PCR0 (the image) and PCR8 (who signed it) tell, or PCR1 (the
// kernel and its ramdisk, which nitro-cli brings) and PCR2 (the application)
// together. PCR3 and PCR4, of the parent's role and the parent, tell who runs
// it. All others are zero, or free for the software inside to extend. A PCR
// that was never extended, all zero or all ones, tells nothing anywhere.
//
// Pure.

#ifndef ANCHORAGE_VERIFY_ATTESTATION_PCR_CLAIMS_H_
#define ANCHORAGE_VERIFY_ATTESTATION_PCR_CLAIMS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "verify/attestation/attestation_document.h"
#include "verify/attestation/pcr_set.h"

namespace anchorage::verify {

// What PCR values tell, as a bit mask below kPcrClaimsCount. Several values
// together tell the union of what each of them tells.
using PcrClaims = unsigned;
inline constexpr PcrClaims kPcrClaimsCount = 16;

// What it tells that a PCR has that value of kPcrBytes.
PcrClaims ClaimsOf(AttestationType type, int pcr, std::string_view value);
PcrClaims ClaimsOf(AttestationType type, const PcrSet& pcrs);

// What it tells that a PCR does not have some value.
PcrClaims ClaimsOfDenial(AttestationType type, int pcr);

// Returns OK if the claims tell machines apart; else kPolicyUnsafe, with what
// is missing.
absl::Status CheckClaims(AttestationType type, PcrClaims claims);

// What the author of a policy with these claims, which pass, should know; empty
// if nothing.
std::string_view WarningOf(AttestationType type, PcrClaims claims);

// Adds `warning` unless it is empty or already there.
void AddWarning(std::string_view warning, std::vector<std::string>& warnings);

// Whether the claims name a NitroTPM's boot image (PCR4) but leave its kernel
// command line to whoever runs the instance (GHSA-xrv8-2pf5-f3q7).
bool LeavesCommandLineOpen(AttestationType type, PcrClaims claims);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_PCR_CLAIMS_H_

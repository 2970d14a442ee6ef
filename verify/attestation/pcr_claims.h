// What the values of PCRs tell of a machine, and whether that is enough: a
// policy that expects only what every machine has, or what whoever runs one
// can give it, accepts them all.
//
//   PcrClaims claims = ClaimsOf(type, 4, image) | ClaimsOf(type, 12, zero);
//   if (absl::Status s = CheckClaims(type, claims); !s.ok()) return s;
//
// Of a NitroTPM, two PCRs tell which software runs: PCR4, the boot image, where
// nobody can append a kernel command line to it (PCR12 = 0, or Secure Boot is
// on), and PCR7, the keys of Secure Boot, where it is on. AWS's firmware gives
// PCR0, PCR2, PCR3 and PCR6 one value everywhere, and PCR7 too where Secure
// Boot is off; PCR17 to PCR22 stay at their first value; whoever runs the
// instance can reset PCR16 and PCR23, and extend the others to any value that
// other software of his would give them.
//
// Of an enclave, PCR0 (the image) and PCR8 (who signed it) tell, or PCR1 (the
// kernel and its ramdisk, which nitro-cli brings) and PCR2 (the application)
// together. PCR3 and PCR4, of the parent's role and the parent, tell who runs
// it. All others are zero, or are for what runs within to extend. A PCR that
// was never extended, all zero or all ones, tells nothing anywhere.
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

// What is told, as bits; below kPcrClaimsCount. Several values together tell
// what each of them tells.
using PcrClaims = unsigned;
inline constexpr PcrClaims kPcrClaimsCount = 16;

// What is told by a PCR's having that value of kPcrBytes.
PcrClaims ClaimsOf(AttestationType type, int pcr, std::string_view value);
PcrClaims ClaimsOf(AttestationType type, const PcrSet& pcrs);

// What is told by a PCR's not having some value.
PcrClaims ClaimsOfDenial(AttestationType type, int pcr);

// Returns OK if the claims tell machines apart; else kPolicyUnsafe, with what
// is missing.
absl::Status CheckClaims(AttestationType type, PcrClaims claims);

// What whoever relies on claims that pass should know; empty if nothing.
std::string_view WarningOf(AttestationType type, PcrClaims claims);

// Adds what is not empty and not there yet.
void AddWarning(std::string_view warning, std::vector<std::string>& warnings);

// Whether the claims are of a NitroTPM's boot image (PCR4) and leave its kernel
// command line to whoever runs the instance (GHSA-xrv8-2pf5-f3q7).
bool LeavesCommandLineOpen(AttestationType type, PcrClaims claims);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ATTESTATION_PCR_CLAIMS_H_

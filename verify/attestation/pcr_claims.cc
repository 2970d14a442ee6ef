#include "verify/attestation/pcr_claims.h"

#include <algorithm>

#include "verify/reason.h"

namespace anchorage::verify {
namespace {

using namespace std::string_view_literals;

// What PCR7 of a NitroTPM is where Secure Boot is off and no key is enrolled:
// it depends on nothing else, so it is the same on every instance.
constexpr std::string_view kPcr7SecureBootOff =
    "\x98\x44\x1c\x7f\x76\x25\xd1\x00\x58\xc4\x76\x83\xae\xc4\x86\xce"
    "\x31\x1c\x63\x32\x35\xeb\x55\x55\x93\xa7\xee\x79\x11\x21\xe3\x57"
    "\x8a\xe7\x2d\x04\xec\xef\x66\x1f\x27\x2d\x59\x05\x8b\x77\xaf\x35"sv;
static_assert(kPcr7SecureBootOff.size() == kPcrBytes);

// The PCRs of a NitroTPM, and the claims that they make.
constexpr int kTpmBootImage = 4;
constexpr int kTpmSecureBoot = 7;
constexpr int kTpmCommandLine = 12;
constexpr PcrClaims kBootImage = 1;
constexpr PcrClaims kSecureBoot = 2;
constexpr PcrClaims kNoCommandLine = 4;
// PCR4 is mentioned, if only to say that it is not some value.
constexpr PcrClaims kNamesBootImage = 8;

// The PCRs of an enclave, and the claims that they make.
constexpr int kEnclaveImage = 0;
constexpr int kEnclaveKernel = 1;
constexpr int kEnclaveApplication = 2;
constexpr int kEnclaveRole = 3;
constexpr int kEnclaveInstance = 4;
constexpr int kEnclaveSigner = 8;
constexpr PcrClaims kImage = 1;
constexpr PcrClaims kKernel = 2;
constexpr PcrClaims kApplication = 4;
constexpr PcrClaims kParent = 8;

constexpr std::string_view kUnsafeTpm =
    "the measurements are the same on every instance, or can be made so by "
    "whoever runs one: expect PCR4 with PCR12 = 0, or PCR7 with Secure Boot on";
constexpr std::string_view kOpenCommandLine =
    "PCR4 measures the boot image but not a kernel command line that is "
    "appended to it, so whoever runs the instance could change how it "
    "boots: expect PCR12 = 0 as well, or PCR7 with Secure Boot on";
constexpr std::string_view kUnsafeEnclave =
    "the measurements are those of enclaves of unrelated owners, or can be "
    "made so by whoever builds one: expect PCR0, PCR1 with PCR2, or PCR8, not "
    "zero";

constexpr std::string_view kWarnSecureBoot =
    "PCR7 is taken for that of Secure Boot: it is known to be off for one "
    "value only, that of an instance without keys. PCR4 with PCR12 = 0 needs "
    "no such trust";
constexpr std::string_view kWarnApplication =
    "PCR2 measures the application but not the kernel below it: whoever "
    "builds an image could put it on another kernel. Expect PCR0, or PCR1 as "
    "well";
constexpr std::string_view kWarnParent =
    "PCR3 and PCR4 tell whose instance runs the enclave, but not what runs in "
    "it. Expect PCR0 as well, or PCR8";

bool Has(PcrClaims claims, PcrClaims which) {
  return (claims & which) == which;
}

bool IsAll(std::string_view value, char byte) {
  return std::all_of(value.begin(), value.end(),
                     [byte](char c) { return c == byte; });
}

PcrClaims OfEnclave(int pcr) {
  switch (pcr) {
    case kEnclaveImage:
    case kEnclaveSigner:
      return kImage;
    case kEnclaveKernel:
      return kKernel;
    case kEnclaveApplication:
      return kApplication;
    case kEnclaveRole:
    case kEnclaveInstance:
      return kParent;
    default:
      return 0;
  }
}

bool TellsImage(PcrClaims claims) {
  return Has(claims, kImage) || Has(claims, kKernel | kApplication);
}

}  // namespace

PcrClaims ClaimsOf(AttestationType type, int pcr, std::string_view value) {
  const bool zero = IsAll(value, '\0');
  const bool unset = zero || IsAll(value, '\xff');
  if (type == AttestationType::kEnclave) return unset ? 0 : OfEnclave(pcr);
  switch (pcr) {
    case kTpmBootImage:
      return unset ? kNamesBootImage : kNamesBootImage | kBootImage;
    case kTpmSecureBoot:
      return unset || value == kPcr7SecureBootOff ? 0 : kSecureBoot;
    case kTpmCommandLine:
      return zero ? kNoCommandLine : 0;
    default:
      return 0;
  }
}

PcrClaims ClaimsOf(AttestationType type, const PcrSet& pcrs) {
  PcrClaims claims = 0;
  for (const auto& [pcr, value] : pcrs.values()) {
    claims |= ClaimsOf(type, pcr, value);
  }
  return claims;
}

PcrClaims ClaimsOfDenial(AttestationType type, int pcr) {
  return type == AttestationType::kNitroTpm && pcr == kTpmBootImage
             ? kNamesBootImage
             : 0;
}

bool LeavesCommandLineOpen(AttestationType type, PcrClaims claims) {
  return type == AttestationType::kNitroTpm && Has(claims, kNamesBootImage) &&
         !Has(claims, kNoCommandLine) && !Has(claims, kSecureBoot);
}

absl::Status CheckClaims(AttestationType type, PcrClaims claims) {
  if (type == AttestationType::kEnclave) {
    if (TellsImage(claims) || Has(claims, kApplication) ||
        Has(claims, kParent)) {
      return absl::OkStatus();
    }
    return Reject(Reason::kPolicyUnsafe, kUnsafeEnclave);
  }
  if (LeavesCommandLineOpen(type, claims)) {
    return Reject(Reason::kPolicyUnsafe, kOpenCommandLine);
  }
  if (Has(claims, kBootImage) || Has(claims, kSecureBoot)) {
    return absl::OkStatus();
  }
  return Reject(Reason::kPolicyUnsafe, kUnsafeTpm);
}

std::string_view WarningOf(AttestationType type, PcrClaims claims) {
  if (type == AttestationType::kNitroTpm) {
    const bool measured = Has(claims, kBootImage | kNoCommandLine);
    return Has(claims, kSecureBoot) && !measured ? kWarnSecureBoot : "";
  }
  if (TellsImage(claims)) return "";
  if (Has(claims, kApplication)) return kWarnApplication;
  return Has(claims, kParent) ? kWarnParent : "";
}

void AddWarning(std::string_view warning, std::vector<std::string>& warnings) {
  if (warning.empty() ||
      std::find(warnings.begin(), warnings.end(), warning) != warnings.end()) {
    return;
  }
  warnings.emplace_back(warning);
}

}  // namespace anchorage::verify

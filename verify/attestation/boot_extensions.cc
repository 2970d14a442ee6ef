#include "verify/attestation/boot_extensions.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

constexpr int kBootImage = 4;

struct Addition {
  int pcr;
  const char* what;
};

constexpr Addition kAdditions[] = {
    {12,
     "a kernel command line was appended, or credentials or an add-on lay "
     "beside the image"},
    {13, "an extension was loaded from the image's .extra.d folder"},
};

bool Has(PcrMask named, int pcr) { return (named >> pcr & 1) != 0; }

bool IsZero(std::string_view pcr) {
  return std::all_of(pcr.begin(), pcr.end(), [](char c) { return c == '\0'; });
}

// Whether PCR4 is said and the addition is not.
bool IsOpen(AttestationType type, PcrMask named, const Addition& addition) {
  return type == AttestationType::kNitroTpm && Has(named, kBootImage) &&
         !Has(named, addition.pcr);
}

}  // namespace

absl::Status CheckNothingAdded(
    AttestationType type, PcrMask named,
    const std::array<std::string_view, kPcrCount>& pcrs) {
  for (const Addition& addition : kAdditions) {
    if (!IsOpen(type, named, addition) ||
        IsZero(pcrs[static_cast<std::size_t>(addition.pcr)])) {
      continue;
    }
    return Reject(Reason::kBootExtended,
                  absl::StrCat("PCR", addition.pcr, " is not zero: ",
                               addition.what, ", which PCR4 does not measure"));
  }
  return absl::OkStatus();
}

std::string WarningOfAdditions(AttestationType type, PcrMask named) {
  std::vector<std::string> open;
  for (const Addition& addition : kAdditions) {
    if (IsOpen(type, named, addition)) {
      open.push_back(absl::StrCat("PCR", addition.pcr));
    }
  }
  if (open.empty()) return "";
  return absl::StrCat(
      "PCR4 does not measure what is added to the image at boot, and nothing "
      "is said of ",
      absl::StrJoin(open, " and "),
      ": a command line, credentials or an extension would be accepted. Expect "
      "zero there as well");
}

}  // namespace anchorage::verify

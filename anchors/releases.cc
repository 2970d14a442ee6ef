// What CheckReleases() checks, in this order:
//
//   1. the list's own fields, and how many releases there are;
//   2. for each release its names, notes, window and what it allows;
//   3. its measurements: their form, that the image itself is measured, and
//      that they leave nothing open;
//   4. that no product has a release twice.

#include "anchors/releases.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/proto_json.h"
#include "verify/attestation/pcr_claims.h"
#include "verify/attestation/pcr_set.h"
#include "verify/reason.h"
#include "verify/why.h"

namespace anchorage::anchors {
namespace {

using verify::AttestationType;
using verify::Reason;
using verify::Reject;

// The PCR of the image itself.
constexpr int kEnclaveImagePcr = 0;
constexpr int kNitroTpmImagePcr = 4;

// 1 to `max_bytes` printable characters without blanks.
bool IsName(std::string_view text, std::size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes && IsPrintableAscii(text) &&
         text.find(' ') == std::string_view::npos;
}

std::string NameOf(const Release& release) {
  return IsName(release.product, kMaxProductBytes) &&
                 IsName(release.name, kMaxReleaseNameBytes)
             ? absl::StrCat("release ", release.name, " of ", release.product)
             : "a release";
}

absl::Status Invalid(const Release& release, std::string_view what) {
  return Reject(Reason::kFieldInvalid,
                absl::StrCat(NameOf(release), ": ", std::string(what)));
}

absl::Status CheckHeader(const ReleaseList& list) {
  if (list.sequence == 0 || list.sequence > kMaxSequence) {
    return Reject(Reason::kFieldInvalid, "sequence is not from 1 to 2^63 - 1");
  }
  if (!IsWritable(list.created)) {
    return Reject(Reason::kFieldInvalid,
                  "createdTime is not a whole second of the years 1 to 9999");
  }
  if (list.releases.size() > kMaxReleases) {
    return Reject(Reason::kInputTooLarge,
                  absl::StrCat(list.releases.size(), " releases, the limit is ",
                               kMaxReleases));
  }
  return absl::OkStatus();
}

absl::Status CheckNames(const Release& release) {
  if (!IsName(release.product, kMaxProductBytes)) {
    return Invalid(release,
                   "the product is not 1 to 64 printable ASCII "
                   "characters without blanks");
  }
  if (!IsName(release.name, kMaxReleaseNameBytes)) {
    return Invalid(release,
                   "the name is not 1 to 128 printable ASCII "
                   "characters without blanks");
  }
  if (release.image_ids.size() > kMaxImagesPerRelease) {
    return Reject(Reason::kInputTooLarge,
                  NameOf(release) + ": too many images");
  }
  for (const std::string& image : release.image_ids) {
    if (!IsName(image, kMaxImageIdBytes)) {
      return Invalid(release,
                     "an image id is not 1 to 128 printable ASCII "
                     "characters without blanks");
    }
  }
  if (release.notes.size() > kMaxNotesBytes ||
      !IsPrintableAscii(release.notes)) {
    return Invalid(release, "the notes are not short printable ASCII");
  }
  return absl::OkStatus();
}

absl::Status CheckAllowance(const Release& release) {
  if (release.allow_extensions.empty()) return absl::OkStatus();
  if (release.type != AttestationType::kNitroTpm) {
    return Invalid(release,
                   "'allowExtensions' is for machine images: an enclave has no "
                   "extensions");
  }
  if (release.allow_extensions.size() > kMaxNotesBytes ||
      !IsPrintableAscii(release.allow_extensions) ||
      !verify::IsWhy(release.allow_extensions)) {
    return Invalid(release,
                   "'allowExtensions' is not a reason in short printable "
                   "ASCII");
  }
  return absl::OkStatus();
}

absl::Status CheckWindow(const Release& release) {
  if (!IsWritable(release.valid_from) || !IsWritable(release.valid_until)) {
    return Invalid(release, "a time is not a whole second");
  }
  if (release.valid_from && release.valid_until &&
      *release.valid_until < *release.valid_from) {
    return Invalid(release, "the window ends before it begins");
  }
  return absl::OkStatus();
}

absl::Status CheckMeasurements(const Release& release) {
  const int image = release.type == AttestationType::kEnclave
                        ? kEnclaveImagePcr
                        : kNitroTpmImagePcr;
  if (!release.measurements.contains(image)) {
    return Reject(Reason::kFieldMissing,
                  absl::StrCat(NameOf(release), ": PCR", image,
                               ", which measures the image, is missing",
                               release.type == AttestationType::kNitroTpm &&
                                       release.measurements.contains(8)
                                   ? ": without it anybody can extend PCR8 to "
                                     "that value"
                                   : ""));
  }
  const auto pcrs = verify::PcrSet::FromBytes(release.measurements);
  if (!pcrs.ok()) {
    return Invalid(release, "a measurement is not 48 bytes of PCR0 to PCR31");
  }
  if (release.status == verify::ReleaseStatus::kActive &&
      verify::LeavesCommandLineOpen(release.type,
                                    verify::ClaimsOf(release.type, *pcrs))) {
    return Reject(Reason::kPolicyUnsafe,
                  absl::StrCat(NameOf(release),
                               ": PCR4 without PCR12 = 0, or PCR7 with Secure "
                               "Boot on, leaves the kernel's command line to "
                               "whoever runs the instance"));
  }
  return absl::OkStatus();
}

absl::Status CheckRelease(const Release& release) {
  if (absl::Status s = CheckNames(release); !s.ok()) return s;
  if (absl::Status s = CheckWindow(release); !s.ok()) return s;
  if (absl::Status s = CheckAllowance(release); !s.ok()) return s;
  return CheckMeasurements(release);
}

}  // namespace

void Sort(ReleaseList& list) {
  std::sort(list.releases.begin(), list.releases.end(),
            [](const Release& a, const Release& b) {
              return std::tie(a.product, a.type, a.name) <
                     std::tie(b.product, b.type, b.name);
            });
}

absl::Status CheckReleases(const ReleaseList& list) {
  if (absl::Status s = CheckHeader(list); !s.ok()) return s;
  std::set<std::tuple<std::string, AttestationType, std::string>> seen;
  for (const Release& release : list.releases) {
    if (absl::Status s = CheckRelease(release); !s.ok()) return s;
    if (!seen.emplace(release.product, release.type, release.name).second) {
      return Invalid(release, "listed twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckReleaseSafe(const Release& release) {
  if (release.status != verify::ReleaseStatus::kActive) {
    return absl::OkStatus();
  }
  if (absl::Status s = CheckMeasurements(release); !s.ok()) {
    return Reject(Reason::kPolicyUnsafe, std::string(s.message()));
  }
  const absl::Status safe = verify::CheckClaims(
      release.type, verify::ClaimsOf(release.type, *verify::PcrSet::FromBytes(
                                                       release.measurements)));
  if (safe.ok()) return safe;
  return Reject(Reason::kPolicyUnsafe,
                absl::StrCat(NameOf(release), ": ", safe.message()));
}

absl::Status CheckReleasesSafe(const ReleaseList& list) {
  for (const Release& release : list.releases) {
    if (absl::Status s = CheckReleaseSafe(release); !s.ok()) return s;
  }
  return absl::OkStatus();
}

std::shared_ptr<const verify::ReleaseSet> ToReleaseSet(
    const ReleaseList& list) {
  std::vector<verify::Release> releases;
  releases.reserve(list.releases.size());
  for (const Release& release : list.releases) {
    auto pcrs = verify::PcrSet::FromBytes(release.measurements);
    if (!pcrs.ok()) continue;  // CheckReleases() has refused the list.
    releases.push_back(
        {.type = release.type,
         .product = release.product,
         .name = release.name,
         .pcrs = *std::move(pcrs),
         .status = release.status,
         .valid_from = release.valid_from.value_or(absl::InfinitePast()),
         .valid_until = release.valid_until.value_or(absl::InfiniteFuture()),
         .allow_extensions = !release.allow_extensions.empty()});
  }
  return std::make_shared<const verify::ReleaseSet>(std::move(releases));
}

}  // namespace anchorage::anchors

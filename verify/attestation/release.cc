#include "verify/attestation/release.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verify/attestation/boot_extensions.h"
#include "verify/reason.h"

namespace anchorage::verify {
namespace {

auto Place(const Release& release) {
  return std::tuple(release.type, std::string_view(release.product));
}

std::string Named(const Release& release) {
  return absl::StrCat("release ", release.name, " of ", release.product);
}

}  // namespace

std::string_view NameOf(ReleaseStatus status) {
  switch (status) {
    case ReleaseStatus::kActive:
      return "ACTIVE";
    case ReleaseStatus::kRetired:
      return "RETIRED";
    case ReleaseStatus::kRevoked:
      return "REVOKED";
  }
  return "";
}

ReleaseSet::ReleaseSet(std::vector<Release> releases)
    : releases_(std::move(releases)) {
  std::stable_sort(releases_.begin(), releases_.end(),
                   [](const Release& a, const Release& b) {
                     return std::tie(a.type, a.product, a.name) <
                            std::tie(b.type, b.product, b.name);
                   });
}

absl::Span<const Release> ReleaseSet::Of(AttestationType type,
                                         std::string_view product) const {
  const auto place = std::tuple(type, product);
  const auto first = std::lower_bound(
      releases_.begin(), releases_.end(), place,
      [](const Release& a, const auto& b) { return Place(a) < b; });
  const auto last = std::upper_bound(
      first, releases_.end(), place,
      [](const auto& a, const Release& b) { return a < Place(b); });
  return absl::MakeConstSpan(releases_).subspan(
      static_cast<std::size_t>(first - releases_.begin()),
      static_cast<std::size_t>(last - first));
}

absl::StatusOr<const Release*> ReleaseSet::Find(
    AttestationType type, std::string_view product,
    const std::array<std::string_view, kPcrCount>& pcrs, absl::Time at,
    bool allow_extensions) const {
  const Release* good = nullptr;
  const Release* not_good = nullptr;
  absl::Status added;
  for (const Release& release : Of(type, product)) {
    if (release.pcrs.FirstMismatch(pcrs).has_value()) continue;
    if (release.status == ReleaseStatus::kRevoked) {
      return Reject(Reason::kReleaseRevoked, Named(release) + " was revoked");
    }
    const bool is_good = release.status == ReleaseStatus::kActive &&
                         release.valid_from <= at && at <= release.valid_until;
    if (is_good && !allow_extensions && !release.allow_extensions) {
      absl::Status nothing_added =
          CheckNothingAdded(type, release.pcrs.named(), pcrs);
      if (!nothing_added.ok()) {
        added = std::move(nothing_added);
        continue;
      }
    }
    const Release*& found = is_good ? good : not_good;
    if (found == nullptr) found = &release;
  }
  if (good != nullptr) return good;
  if (!added.ok()) return added;
  if (not_good == nullptr) {
    return Reject(Reason::kReleaseUnknown,
                  absl::StrCat("no release of ", std::string(product),
                               " has these measurements"));
  }
  return Reject(
      Reason::kReleaseUnknown,
      absl::StrCat(Named(*not_good), not_good->status == ReleaseStatus::kRetired
                                         ? " is retired"
                                         : " is not good at this time"));
}

}  // namespace anchorage::verify

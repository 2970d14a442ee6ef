#include "anchors/signed_releases.h"

#include <utility>

#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors {

absl::StatusOr<std::optional<ReleaseList>> VerifyReleases(
    const tuf::TrustedSet& set, std::string_view bytes) {
  const absl::Status verified = set.VerifyTarget(kReleasesTargetPath, bytes);
  if (bytes.empty() &&
      tuf::TufReasonOf(verified) == tuf::TufReason::kTargetNotFound) {
    return std::nullopt;
  }
  if (!verified.ok()) return verified;
  auto list = ParseReleases(bytes);
  if (!list.ok()) return list.status();
  return *std::move(list);
}

}  // namespace anchorage::anchors

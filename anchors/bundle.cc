#include "anchors/bundle.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "anchors/target_checks.h"
#include "anchors/tuf/tuf_error.h"

namespace anchorage::anchors {
namespace {

absl::Status ReadCatalog(std::string_view bytes, BundleContents& contents) {
  auto catalog = ParseCatalog(bytes);
  if (!catalog.ok()) return catalog.status();
  contents.catalog = *std::move(catalog);
  return absl::OkStatus();
}

absl::Status ReadReleases(std::string_view bytes, BundleContents& contents) {
  auto releases = ParseReleases(bytes);
  if (!releases.ok()) return releases.status();
  contents.releases = *std::move(releases);
  return absl::OkStatus();
}

// Another target is a row here, and a field of GetUpdateResponse.
constexpr TargetKind kTargets[] = {
    {.name = "catalog",
     .path = kCatalogTargetPath,
     .max_bytes = kMaxCatalogBytes,
     .is_required = true,
     .read = ReadCatalog,
     .check = CheckCatalogFile},
    {.name = "releases",
     .path = kReleasesTargetPath,
     .max_bytes = kMaxReleasesBytes,
     .is_required = false,
     .read = ReadReleases,
     .check = CheckReleasesFile},
};

}  // namespace

absl::Span<const TargetKind> TargetKinds() { return kTargets; }

const TargetKind* FindTargetKind(std::string_view path) {
  const auto* const found =
      std::find_if(std::begin(kTargets), std::end(kTargets),
                   [&](const TargetKind& kind) { return kind.path == path; });
  return found == std::end(kTargets) ? nullptr : found;
}

const std::string& BundleFiles::target(std::string_view path) const {
  static const std::string& none = *new std::string;
  const auto found = target_files.find(path);
  return found == target_files.end() ? none : found->second;
}

void BundleFiles::SetTarget(std::string_view path, std::string bytes) {
  if (bytes.empty()) {
    target_files.erase(std::string(path));
  } else {
    target_files.insert_or_assign(std::string(path), std::move(bytes));
  }
}

absl::StatusOr<tuf::TrustedSet> FollowRoots(std::string trusted_root,
                                            absl::Span<const std::string> roots,
                                            absl::Time now) {
  auto set = tuf::TrustedSet::FromRoot(std::move(trusted_root), now);
  if (!set.ok()) return set;
  for (const std::string& root : roots) {
    if (absl::Status s = set->UpdateRoot(root); !s.ok()) return s;
  }
  if (absl::Status s = set->FinishRoots(); !s.ok()) return s;
  return set;
}

absl::Status TakeMetadata(const BundleFiles& files, tuf::TrustedSet& set) {
  const auto timestamp = set.UpdateTimestamp(files.timestamp);
  if (!timestamp.ok()) return timestamp.status();
  if (absl::Status s = set.UpdateSnapshot(files.snapshot); !s.ok()) return s;
  return set.UpdateTargets(files.targets);
}

absl::StatusOr<BundleContents> ReadTargets(const tuf::TrustedSet& set,
                                           const BundleFiles& files) {
  BundleContents contents;
  for (const TargetKind& kind : kTargets) {
    const std::string& bytes = files.target(kind.path);
    const absl::Status verified = set.VerifyTarget(kind.path, bytes);
    if (!kind.is_required && bytes.empty() &&
        tuf::TufReasonOf(verified) == tuf::TufReason::kTargetNotFound) {
      continue;
    }
    if (!verified.ok()) return verified;
    if (absl::Status s = kind.read(bytes, contents); !s.ok()) return s;
  }
  return contents;
}

absl::Status CheckTargets(const BundleFiles& files, absl::Time now) {
  for (const TargetKind& kind : kTargets) {
    const std::string& bytes = files.target(kind.path);
    if (!kind.is_required && bytes.empty()) continue;
    if (absl::Status s = kind.check(bytes, now); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace anchorage::anchors

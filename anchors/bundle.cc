#include "anchors/bundle.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/images/image_index.h"
#include "anchors/images/producers.h"
#include "anchors/succession.h"
#include "anchors/target_checks.h"
#include "anchors/tuf/static_layout.h"
#include "anchors/tuf/tuf_error.h"
#include "verify/crypto/public_key.h"

namespace anchorage::anchors {
namespace {

absl::StatusOr<TargetFacts> ReadCatalog(std::string_view bytes,
                                        BundleContents& contents) {
  auto catalog = ParseCatalog(bytes, contents.checked);
  if (!catalog.ok()) return catalog.status();
  contents.catalog = *std::move(catalog);
  return TargetFacts{contents.catalog.sequence, contents.catalog.created,
                     contents.catalog.anchors.size()};
}

// Nothing that is signed says which keys people named; but each signer had to
// name them, so what is signed is named.
absl::Status CheckNextCatalog(std::string_view last, std::string_view next) {
  const auto before = ParseCatalog(last);
  if (!before.ok()) return before.status();
  const auto after = ParseCatalog(next);
  if (!after.ok()) return after.status();
  return CheckSuccessor(*before, *after, FindReactivated(*before, *after));
}

absl::StatusOr<TargetFacts> ReadReleases(std::string_view bytes,
                                         BundleContents& contents) {
  auto releases = ParseReleases(bytes);
  if (!releases.ok()) return releases.status();
  contents.releases = *std::move(releases);
  return TargetFacts{contents.releases->sequence, contents.releases->created,
                     contents.releases->releases.size()};
}

absl::Status CheckReleasesDraft(std::string_view bytes) {
  const auto releases = ParseReleases(bytes);
  return releases.ok() ? CheckReleasesSafe(*releases) : releases.status();
}

absl::Status CheckNextReleases(std::string_view last, std::string_view next) {
  const auto before = ParseReleases(last);
  if (!before.ok()) return before.status();
  const auto after = ParseReleases(next);
  if (!after.ok()) return after.status();
  return CheckStep("the list of releases", before->sequence, after->sequence);
}

absl::StatusOr<TargetFacts> ReadProducers(std::string_view bytes,
                                          BundleContents& contents) {
  auto producers = ParseProducers(bytes);
  if (!producers.ok()) return producers.status();
  contents.producers = *std::move(producers);
  return TargetFacts{contents.producers->sequence, contents.producers->created,
                     contents.producers->producers.size()};
}

absl::StatusOr<TargetFacts> ReadImages(std::string_view bytes,
                                       BundleContents& contents) {
  auto images = ParseImageIndex(bytes);
  if (!images.ok()) return images.status();
  contents.images = *std::move(images);
  return TargetFacts{contents.images->sequence, contents.images->created,
                     contents.images->images.size()};
}

// Parses two texts and asks which may follow which; before the first comes an
// empty list.
template <auto kParse, auto kCheck>
absl::Status CheckNextList(std::string_view last, std::string_view next) {
  using List = typename decltype(kParse(last))::value_type;
  const auto before =
      last.empty() ? absl::StatusOr<List>(List()) : kParse(last);
  if (!before.ok()) return before.status();
  const auto after = kParse(next);
  if (!after.ok()) return after.status();
  return kCheck(*before, *after);
}

constexpr TargetKind kTargets[] = {
    {.name = kCatalogName,
     .title = "catalog",
     .path = kCatalogTargetPath,
     .media_type = tuf::kJsonMediaType,
     .max_bytes = kMaxCatalogBytes,
     .is_required = true,
     .is_kept = false,
     .without = "",
     .read = ReadCatalog,
     .check = CheckCatalogFile,
     .check_draft = nullptr,
     .check_next = CheckNextCatalog},
    {.name = "releases",
     .title = "list of releases",
     .path = kReleasesTargetPath,
     .media_type = tuf::kJsonMediaType,
     .max_bytes = kMaxReleasesBytes,
     .is_required = false,
     .is_kept = false,
     .without = "clients accept no release",
     .read = ReadReleases,
     .check = CheckReleasesFile,
     .check_draft = CheckReleasesDraft,
     .check_next = CheckNextReleases},
    {.name = "producers",
     .title = "list of producers",
     .path = kProducersTargetPath,
     .media_type = tuf::kJsonMediaType,
     .max_bytes = kMaxProducersBytes,
     .is_required = false,
     .is_kept = true,
     .without = "clients accept no manifest of an image",
     .read = ReadProducers,
     .check = CheckProducersFile,
     .check_draft = nullptr,
     .check_next = CheckNextList<ParseProducers, CheckNextProducers>},
    {.name = "images",
     .title = "index of images",
     .path = kImagesTargetPath,
     .media_type = tuf::kJsonMediaType,
     .max_bytes = kMaxImageIndexBytes,
     .is_required = false,
     .is_kept = true,
     .without = "every manifest of an image is unlisted",
     .read = ReadImages,
     .check = CheckImageIndexFile,
     .check_draft = nullptr,
     .check_next = CheckNextList<ParseImageIndex, CheckNextImageIndex>},
};

}  // namespace

absl::Span<const TargetKind> TargetKinds() { return kTargets; }

const TargetKind* FindTargetKind(std::string_view path) {
  const auto* const found =
      std::find_if(std::begin(kTargets), std::end(kTargets),
                   [&](const TargetKind& kind) { return kind.path == path; });
  return found == std::end(kTargets) ? nullptr : found;
}

absl::StatusOr<TargetFacts> ReadFacts(const TargetKind& kind,
                                      std::string_view bytes) {
  BundleContents contents;
  return kind.read(bytes, contents);
}

absl::Status CheckNext(const TargetKind& kind, std::string_view last,
                       std::string_view next) {
  if (last == next) return absl::OkStatus();
  if (!kind.is_kept && (last.empty() || next.empty())) return absl::OkStatus();
  if (!next.empty()) return kind.check_next(last, next);
  return absl::FailedPreconditionError(absl::StrCat(
      "the ", std::string(kind.title),
      " was signed, and must stay: without it more would be allowed"));
}

std::uint64_t Sequences::Of(std::string_view name) const {
  const auto found = numbers_.find(name);
  return found == numbers_.end() ? 0 : found->second;
}

void Sequences::Set(std::string_view name, std::uint64_t sequence) {
  if (sequence == 0) {
    numbers_.erase(std::string(name));
  } else {
    numbers_.insert_or_assign(std::string(name), sequence);
  }
}

void Sequences::RaiseTo(const Sequences& other) {
  for (const auto& [name, sequence] : other.numbers_) {
    Set(name, std::max(Of(name), sequence));
  }
}

Sequences SequencesOf(const FactsByName& facts) {
  Sequences sequences;
  for (const auto& [name, fact] : facts) sequences.Set(name, fact.sequence);
  return sequences;
}

ByPath HashTargets(const ByPath& target_files) {
  ByPath hashes;
  for (const auto& [path, bytes] : target_files) {
    hashes.emplace(path, verify::Sha256Hex(bytes));
  }
  return hashes;
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
                                           TargetTexts targets,
                                           Checked checked) {
  BundleContents contents;
  contents.checked = checked;
  for (const TargetKind& kind : kTargets) {
    const std::string_view bytes = targets(kind.path);
    const absl::Status verified = set.VerifyTarget(kind.path, bytes);
    if (!kind.is_required && bytes.empty() &&
        tuf::TufReasonOf(verified) == tuf::TufReason::kTargetNotFound) {
      continue;
    }
    if (!verified.ok()) return verified;
    const auto facts = kind.read(bytes, contents);
    if (!facts.ok()) return facts.status();
    contents.facts.emplace(kind.name, *facts);
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

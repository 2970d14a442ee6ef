// One poll, in this order:
//
//   1. TUF's roots, timestamp, snapshot and targets, from our root on and not
//      older than what the folder holds;
//   2. the catalog, unless it is the one that was last observed;
//   3. that its sequence did not go back;
//   4. the part of it that is in use now.

#include "trustd/sources/upstream_source.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/catalog.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "trustd/sources/observer.h"
#include "trustd/sources/repository_fetcher.h"
#include "trustd/sources/source_failure.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {
namespace {

namespace tuf = anchors::tuf;
using tuf::TufReason;

// Returns `failure` of an updater, with what the fetcher knows about it.
absl::Status Explain(absl::Status failure, const RepositoryFetcher& fetcher) {
  const auto reason = tuf::TufReasonOf(failure);
  if (reason == TufReason::kStoreFailed) {
    return FailSource(SourceFailure::kPathUnreadable, std::move(failure));
  }
  const bool was_fetching = reason == TufReason::kFetchFailed ||
                            reason == TufReason::kMetadataTooLarge ||
                            reason == TufReason::kTargetLengthMismatch;
  if (was_fetching && !fetcher.failure().ok()) {
    CarryOver(fetcher.failure(), failure);
    return failure;
  }
  return FailSource(SourceFailure::kUpstreamRejected, std::move(failure));
}

// Whether the repository says that the target is this very file.
bool IsSame(const tuf::Target& target, const std::string& sha256) {
  for (const tuf::FileHash& hash : target.hashes) {
    if (hash.algorithm == "sha256") return hash.hex == sha256;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<UpstreamSource>> UpstreamSource::Create(
    SourceProfile profile, UpstreamRepository repository, Request limits,
    std::shared_ptr<Downloader> downloader) {
  const auto root = tuf::ParseRoot(repository.root_json);
  if (!root.ok()) return root.status();
  if (anchors::IsBuildKeyRoot(repository.root_json)) {
    return absl::InvalidArgumentError(
        "this root is signed with the public key of baked-in bundles: "
        "anybody can sign for it");
  }
  return std::unique_ptr<UpstreamSource>(
      new UpstreamSource(std::move(profile), std::move(repository),
                         std::move(limits), std::move(downloader)));
}

UpstreamSource::UpstreamSource(SourceProfile profile,
                               UpstreamRepository repository, Request limits,
                               std::shared_ptr<Downloader> downloader)
    : Source(std::move(profile)),
      repository_(std::move(repository)),
      limits_(std::move(limits)),
      downloader_(std::move(downloader)),
      folder_(repository_.folder) {}

absl::StatusOr<SourceAnswer> UpstreamSource::Poll(absl::Time now) {
  RepositoryFetcher fetcher(*downloader_, repository_.metadata_url,
                            repository_.targets_url, limits_);
  auto updater =
      tuf::Updater::Create(repository_.root_json, now, &fetcher, &folder_);
  if (!updater.ok()) return Explain(updater.status(), fetcher);
  if (absl::Status s = updater->Refresh(); !s.ok()) return Explain(s, fetcher);
  SourceAnswer answer;
  if (updater->equivocation_seen()) {
    answer.setbacks.push_back(FailSource(
        SourceFailure::kUpstreamRejected,
        tuf::RejectUpdate(TufReason::kEquivocation,
                          "two timestamps with one version; the first holds")));
  }
  const std::string path(anchors::kCatalogTargetPath);
  const auto target = updater->FindTarget(path);
  if (!target.ok()) return Explain(target.status(), fetcher);
  if (IsSame(*target, last_sha256_)) return answer;
  if (target->length > static_cast<std::int64_t>(anchors::kMaxCatalogBytes)) {
    return FailSource(SourceFailure::kTooLarge, "its catalog");
  }
  const auto bytes = updater->DownloadTarget(path, *target);
  if (!bytes.ok()) return Explain(bytes.status(), fetcher);

  const std::string sha256 = verify::Sha256Hex(*bytes);
  if (sha256 == last_sha256_) return answer;
  const auto catalog = anchors::ParseCatalog(*bytes);
  if (!catalog.ok()) {
    return FailSource(SourceFailure::kUpstreamRejected, catalog.status());
  }
  if (catalog->sequence < last_sequence_) {
    return FailSource(SourceFailure::kUpstreamRejected,
                      absl::StrCat("its catalog went back from sequence ",
                                   last_sequence_, " to ", catalog->sequence));
  }
  Observer observer(
      MakeObservation(*this, repository_.targets_url + path, sha256, now));
  observer.AddCatalog(*catalog, "the catalog");
  answer.observation = std::move(observer).Finish();
  last_sha256_ = sha256;
  last_sequence_ = catalog->sequence;
  return answer;
}

absl::StatusOr<std::unique_ptr<Source>> UpstreamSettings::Make(
    const SourceSettings& settings,
    const SourceEnvironment& environment) const {
  auto downloader = MakeDownloader(settings, environment);
  if (!downloader.ok()) return downloader.status();
  auto root = anchors::ReadFile(root_path, tuf::kMaxRootBytes);
  if (!root.ok()) return root.status();
  return UpstreamSource::Create(
      settings.profile,
      {.metadata_url = metadata_url,
       .targets_url = targets_url,
       .root_json = *std::move(root),
       .folder = environment.state_folder + "/" + settings.profile.name},
      settings.limits, *std::move(downloader));
}

}  // namespace anchorage::trustd

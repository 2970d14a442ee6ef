#include "trustd/serve/http/static_site.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "verify/crypto/public_key.h"

namespace anchorage::trustd {

namespace tuf = anchors::tuf;

tuf::RepositoryFiles FilesOf(const Publication& publication) {
  tuf::RepositoryFiles files;
  files.roots = publication.files.roots;
  files.timestamp = publication.files.timestamp;
  files.snapshot = publication.files.snapshot;
  files.targets = publication.files.targets;
  files.snapshot_version =
      static_cast<std::int64_t>(publication.snapshot_version);
  files.targets_version =
      static_cast<std::int64_t>(publication.targets_version);
  for (const auto& [path, bytes] : publication.files.target_files) {
    const anchors::TargetKind* kind = anchors::FindTargetKind(path);
    if (kind == nullptr) continue;
    files.target_files.push_back({path, bytes, kind->media_type});
  }
  return files;
}

std::shared_ptr<const StaticSite::Edition> StaticSite::MakeEdition(
    std::shared_ptr<const Publication> publication) {
  auto edition = std::make_shared<Edition>();
  for (tuf::StaticFile& file : tuf::LayOut(FilesOf(*publication))) {
    edition->files.emplace(
        absl::StrCat("/", file.path),
        File{absl::StrCat("\"", verify::Sha256Hex(file.bytes), "\""),
             file.bytes, file.media_type, file.immutable, publication});
  }
  edition->publication = std::move(publication);
  return edition;
}

std::optional<StaticSite::File> StaticSite::Find(std::string_view path) {
  absl::MutexLock lock(&mutex_);
  const auto current = hub_.Current();
  if (current == nullptr) return std::nullopt;
  if (editions_.empty() || editions_.front()->publication != current) {
    editions_.push_front(MakeEdition(current));
    if (editions_.size() > kKeptPublications + 1) editions_.pop_back();
  }
  for (const auto& edition : editions_) {
    const auto found =
        edition->files.find(absl::string_view(path.data(), path.size()));
    if (found != edition->files.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace anchorage::trustd

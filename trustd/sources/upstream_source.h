// A source: another trustd, or any TUF repository with a catalog like trustd's.

#ifndef ANCHORAGE_TRUSTD_SOURCES_UPSTREAM_SOURCE_H_
#define ANCHORAGE_TRUSTD_SOURCES_UPSTREAM_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/metadata_folder.h"
#include "trustd/sources/source.h"
#include "trustd/sources/source_settings.h"

namespace anchorage::trustd {

struct UpstreamRepository {
  // Where TUF's metadata and targets are served; each ends in a slash.
  std::string metadata_url;
  std::string targets_url;
  // The root to start from: the only thing that is trusted.
  std::string root_json;
  // A folder for this source alone. It keeps what was verified, so that the
  // upstream cannot go back to something older.
  std::string folder;
};

// Each poll goes through the whole TUF client workflow. It observes what the
// upstream's catalog says is in use now: the certificates of ACTIVE and
// RETIRING anchors that are not superseded. An upstream is one more witness:
// what it says is classified like any page.
//
// Fails with kUpstreamRejected where TUF's checks do, TufReasonOf() says which;
// with kPathUnreadable if its folder cannot be written; otherwise as
// Downloader::Get(). An equivocation that did not stop the poll is a setback.
class UpstreamSource final : public Source {
 public:
  // `limits` is for one poll as a whole. Fails with INVALID_ARGUMENT for a root
  // that is not one, or that the key of baked-in bundles has signed.
  static absl::StatusOr<std::unique_ptr<UpstreamSource>> Create(
      SourceProfile profile, UpstreamRepository repository, Request limits,
      std::shared_ptr<Downloader> downloader);

  absl::StatusOr<SourceAnswer> Poll(absl::Time now) override;
  void Forget() override { last_sha256_.clear(); }

 private:
  UpstreamSource(SourceProfile profile, UpstreamRepository repository,
                 Request limits, std::shared_ptr<Downloader> downloader);

  const UpstreamRepository repository_;
  const Request limits_;
  const std::shared_ptr<Downloader> downloader_;
  MetadataFolder folder_;
  std::string last_sha256_;
  std::uint64_t last_sequence_ = 0;
};

class UpstreamSettings final : public SourceKind {
 public:
  // Each ends in a slash.
  std::string metadata_url;
  std::string targets_url;
  std::string root_path;

  absl::StatusOr<std::unique_ptr<Source>> Make(
      const SourceSettings& settings,
      const SourceEnvironment& environment) const override;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_UPSTREAM_SOURCE_H_

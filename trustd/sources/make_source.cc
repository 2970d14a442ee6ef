#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "anchors/base/atomic_file.h"
#include "anchors/tuf/metadata.h"
#include "trustd/sources/directory_source.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/nitro_root_source.h"
#include "trustd/sources/printed_root_source.h"
#include "trustd/sources/regions_page_source.h"
#include "trustd/sources/source_config.h"
#include "trustd/sources/upstream_source.h"

namespace anchorage::trustd {
namespace {

using Made = absl::StatusOr<std::unique_ptr<Source>>;

constexpr std::size_t kMaxCaBytes = 4 * 1024 * 1024;

absl::StatusOr<std::shared_ptr<Downloader>> MakeDownloader(
    const SourceSettings& settings, const SourceEnvironment& environment) {
  if (!settings.ca_path.empty()) {
    const auto ca = anchors::ReadFile(settings.ca_path, kMaxCaBytes);
    if (!ca.ok()) return ca.status();
  }
  DownloaderOptions options = {
      .ca_path = settings.ca_path,
      .allow_loopback_http = settings.allow_loopback_http,
      .cancelled = environment.cancelled};
  if (environment.saw_date) {
    options.saw_date = [saw = environment.saw_date,
                        name = settings.profile.name](absl::Time date) {
      saw(name, date);
    };
  }
  auto downloader = CurlDownloader::Create(std::move(options));
  if (!downloader.ok()) return downloader.status();
  return std::shared_ptr<Downloader>(*std::move(downloader));
}

// Makes a source: one call operator for each kind of settings.
class Maker {
 public:
  Maker(const SourceSettings& settings, const SourceEnvironment& environment)
      : settings_(settings), environment_(environment) {}

  Made operator()(const RegionsPageSettings& page) const {
    auto downloader = MakeDownloader(settings_, environment_);
    if (!downloader.ok()) return downloader.status();
    return std::make_unique<RegionsPageSource>(settings_.profile,
                                               page.addresses, settings_.limits,
                                               *std::move(downloader));
  }

  Made operator()(const NitroRootSettings& root) const {
    auto downloader = MakeDownloader(settings_, environment_);
    if (!downloader.ok()) return downloader.status();
    Request request = settings_.limits;
    request.url = root.address;
    return std::make_unique<NitroRootSource>(
        settings_.profile, std::move(request), *std::move(downloader));
  }

  Made operator()(const PrintedRootSettings& root) const {
    auto downloader = MakeDownloader(settings_, environment_);
    if (!downloader.ok()) return downloader.status();
    return std::make_unique<PrintedRootSource>(
        settings_.profile, root.addresses, root.publications, settings_.limits,
        *std::move(downloader));
  }

  Made operator()(const DirectorySettings& directory) const {
    return std::make_unique<DirectorySource>(settings_.profile, directory.path);
  }

  Made operator()(const UpstreamSettings& upstream) const {
    auto downloader = MakeDownloader(settings_, environment_);
    if (!downloader.ok()) return downloader.status();
    auto root =
        anchors::ReadFile(upstream.root_path, anchors::tuf::kMaxRootBytes);
    if (!root.ok()) return root.status();
    return UpstreamSource::Create(
        settings_.profile,
        {.metadata_url = upstream.metadata_url,
         .targets_url = upstream.targets_url,
         .root_json = *std::move(root),
         .folder = environment_.state_folder + "/" + settings_.profile.name},
        settings_.limits, *std::move(downloader));
  }

 private:
  const SourceSettings& settings_;
  const SourceEnvironment& environment_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Source>> MakeSource(
    const SourceSettings& settings, const SourceEnvironment& environment) {
  return std::visit(Maker(settings, environment), settings.kind);
}

}  // namespace anchorage::trustd

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "anchors/base/atomic_file.h"
#include "trustd/sources/source_settings.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxCaBytes = 4 * 1024 * 1024;

}  // namespace

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

absl::StatusOr<std::unique_ptr<Source>> MakeSource(
    const SourceSettings& settings, const SourceEnvironment& environment) {
  return settings.kind->Make(settings, environment);
}

}  // namespace anchorage::trustd

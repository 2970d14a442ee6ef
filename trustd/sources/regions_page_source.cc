#include "trustd/sources/regions_page_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "trustd/sources/observer.h"
#include "trustd/sources/page/regions_page.h"
#include "trustd/sources/source_failure.h"

namespace anchorage::trustd {
namespace {

// Returns `failure` with the address where it occurred.
absl::Status At(const std::string& address, const absl::Status& failure) {
  absl::Status at(failure.code(),
                  absl::StrCat(failure.message(), " (", address, ")"));
  CarryOver(failure, at);
  return at;
}

}  // namespace

RegionsPageSource::RegionsPageSource(SourceProfile profile,
                                     std::vector<std::string> addresses,
                                     Request request,
                                     std::shared_ptr<Downloader> downloader)
    : Source(std::move(profile)),
      addresses_(std::move(addresses)),
      limits_(std::move(request)),
      page_(std::move(downloader)) {}

absl::StatusOr<SourceAnswer> RegionsPageSource::Poll(absl::Time now) {
  SourceAnswer answer;
  for (const std::string& address : addresses_) {
    Request request = limits_;
    request.url = address;
    auto file = page_.GetIfChanged(std::move(request));
    if (!file.ok()) {
      answer.setbacks.push_back(At(address, file.status()));
      continue;
    }
    if (!file->has_value()) return answer;
    Observation observation =
        MakeObservation(*this, (*file)->url, std::move((*file)->sha256), now);
    PageContent content = ParseRegionsPage((*file)->bytes, scope());
    observation.certificates = std::move(content.certificates);
    observation.problems = std::move(content.problems);
    answer.observation = std::move(observation);
    return answer;
  }
  if (answer.setbacks.empty()) {
    return FailSource(SourceFailure::kAddressRefused, "no address");
  }
  return answer.setbacks.front();
}

absl::StatusOr<std::unique_ptr<Source>> RegionsPageSettings::Make(
    const SourceSettings& settings,
    const SourceEnvironment& environment) const {
  auto downloader = MakeDownloader(settings, environment);
  if (!downloader.ok()) return downloader.status();
  return std::make_unique<RegionsPageSource>(
      settings.profile, addresses, settings.limits, *std::move(downloader));
}

}  // namespace anchorage::trustd

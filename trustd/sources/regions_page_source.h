// A source: AWS's page of certificates by region, at one of several addresses.

#ifndef ANCHORAGE_TRUSTD_SOURCES_REGIONS_PAGE_SOURCE_H_
#define ANCHORAGE_TRUSTD_SOURCES_REGIONS_PAGE_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/sources/changed_file.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/source.h"
#include "trustd/sources/source_settings.h"

namespace anchorage::trustd {

// The page as Markdown and as HTML, whose text covers every partition but
// China, and its twin, which covers China.
inline constexpr const char* kAwsPageAddresses[] = {
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/regions-certs.md",
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/regions-certs.html",
};
inline constexpr const char* kAwsChinaPageAddresses[] = {
    "https://docs.amazonaws.cn/en_us/AWSEC2/latest/UserGuide/regions-certs.md",
    "https://docs.amazonaws.cn/en_us/AWSEC2/latest/UserGuide/"
    "regions-certs.html",
};

// Tries the addresses in their order. The first that gives a file is the
// answer, whatever is in the file: a login page is an observation with a
// problem, and no reason to try elsewhere until something better turns up. The
// addresses that failed before it are setbacks; if all fail, the failure is the
// first one's.
class RegionsPageSource final : public Source {
 public:
  // `request` has the limits; its address is not used. `addresses` is not
  // empty.
  RegionsPageSource(SourceProfile profile, std::vector<std::string> addresses,
                    Request request, std::shared_ptr<Downloader> downloader);

  absl::StatusOr<SourceAnswer> Poll(absl::Time now) override;
  void Forget() override { page_.Forget(); }

 private:
  const std::vector<std::string> addresses_;
  const Request limits_;
  ChangedFile page_;
};

class RegionsPageSettings final : public SourceKind {
 public:
  std::vector<std::string> addresses;

  absl::StatusOr<std::unique_ptr<Source>> Make(
      const SourceSettings& settings,
      const SourceEnvironment& environment) const override;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_REGIONS_PAGE_SOURCE_H_

// A source: pages that print the root of one partition's Nitro attestation
// documents.

#ifndef ANCHORAGE_TRUSTD_SOURCES_PRINTED_ROOT_SOURCE_H_
#define ANCHORAGE_TRUSTD_SOURCES_PRINTED_ROOT_SOURCE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/sources/changed_file.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/observer.h"
#include "trustd/sources/page/printed_root.h"
#include "trustd/sources/source.h"
#include "trustd/sources/source_settings.h"

namespace anchorage::trustd {

// The page of AWS's guide to GovCloud, which prints that partition's root.
inline constexpr const char* kGovCloudPageAddresses[] = {
    "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-ec2.md",
    "https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/"
    "govcloud-ec2.html",
};

// Reads all of its addresses. A certificate that is printed on one of them is
// observed, and is confirmed if enough publications show it: as PEM, or by its
// SHA-256. A publication is a host, because whoever changes one page of a host
// can change another. One that is not confirmed is observed with the problem
// kNotConfirmed, so that only people may decide on it.
//
// An address that fails is a setback, and what it had before still counts; if
// all fail, the failure is the first one's.
class PrintedRootSource final : public Source {
 public:
  // The scope has one partition and the kind of Nitro roots. `request` has the
  // limits; its address is not used. `addresses` is not empty.
  PrintedRootSource(SourceProfile profile, std::vector<std::string> addresses,
                    int publications, Request request,
                    std::shared_ptr<Downloader> downloader);

  absl::StatusOr<SourceAnswer> Poll(absl::Time now) override;
  void Forget() override;

 private:
  struct Page {
    std::string address;
    ChangedFile file;
    // The page as it was last read.
    std::string sha256;
    std::optional<PrintedRoots> read;
  };

  // Returns the hosts of the pages that show `root`, and counts them.
  std::string HostsThatShow(const PrintedRoot& root, std::size_t& count) const;
  void AddRoots(Observer& observer) const;
  Observation Observe(absl::Time now) const;

  const Request limits_;
  const std::size_t publications_;
  std::vector<Page> pages_;
};

class PrintedRootSettings final : public SourceKind {
 public:
  std::vector<std::string> addresses;
  int publications = 2;

  absl::StatusOr<std::unique_ptr<Source>> Make(
      const SourceSettings& settings,
      const SourceEnvironment& environment) const override;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_PRINTED_ROOT_SOURCE_H_

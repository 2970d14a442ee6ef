#include "trustd/sources/source_config.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "trustd/base/config_path.h"
#include "trustd/sources/nitro_root_source.h"
#include "trustd/sources/printed_root_source.h"
#include "trustd/sources/regions_page_source.h"
#include "trustd/sources/web_address.h"
#include "verify/anchor_set.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using google::protobuf::Duration;
using verify::AnchorKind;

constexpr absl::Duration kLeastInterval = absl::Seconds(10);
constexpr absl::Duration kMostInterval = absl::Hours(7 * 24);
constexpr int kLeastBytes = 1024;
constexpr int kMostBytes = 4 * 1024 * 1024;
constexpr int kNitroRootBytes = 64 * 1024;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::string_view kChina = "aws-cn";
constexpr std::string_view kGovCloud = "aws-us-gov";
constexpr int kLeastPublications = 2;

bool IsName(std::string_view text, std::string_view letters) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         text.find_first_not_of(letters) == text.npos;
}

// Reads one source; the first thing that is wrong is kept.
class Reader {
 public:
  Reader(const v1::SourceConfig& proto, const std::string& path)
      : proto_(proto), path_(path) {}

  absl::StatusOr<SourceSettings> Read() && {
    settings_.profile.name = proto_.name();
    settings_.ca_path =
        proto_.ca_path().empty() ? "" : ResolvePath(proto_.ca_path(), path_);
    settings_.allow_loopback_http = proto_.allow_loopback_http();
    CheckName();
    ReadTimes();
    ReadLimits();
    ReadKind();
    ReadPartitions();
    ReadKinds();
    if (!status_.ok()) return status_;
    return std::move(settings_);
  }

 private:
  void Fail(const std::string& what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(path_, ": source '", proto_.name(), "': ", what));
  }

  void CheckName() {
    if (!IsName(proto_.name(), "abcdefghijklmnopqrstuvwxyz0123456789-")) {
      Fail("'name' must be 1 to 64 of a-z, 0-9 and '-'");
    }
    // What people brought is never pruned.
    if (proto_.name() == anchors::kOperatorPublisher) {
      Fail(
          "no source can be called that: catalogs would not tell it from "
          "people");
    }
  }

  absl::Duration Within(bool set, const Duration& value,
                        absl::Duration otherwise, absl::Duration least,
                        absl::Duration most, const char* name) {
    if (!set) return otherwise;
    const absl::Duration duration =
        absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
    if (duration < least || duration > most) {
      Fail(absl::StrCat("'", name, "' must be from ",
                        absl::ToInt64Seconds(least), "s to ",
                        absl::ToInt64Seconds(most), "s"));
    }
    return duration;
  }

  void ReadTimes() {
    PollTimes& times = settings_.profile.times;
    times.interval =
        Within(proto_.has_interval(), proto_.interval(), absl::Hours(1),
               kLeastInterval, kMostInterval, "interval");
    times.jitter =
        Within(proto_.has_jitter(), proto_.jitter(), times.interval / 10,
               absl::ZeroDuration(), times.interval, "jitter");
    times.max_backoff =
        Within(proto_.has_max_backoff(), proto_.max_backoff(), times.interval,
               kLeastInterval, kMostInterval, "max_backoff");
  }

  void ReadLimits() {
    Request& limits = settings_.limits;
    limits.timeout =
        Within(proto_.has_timeout(), proto_.timeout(), absl::Seconds(30),
               absl::Seconds(1), absl::Minutes(10), "timeout");
    limits.connect_timeout = std::min(limits.connect_timeout, limits.timeout);
    limits.stall_timeout = std::min(limits.stall_timeout, limits.timeout);
    const int otherwise =
        proto_.has_nitro_root() ? kNitroRootBytes : kMostBytes;
    const int bytes = proto_.max_bytes() == 0 ? otherwise : proto_.max_bytes();
    if (bytes < kLeastBytes || bytes > kMostBytes) {
      Fail(absl::StrCat("'max_bytes' must be from ", kLeastBytes, " to ",
                        kMostBytes));
    }
    limits.max_bytes = static_cast<std::size_t>(std::max(bytes, 0));
  }

  void ReadKind() {
    switch (proto_.kind_case()) {
      case v1::SourceConfig::kRegionsPage:
        return ReadRegionsPage();
      case v1::SourceConfig::kNitroRoot:
        return ReadNitroRoot();
      case v1::SourceConfig::kPrintedRoot:
        return ReadPrintedRoot();
      case v1::SourceConfig::kDirectory:
        return ReadDirectory();
      case v1::SourceConfig::kUpstream:
        return ReadUpstream();
      case v1::SourceConfig::KIND_NOT_SET:
        return Fail(
            "one of 'regions_page', 'nitro_root', 'printed_root', 'directory' "
            "and 'upstream' is required");
    }
  }

  void CheckAddress(const std::string& address) {
    const absl::Status status =
        CheckWebAddress(address, proto_.allow_loopback_http());
    if (!status.ok()) Fail(std::string(status.message()));
  }

  bool IsFor(std::string_view partition) const {
    return proto_.partitions_size() == 1 && proto_.partitions(0) == partition;
  }

  void ReadRegionsPage() {
    const auto& given = proto_.regions_page().addresses();
    RegionsPageSettings page{{given.begin(), given.end()}};
    if (page.addresses.empty() && IsFor(kChina)) {
      page.addresses.assign(std::begin(kAwsChinaPageAddresses),
                            std::end(kAwsChinaPageAddresses));
    } else if (page.addresses.empty()) {
      page.addresses.assign(std::begin(kAwsPageAddresses),
                            std::end(kAwsPageAddresses));
      if (std::count(proto_.partitions().begin(), proto_.partitions().end(),
                     kChina) > 0) {
        Fail(
            "China has a page of its own: give it a source of its own, with "
            "'partitions: [aws-cn]'");
      }
    }
    if (given.size() > kMaxAddresses) Fail("'addresses' are 8 at most");
    for (const std::string& address : page.addresses) CheckAddress(address);
    settings_.kind = std::move(page);
  }

  void ReadNitroRoot() {
    NitroRootSettings root{proto_.nitro_root().address().empty()
                               ? kNitroRootAddress
                               : proto_.nitro_root().address()};
    CheckAddress(root.address);
    settings_.kind = std::move(root);
  }

  void ReadPrintedRoot() {
    const v1::PrintedRootSource& given = proto_.printed_root();
    PrintedRootSettings root{
        .addresses = {given.addresses().begin(), given.addresses().end()},
        .publications = given.publications() == 0 ? kLeastPublications
                                                  : given.publications()};
    if (proto_.partitions_size() > 1) {
      Fail("'partitions' is one alone: each has a root of its own");
    }
    if (root.addresses.empty()) {
      if (proto_.partitions_size() == 1 && !IsFor(kGovCloud)) {
        Fail("'addresses' is required for any partition but aws-us-gov");
      }
      root.addresses.assign(std::begin(kGovCloudPageAddresses),
                            std::end(kGovCloudPageAddresses));
    }
    if (root.addresses.size() > kMaxAddresses) {
      Fail("'addresses' are 8 at most");
    }
    if (root.publications < kLeastPublications ||
        root.publications > kMaxAddresses) {
      Fail("'publications' must be from 2 to 8");
    }
    for (const std::string& address : root.addresses) CheckAddress(address);
    settings_.kind = std::move(root);
  }

  void RefuseMaxBytes() {
    if (proto_.max_bytes() != 0) Fail("'max_bytes' is not for this kind");
  }

  void ReadDirectory() {
    RefuseMaxBytes();
    if (proto_.directory().path().empty()) Fail("'path' is required");
    if (!proto_.ca_path().empty() || proto_.allow_loopback_http()) {
      Fail("'ca_path' and 'allow_loopback_http' are not for 'directory'");
    }
    settings_.kind =
        DirectorySettings{ResolvePath(proto_.directory().path(), path_)};
  }

  std::string Folder(std::string url, const char* name) {
    CheckAddress(url);
    if (url.find_first_of("?#") != url.npos) {
      Fail(absl::StrCat("'", name, "' must not hold '?' or '#'"));
    }
    if (!url.ends_with('/')) url.push_back('/');
    return url;
  }

  void ReadUpstream() {
    const v1::UpstreamSource& upstream = proto_.upstream();
    RefuseMaxBytes();
    if (upstream.metadata_url().empty() || upstream.root_path().empty()) {
      return Fail("'metadata_url' and 'root_path' are required");
    }
    UpstreamSettings settings;
    settings.metadata_url = Folder(upstream.metadata_url(), "metadata_url");
    settings.targets_url = upstream.targets_url().empty()
                               ? settings.metadata_url + "targets/"
                               : Folder(upstream.targets_url(), "targets_url");
    settings.root_path = ResolvePath(upstream.root_path(), path_);
    settings_.kind = std::move(settings);
  }

  std::vector<std::string> DefaultPartitions() const {
    switch (proto_.kind_case()) {
      case v1::SourceConfig::kNitroRoot:
        return {"aws"};
      case v1::SourceConfig::kPrintedRoot:
        return {std::string(kGovCloud)};
      case v1::SourceConfig::kRegionsPage:
        return {"aws", "aws-us-gov", "aws-eusc"};
      default:
        return {"aws", "aws-us-gov", "aws-cn", "aws-eusc"};
    }
  }

  void ReadPartitions() {
    auto& partitions = settings_.profile.scope.partitions;
    partitions.assign(proto_.partitions().begin(), proto_.partitions().end());
    if (partitions.empty()) partitions = DefaultPartitions();
    for (const std::string& partition : partitions) {
      if (!partition.starts_with("aws") ||
          !IsName(partition, "abcdefghijklmnopqrstuvwxyz-")) {
        Fail("'" + partition + "' is not a partition, such as aws-us-gov");
      }
    }
    if (std::set<std::string>(partitions.begin(), partitions.end()).size() !=
        partitions.size()) {
      Fail("a partition stands twice");
    }
  }

  std::vector<AnchorKind> DefaultKinds() const {
    if (proto_.has_nitro_root() || proto_.has_printed_root()) {
      return {AnchorKind::kNitroRoot};
    }
    std::vector<AnchorKind> kinds = {
        AnchorKind::kIidDsa, AnchorKind::kIidRsa1024, AnchorKind::kIidRsa2048};
    if (!proto_.has_regions_page()) kinds.push_back(AnchorKind::kNitroRoot);
    return kinds;
  }

  void ReadKinds() {
    auto& kinds = settings_.profile.scope.kinds;
    const std::vector<AnchorKind> can = DefaultKinds();
    for (const std::string& name : proto_.kinds()) {
      const auto kind = verify::AnchorKindNamed(name);
      if (!kind.has_value() || std::count(can.begin(), can.end(), *kind) == 0) {
        Fail("'" + name + "' is not a kind of anchor that it can speak for");
      } else if (std::count(kinds.begin(), kinds.end(), *kind) > 0) {
        Fail("a kind stands twice");
      } else {
        kinds.push_back(*kind);
      }
    }
    if (kinds.empty()) kinds = can;
  }

  const v1::SourceConfig& proto_;
  const std::string& path_;
  SourceSettings settings_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<std::vector<SourceSettings>> ReadSourceSettings(
    const google::protobuf::RepeatedPtrField<v1::SourceConfig>& sources,
    const std::string& path) {
  if (sources.size() > kMaxSources) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": 'sources' are ", kMaxSources, " at most"));
  }
  std::vector<SourceSettings> all;
  std::set<std::string> names;
  for (const v1::SourceConfig& proto : sources) {
    auto settings = Reader(proto, path).Read();
    if (!settings.ok()) return settings.status();
    if (!names.insert(proto.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": two sources have the name '", proto.name(), "'"));
    }
    settings->profile.depends_on.assign(proto.depends_on().begin(),
                                        proto.depends_on().end());
    all.push_back(*std::move(settings));
  }
  for (const SourceSettings& settings : all) {
    for (const std::string& other : settings.profile.depends_on) {
      if (names.count(other) != 0 && other != settings.profile.name) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": source '", settings.profile.name, "': 'depends_on' names '",
          verify::Printable(other), "', which is no other source"));
    }
  }
  return all;
}

std::map<std::string, std::string> FamiliesOf(
    const std::vector<SourceSettings>& sources) {
  std::map<std::string, std::string> families;
  for (const SourceSettings& source : sources) {
    families[source.profile.name] = source.profile.name;
  }
  // There are few: each pass joins what one link more connects.
  for (std::size_t pass = 0; pass < sources.size(); ++pass) {
    for (const SourceSettings& source : sources) {
      for (const std::string& other : source.profile.depends_on) {
        std::string& a = families[source.profile.name];
        std::string& b = families[other];
        a = b = std::min(a, b);
      }
    }
  }
  return families;
}

}  // namespace anchorage::trustd

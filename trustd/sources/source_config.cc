#include "trustd/sources/source_config.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "trustd/base/config_reader.h"
#include "trustd/sources/directory_source.h"
#include "trustd/sources/nitro_root_source.h"
#include "trustd/sources/printed_root_source.h"
#include "trustd/sources/regions_page_source.h"
#include "trustd/sources/upstream_source.h"
#include "trustd/sources/web_address.h"
#include "verify/anchor_set.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

using verify::AnchorKind;

constexpr absl::Duration kLeastInterval = absl::Seconds(10);
constexpr absl::Duration kMostInterval = absl::Hours(7 * 24);
constexpr int kLeastBytes = 1024;
constexpr int kMostBytes = 4 * 1024 * 1024;
constexpr int kNitroRootBytes = 64 * 1024;
constexpr std::size_t kMaxNameBytes = 64;
constexpr std::string_view kChina = "aws-cn";
constexpr std::string_view kGovCloud = "aws-us-gov";
constexpr std::string_view kCommercial[] = {"aws"};
constexpr std::string_view kPartitionsOfThePage[] = {"aws", "aws-us-gov",
                                                     "aws-eusc"};
constexpr std::string_view kAllPartitions[] = {"aws", "aws-us-gov", "aws-cn",
                                               "aws-eusc"};
constexpr int kLeastPublications = 2;

bool IsName(std::string_view text, std::string_view letters) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         text.find_first_not_of(letters) == text.npos;
}

// Reads one source; the first thing that is wrong is kept.
class Reader : private ConfigReader {
 public:
  Reader(v1::SourceConfig& proto, const std::string& path)
      : ConfigReader(path, absl::StrCat("source '", proto.name(), "'"), &proto),
        proto_(proto),
        row_(RowOf(proto.kind_case())) {}

  absl::StatusOr<SourceSettings> Read() && {
    settings_.profile.name = proto_.name();
    settings_.ca_path = Path(proto_.ca_path(), "ca_path");
    settings_.allow_loopback_http = proto_.allow_loopback_http();
    CheckName();
    ReadTimes();
    ReadLimits();
    ReadKind();
    ReadPartitions();
    ReadKinds();
    if (!status().ok()) return status();
    return std::move(settings_);
  }

 private:
  // A kind of source, and its defaults.
  struct Row {
    v1::SourceConfig::KindCase kind;
    void (Reader::*read)();
    absl::Span<const std::string_view> partitions;
    bool has_identity_keys = false;
    bool has_nitro_roots = false;
    // 0 where 'max_bytes' is refused.
    int max_bytes = 0;
  };
  static const Row kRows[5];
  static const Row* RowOf(v1::SourceConfig::KindCase kind);
  // "'regions_page', 'nitro_root' and so on".
  static std::string AllKinds();

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
    const bool is_fixed = row_ == nullptr || row_->max_bytes == 0;
    limits.max_bytes = static_cast<std::size_t>(
        is_fixed ? kMostBytes
                 : Within(proto_.max_bytes(), row_->max_bytes, kLeastBytes,
                          kMostBytes, "max_bytes"));
  }

  void ReadKind() {
    if (row_ == nullptr) {
      return Fail("one of " + AllKinds() + " is required");
    }
    if (row_->max_bytes == 0 && proto_.max_bytes() != 0) {
      Fail("'max_bytes' is not for this kind");
    }
    (this->*row_->read)();
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
    auto page = std::make_shared<RegionsPageSettings>();
    page->addresses.assign(given.begin(), given.end());
    if (page->addresses.empty() && IsFor(kChina)) {
      page->addresses.assign(std::begin(kAwsChinaPageAddresses),
                             std::end(kAwsChinaPageAddresses));
    } else if (page->addresses.empty()) {
      page->addresses.assign(std::begin(kAwsPageAddresses),
                             std::end(kAwsPageAddresses));
      if (std::count(proto_.partitions().begin(), proto_.partitions().end(),
                     kChina) > 0) {
        Fail(
            "China has a page of its own: give it a source of its own, with "
            "'partitions: [aws-cn]'");
      }
    }
    if (given.size() > kMaxAddresses) Fail("'addresses' are 8 at most");
    for (const std::string& address : page->addresses) CheckAddress(address);
    proto_.mutable_regions_page()->mutable_addresses()->Assign(
        page->addresses.begin(), page->addresses.end());
    settings_.kind = std::move(page);
  }

  void ReadNitroRoot() {
    auto root = std::make_shared<NitroRootSettings>();
    root->address = proto_.nitro_root().address().empty()
                        ? kNitroRootAddress
                        : proto_.nitro_root().address();
    CheckAddress(root->address);
    proto_.mutable_nitro_root()->set_address(root->address);
    settings_.kind = std::move(root);
  }

  void ReadPrintedRoot() {
    const v1::PrintedRootSource& given = proto_.printed_root();
    auto root = std::make_shared<PrintedRootSettings>();
    root->addresses.assign(given.addresses().begin(), given.addresses().end());
    root->publications =
        Within(given.publications(), kLeastPublications, kLeastPublications,
               kMaxAddresses, "printed_root.publications");
    if (proto_.partitions_size() > 1) {
      Fail("'partitions' is one alone: each has a root of its own");
    }
    if (root->addresses.empty()) {
      if (proto_.partitions_size() == 1 && !IsFor(kGovCloud)) {
        Fail("'addresses' is required for any partition but aws-us-gov");
      }
      root->addresses.assign(std::begin(kGovCloudPageAddresses),
                             std::end(kGovCloudPageAddresses));
    }
    if (root->addresses.size() > kMaxAddresses) {
      Fail("'addresses' are 8 at most");
    }
    for (const std::string& address : root->addresses) CheckAddress(address);
    proto_.mutable_printed_root()->mutable_addresses()->Assign(
        root->addresses.begin(), root->addresses.end());
    settings_.kind = std::move(root);
  }

  void ReadDirectory() {
    if (proto_.directory().path().empty()) Fail("'path' is required");
    if (!proto_.ca_path().empty() || proto_.allow_loopback_http()) {
      Fail("'ca_path' and 'allow_loopback_http' are not for 'directory'");
    }
    auto directory = std::make_shared<DirectorySettings>();
    directory->path = Path(proto_.directory().path(), "directory.path");
    settings_.kind = std::move(directory);
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
    if (upstream.metadata_url().empty() || upstream.root_path().empty()) {
      return Fail("'metadata_url' and 'root_path' are required");
    }
    auto settings = std::make_shared<UpstreamSettings>();
    settings->metadata_url = Folder(upstream.metadata_url(), "metadata_url");
    settings->targets_url = upstream.targets_url().empty()
                                ? settings->metadata_url + "targets/"
                                : Folder(upstream.targets_url(), "targets_url");
    settings->root_path = Path(upstream.root_path(), "upstream.root_path");
    proto_.mutable_upstream()->set_targets_url(settings->targets_url);
    settings_.kind = std::move(settings);
  }

  void ReadPartitions() {
    auto& partitions = settings_.profile.scope.partitions;
    partitions.assign(proto_.partitions().begin(), proto_.partitions().end());
    if (partitions.empty() && row_ != nullptr) {
      partitions.assign(row_->partitions.begin(), row_->partitions.end());
    }
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
    proto_.mutable_partitions()->Assign(partitions.begin(), partitions.end());
  }

  // The kinds of anchor that such a source can speak for.
  std::vector<AnchorKind> DefaultKinds() const {
    std::vector<AnchorKind> kinds;
    for (const auto& anchor : verify::kAnchorKinds) {
      if (row_ != nullptr &&
          (anchor.kind == AnchorKind::kNitroRoot ? row_->has_nitro_roots
                                                 : row_->has_identity_keys)) {
        kinds.push_back(anchor.kind);
      }
    }
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
    if (!kinds.empty()) return;
    kinds = can;
    for (const AnchorKind kind : can) {
      proto_.add_kinds(std::string(verify::NameOf(kind)));
    }
  }

  v1::SourceConfig& proto_;
  // nullptr for no kind.
  const Row* const row_;
  SourceSettings settings_;
};

const Reader::Row Reader::kRows[] = {
    {.kind = v1::SourceConfig::kRegionsPage,
     .read = &Reader::ReadRegionsPage,
     .partitions = kPartitionsOfThePage,
     .has_identity_keys = true,
     .max_bytes = kMostBytes},
    {.kind = v1::SourceConfig::kNitroRoot,
     .read = &Reader::ReadNitroRoot,
     .partitions = kCommercial,
     .has_nitro_roots = true,
     .max_bytes = kNitroRootBytes},
    {.kind = v1::SourceConfig::kPrintedRoot,
     .read = &Reader::ReadPrintedRoot,
     .partitions = absl::MakeConstSpan(&kGovCloud, 1),
     .has_nitro_roots = true,
     .max_bytes = kMostBytes},
    {.kind = v1::SourceConfig::kDirectory,
     .read = &Reader::ReadDirectory,
     .partitions = kAllPartitions,
     .has_identity_keys = true,
     .has_nitro_roots = true},
    {.kind = v1::SourceConfig::kUpstream,
     .read = &Reader::ReadUpstream,
     .partitions = kAllPartitions,
     .has_identity_keys = true,
     .has_nitro_roots = true},
};

const Reader::Row* Reader::RowOf(v1::SourceConfig::KindCase kind) {
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows),
                                [&](const Row& r) { return r.kind == kind; });
  return row == std::end(kRows) ? nullptr : row;
}

std::string Reader::AllKinds() {
  const auto* fields = v1::SourceConfig::descriptor();
  std::string names;
  for (const Row& row : kRows) {
    absl::StrAppend(&names,
                    names.empty()                  ? "'"
                    : &row == &*std::rbegin(kRows) ? "' and '"
                                                   : "', '",
                    fields->FindFieldByNumber(row.kind)->name());
  }
  return names + "'";
}

}  // namespace

absl::StatusOr<std::vector<SourceSettings>> ReadSourceSettings(
    google::protobuf::RepeatedPtrField<v1::SourceConfig>& sources,
    const std::string& path) {
  if (sources.size() > kMaxSources) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": 'sources' are ", kMaxSources, " at most"));
  }
  std::vector<SourceSettings> all;
  std::set<std::string> names;
  absl::Status failed;
  for (v1::SourceConfig& proto : sources) {
    auto settings = Reader(proto, path).Read();
    if (!settings.ok()) {
      // The others are read all the same, for their defaults.
      failed.Update(settings.status());
      continue;
    }
    if (!names.insert(proto.name()).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": two sources have the name '", proto.name(), "'"));
    }
    settings->profile.depends_on.assign(proto.depends_on().begin(),
                                        proto.depends_on().end());
    all.push_back(*std::move(settings));
  }
  if (!failed.ok()) return failed;
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
  // Each pass joins what one more link connects. There are few sources, so this
  // is cheap.
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

#include "trustd/regions/region_watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/no_throw.h"
#include "trustd/base/config_reader.h"
#include "trustd/regions/region_codes.h"
#include "trustd/sources/source_failure.h"
#include "trustd/sources/web_address.h"
#include "verify/partition.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;

// AWS's guide to its regions.
constexpr char kAddress[] =
    "https://docs.aws.amazon.com/global-infrastructure/latest/regions/"
    "aws-regions.html";
constexpr int kMaxIgnored = 256;

// All files of a folder one after the other, in the order of their names.
absl::StatusOr<std::string> ReadFolder(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator it(folder, error);
       !error && it != fs::directory_iterator(); it.increment(error)) {
    if (!it->path().filename().string().starts_with('.') &&
        it->is_regular_file(error)) {
      files.push_back(it->path().string());
    }
    if (files.size() > kMaxRegionFiles) {
      return absl::OutOfRangeError(
          absl::StrCat(folder, " has more than ", kMaxRegionFiles, " files"));
    }
  }
  if (error) return anchors::FileError(error.value(), "cannot read", folder);
  std::sort(files.begin(), files.end());
  std::string text;
  for (const std::string& file : files) {
    const auto bytes = anchors::ReadFile(file, kMaxRegionListBytes);
    if (!bytes.ok()) return bytes.status();
    absl::StrAppend(&text, *bytes, "\n");
    if (text.size() > kMaxRegionListBytes) {
      return absl::OutOfRangeError(absl::StrCat(folder, " is too large"));
    }
  }
  return text;
}

Alert AlertOf(const std::string& region, absl::Time now) {
  Alert alert;
  alert.kind = AlertKind::kRegionWithoutCertificate;
  alert.time = now;
  alert.subject = region;
  alert.text = absl::StrCat(
      "AWS lists the region ", region, " (partition ",
      std::string(verify::PartitionOfRegion(region)),
      "), and no anchor is pinned for it: products refuse its instances. Its "
      "certificates may not be on AWS's page yet");
  alert.facts = {{"region", region}};
  return alert;
}

}  // namespace

absl::StatusOr<RegionWatchSettings> ReadRegionWatch(
    v1::RegionWatchConfig& proto, const std::string& path) {
  ConfigReader reader(path, "'region_watch'", &proto);
  RegionWatchSettings settings;
  settings.path = reader.Path(proto.path(), "path");
  settings.address = proto.address();
  if (!settings.path.empty() && !settings.address.empty()) {
    reader.Fail("'address' and 'path' exclude each other");
  }
  if (settings.path.empty() && settings.address.empty()) {
    settings.address = reader.Set(kAddress, "address");
  }
  settings.allow_loopback_http = proto.allow_loopback_http();
  settings.ca_path = reader.Path(proto.ca_path(), "ca_path");
  if (!settings.address.empty()) {
    const absl::Status checked =
        CheckWebAddress(settings.address, settings.allow_loopback_http);
    if (!checked.ok()) reader.Fail(std::string(checked.message()));
  }
  settings.times.interval =
      reader.Within(proto.has_interval(), proto.interval(), absl::Hours(24),
                    absl::Seconds(10), absl::Hours(7 * 24), "interval");
  settings.times.jitter = settings.times.interval / 10;
  settings.times.max_backoff = settings.times.interval;
  if (proto.ignored_size() > kMaxIgnored) {
    reader.Fail(absl::StrCat("'ignored' has more than ", kMaxIgnored));
  }
  for (const std::string& region : proto.ignored()) {
    if (!verify::IsRegionCode(region)) {
      reader.Fail("'ignored' takes codes such as eu-west-1");
    }
    settings.ignored.insert(region);
  }
  if (!reader.status().ok()) return reader.status();
  return settings;
}

absl::StatusOr<std::unique_ptr<RegionWatch>> RegionWatch::Start(
    RegionWatchSettings settings, Pinned pinned, Clock clock,
    prometheus::Registry& registry) {
  auto watch = std::make_unique<RegionWatch>(
      std::move(settings), std::move(pinned), std::move(clock),
      &anchors::SteadyNow, nullptr, registry);
  if (!watch->settings_.address.empty()) {
    auto downloader = CurlDownloader::Create(
        {.ca_path = watch->settings_.ca_path,
         .allow_loopback_http = watch->settings_.allow_loopback_http,
         .cancelled = watch->cancelled_});
    if (!downloader.ok()) return downloader.status();
    watch->downloader_ = *std::move(downloader);
  }
  auto thread = anchors::StartThread([self = watch.get()] { self->Run(); });
  if (!thread.ok()) return thread.status();
  watch->thread_ = *std::move(thread);
  return watch;
}

RegionWatch::RegionWatch(RegionWatchSettings settings, Pinned pinned,
                         Clock clock, anchors::SteadyClock uptime,
                         std::unique_ptr<Downloader> downloader,
                         prometheus::Registry& registry)
    : settings_(std::move(settings)),
      pinned_(std::move(pinned)),
      clock_(std::move(clock)),
      uptime_(std::move(uptime)),
      downloader_(std::move(downloader)),
      last_success_(
          prometheus::BuildGauge()
              .Name("trustd_region_watch_last_success_timestamp_seconds")
              .Help("When AWS's list of regions was last read; 0: never.")
              .Register(registry)
              .Add({})),
      without_(prometheus::BuildGauge()
                   .Name("trustd_regions_without_certificate")
                   .Help("Regions that AWS lists and no anchor is for.")
                   .Register(registry)
                   .Add({})) {}

RegionWatch::~RegionWatch() {
  cancelled_->store(true);
  stopping_.Notify();
  if (thread_.joinable()) thread_.join();
}

void RegionWatch::Run() {
  absl::BitGen random;
  PollHistory history;
  absl::Duration wait;
  std::string said;
  do {
    const absl::Status looked = anchors::NoThrow([this] { return Look(); });
    history.failures = looked.ok() ? 0 : history.failures + 1;
    history.retry_after =
        looked.ok() ? std::nullopt : RetryAfterOf(looked, clock_());
    const std::string message(looked.message());
    if (!looked.ok() && message != said) {
      spdlog::warn("region watch: {}", message);
    }
    said = message;
    wait = UntilNextPoll(settings_.times, history,
                         absl::Uniform(random, 0.0, 1.0));
  } while (!stopping_.WaitFor(wait));
}

absl::StatusOr<std::string> RegionWatch::Read() const {
  if (settings_.path.empty()) {
    const auto page = downloader_->Get(
        {.url = settings_.address, .max_bytes = kMaxRegionListBytes});
    if (!page.ok()) return page.status();
    return page->body;
  }
  std::error_code error;
  return fs::is_directory(settings_.path, error)
             ? ReadFolder(settings_.path)
             : anchors::ReadFile(settings_.path, kMaxRegionListBytes);
}

absl::Status RegionWatch::Look() {
  const auto text = Read();
  const std::set<std::string> pinned = pinned_();
  std::set<std::string> listed;
  absl::Status status = text.status();
  if (status.ok()) {
    listed = RegionCodesIn(*text);
    const auto known = std::count_if(
        listed.begin(), listed.end(),
        [&](const std::string& region) { return pinned.contains(region); });
    if (2 * static_cast<std::size_t>(known) < pinned.size() ||
        listed.size() >= kMaxRegionCodes) {
      status = absl::FailedPreconditionError(absl::StrCat(
          "what was read names ", listed.size(), " regions, and ", known,
          " of the ", pinned.size(),
          " that are pinned: it is cut, or no list of AWS's regions"));
    }
  }
  const absl::MutexLock lock(&mutex_);
  state_.last = status;
  if (!status.ok()) {
    ++state_.failures;
    return status;
  }
  state_.failures = 0;
  state_.last_success = clock_();
  state_.without.clear();
  for (const std::string& region : listed) {
    if (pinned.contains(region) || settings_.ignored.contains(region)) continue;
    state_.without.insert(region);
    const auto told = told_.find(region);
    if (told != told_.end() &&
        uptime_() - told->second < kBetweenRegionAlerts) {
      continue;
    }
    told_[region] = uptime_();
    alerts_.push_back(AlertOf(region, clock_()));
  }
  last_success_.Set(
      static_cast<double>(absl::ToUnixSeconds(state_.last_success)));
  without_.Set(static_cast<double>(state_.without.size()));
  std::erase_if(told_, [this](const auto& entry) {
    return !state_.without.contains(entry.first);
  });
  return absl::OkStatus();
}

std::vector<Alert> RegionWatch::TakeAlerts() {
  const absl::MutexLock lock(&mutex_);
  return std::exchange(alerts_, {});
}

void RegionWatch::NotTold(const std::string& region) {
  const absl::MutexLock lock(&mutex_);
  told_.erase(region);
}

RegionWatchState RegionWatch::state() const {
  const absl::MutexLock lock(&mutex_);
  return state_;
}

}  // namespace anchorage::trustd

#include "trustd/service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "trustd/keys.h"
#include "trustd/rocksdb_store.h"

namespace anchorage::trustd {
namespace {

// How soon a failed signing is tried again, and how often we look.
constexpr absl::Duration kRenewalCheck = absl::Seconds(30);

// How often we look for what people have signed.
constexpr absl::Duration kCeremonyCheck = absl::Seconds(2);

// How long before its end a file that people must sign is warned of, and how
// often.
constexpr absl::Duration kEndsSoon = absl::Hours(60 * 24);
constexpr absl::Duration kWarningInterval = absl::Hours(24);

// Leaves the first root beside the store, where people find what to build
// into their clients. The store is what counts.
absl::Status ShowFirstRoot(const Config& config, const std::string& root) {
  const std::string path = config.data_dir + "/1.root.json";
  const auto there = anchors::ReadFile(path, root.size());
  if (there.ok() && *there == root) return absl::OkStatus();
  return anchors::WriteFileAtomically(path, root);
}

void LogStart(const Config& config, const Publication& publication,
              const std::string& address, const std::string& http_address) {
  if (config.mode == v1::TrustdConfig::MODE_ONLINE) {
    spdlog::warn(
        "mode ONLINE: the keys of root and targets are on this host; whoever "
        "takes it over can add anchors");
  } else {
    spdlog::info("mode OFFLINE: this host holds the key of snapshot and "
                 "timestamp only; people sign in {}",
                 config.ceremony_dir);
  }
  spdlog::info("serving sequence {}: {} anchors, {} regions, on {}",
               publication.catalog.sequence,
               publication.catalog.anchors.size(), publication.region_count,
               address);
  if (!http_address.empty()) {
    spdlog::info("http://{}/tuf/ has the same as files", http_address);
  }
  if (publication.releases.has_value()) {
    spdlog::info("releases: sequence {}, {} of them",
                 publication.releases->sequence,
                 publication.releases->releases.size());
  }
}

// Returns the text of the configured list of releases, checked so that a
// message can name the file; empty for none.
absl::StatusOr<std::string> ReadReleases(const Config& config) {
  if (config.releases_path.empty()) return std::string();
  auto text =
      anchors::ReadFile(config.releases_path, anchors::kMaxReleasesBytes);
  if (!text.ok()) return text.status();
  if (const auto list = anchors::ParseReleases(*text); !list.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.releases_path, ": ", list.status().message()));
  }
  return text;
}

}  // namespace

Service::Service(const Config& config, Clock clock, anchors::FolderLock lock,
                 std::unique_ptr<Store> store)
    : config_(config),
      clock_(std::move(clock)),
      lock_(std::move(lock)),
      store_(std::move(store)),
      metrics_(config.mode) {}

Service::~Service() { Stop(); }

absl::StatusOr<std::unique_ptr<Service>> Service::Start(const Config& config,
                                                        Clock clock) {
  auto releases = ReadReleases(config);
  if (!releases.ok()) return releases.status();
  if (absl::Status s = anchors::MakeFolder(config.data_dir); !s.ok()) return s;
  auto lock = anchors::FolderLock::Take(config.data_dir);
  if (!lock.ok()) return lock.status();
  auto store = RocksDbStore::Open(config.data_dir + "/store");
  if (!store.ok()) return store.status();
  std::unique_ptr<Service> service(
      new Service(config, std::move(clock), *std::move(lock),
                  *std::move(store)));
  // What the program is built with: the first catalog of a new repository.
  auto seed = anchors::ParseCatalog(anchors::DefaultBakedBundle().catalog);
  if (!seed.ok()) return seed.status();
  auto publisher = Publisher::Open(service->config_, *service->store_,
                                   service->hub_, *std::move(seed),
                                   *std::move(releases), service->clock_());
  if (!publisher.ok()) return publisher.status();
  service->publisher_ = *std::move(publisher);
  if (absl::Status s = ShowFirstRoot(
          service->config_, service->hub_.Current()->roots.front());
      !s.ok()) {
    return s;
  }
  if (absl::Status s = service->Listen(); !s.ok()) return s;
  LogStart(service->config_, *service->hub_.Current(), service->address(),
           service->http_address());
  service->renewer_ = std::thread(&Service::RenewLoop, service.get());
  return service;
}

void Service::TakeSigned(std::string& last_failure) {
  const auto taken = publisher_->TakeSigned(clock_());
  if (taken.ok()) {
    last_failure.clear();
    if (*taken) {
      const auto publication = hub_.Current();
      spdlog::info("published what people have signed: root {}, targets {}, "
                   "sequence {}",
                   publication->roots.size(), publication->targets_version,
                   publication->catalog.sequence);
    }
    return;
  }
  const std::string failure(taken.status().message());
  if (failure == last_failure) return;
  last_failure = failure;
  spdlog::error("what is in {} is not published: {}; the old bundle is served "
                "on",
                config_.ceremony_dir, failure);
}

void Service::WarnOfEnds(absl::Time& last_warning) {
  const absl::Time now = clock_();
  if (now - last_warning < kWarningInterval) return;
  last_warning = now;
  for (const RoleFacts& role : hub_.Current()->roles) {
    const absl::Duration left = role.expires - now;
    const bool for_people = role.role == "root" || role.role == "targets";
    if (for_people && left < kEndsSoon) {
      spdlog::warn("{} ends on {}: sign it again with trustctl", role.role,
                   absl::FormatTime(absl::RFC3339_sec, role.expires,
                                    absl::UTCTimeZone()));
    }
  }
}

absl::Status Service::Listen() {
  auto server = Server::Start(config_, hub_, metrics_);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  if (config_.http_listen_address.empty()) return absl::OkStatus();
  auto http = HttpListener::Start(config_.http_listen_address, hub_, metrics_);
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  return absl::OkStatus();
}

void Service::RenewLoop() {
  const bool offline = config_.mode == v1::TrustdConfig::MODE_OFFLINE;
  std::string last_failure;
  absl::Time last_warning = absl::InfinitePast();
  while (!stopping_.WaitForNotificationWithTimeout(
      std::min(offline ? kCeremonyCheck : kRenewalCheck,
               config_.timestamp_interval / 2))) {
    if (offline) {
      TakeSigned(last_failure);
      WarnOfEnds(last_warning);
    }
    const absl::Status status = publisher_->RenewIfDue(clock_());
    if (!status.ok()) {
      spdlog::error("cannot sign again: {}; the old metadata is served on",
                    std::string(status.message()));
    }
  }
}

void Service::Stop() {
  if (stopping_.HasBeenNotified()) return;
  stopping_.Notify();
  if (http_ != nullptr) http_->Stop();
  if (server_ != nullptr) server_->Stop();
  if (renewer_.joinable()) renewer_.join();
}

}  // namespace anchorage::trustd

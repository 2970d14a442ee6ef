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

// Leaves the first root beside the store, where people find what to build
// into their clients. The store is what counts.
absl::Status ShowFirstRoot(const Config& config, const std::string& root) {
  const std::string path = config.data_dir + "/1.root.json";
  const auto there = anchors::ReadFile(path, root.size());
  if (there.ok() && *there == root) return absl::OkStatus();
  return anchors::WriteFileAtomically(path, root);
}

void LogStart(const Config& config, const Publication& publication,
              const std::string& address) {
  if (config.mode == v1::TrustdConfig::MODE_ONLINE) {
    spdlog::warn(
        "mode ONLINE: the keys of root and targets are on this host; whoever "
        "takes it over can add anchors");
  }
  spdlog::info("serving sequence {}: {} anchors, {} regions, on {}",
               publication.catalog.sequence,
               publication.catalog.anchors.size(), publication.region_count,
               address);
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
      store_(std::move(store)) {}

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
  auto server = Server::Start(service->config_, service->hub_);
  if (!server.ok()) return server.status();
  service->server_ = *std::move(server);
  LogStart(service->config_, *service->hub_.Current(), service->address());
  service->renewer_ = std::thread(&Service::RenewLoop, service.get());
  return service;
}

void Service::RenewLoop() {
  while (!stopping_.WaitForNotificationWithTimeout(
      std::min(kRenewalCheck, config_.timestamp_interval / 2))) {
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
  if (server_ != nullptr) server_->Stop();
  if (renewer_.joinable()) renewer_.join();
}

}  // namespace anchorage::trustd

#include "test/crash/crash_operations.h"

#include <iostream>
#include <utility>
#include <vector>

#include "anchors/baked/baked.h"
#include "anchors/base/atomic_file.h"
#include "anchors/publishing/ceremony.h"
#include "test/crash/crash_points.h"
#include "test/crash/crash_rotation.h"
#include "test/crash/crash_runner.h"
#include "test/support/publish_for_tests.h"
#include "test/support/repository_simulator.h"
#include "trustd/base/headed_store.h"
#include "trustd/base/rocksdb_store.h"
#include "trustd/service.h"

namespace anchorage::test {
namespace {

using trustd::Store;
using trustd::StoreBatch;

// RocksDB's own steps are not seen: it is killed before and after a commit
// here, and at any time in kPublishForEver.
class CrashingStore final : public Store {
 public:
  explicit CrashingStore(std::unique_ptr<Store> store)
      : store_(std::move(store)) {}

  absl::StatusOr<std::optional<std::string>> Get(
      std::string_view key) const override {
    return store_->Get(key);
  }
  absl::Status Commit(const StoreBatch& batch) override {
    CrashPoint();
    absl::Status status = store_->Commit(batch);
    CrashPoint();
    return status;
  }
  absl::Status Scan(
      std::string_view prefix,
      const std::function<bool(std::string_view, std::string_view)>& visit)
      const override {
    return store_->Scan(prefix, visit);
  }

 private:
  const std::unique_ptr<Store> store_;
};

absl::Status Refresh(const std::string& folder, const std::string& url) {
  const auto client = MakeClient(folder, url);
  if (!client.ok()) return client.status();
  return (*client)->Refresh();
}

absl::Status StartService(const std::string& folder) {
  const auto service =
      trustd::Service::Start(ConfigIn(folder), [] { return kNow; });
  return service.status();
}

absl::Status Publish(const std::string& folder, bool for_ever) {
  const auto open = OpenIn(folder);
  if (!open.ok()) return open.status();
  do {
    const auto sequence = trustd::PublishForTests(
        *(*open)->publisher, (*open)->hub, SeedCatalog(), kNow);
    if (!sequence.ok()) return sequence.status();
    if (for_ever) std::cout << *sequence << std::endl;
  } while (for_ever);
  return absl::OkStatus();
}

absl::Status Renew(const std::string& folder) {
  const auto open = OpenIn(folder);
  if (!open.ok()) return open.status();
  return (*open)->publisher->RenewIfDue(kNow + kDay);
}

}  // namespace

anchors::Catalog SeedCatalog() {
  return *anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
}

absl::StatusOr<std::unique_ptr<client::TrustClient>> MakeClient(
    const std::string& folder, const std::string& url) {
  auto root = anchors::ReadFile(folder + ".root", anchors::tuf::kMaxRootBytes);
  if (!root.ok()) return root.status();
  client::TrustClientOptions options;
  options.metadata_url = url;
  options.trusted_root = *std::move(root);
  options.cache_folder = folder;
  options.background_refresh = false;
  options.clock = [] { return kNow; };
  return client::TrustClient::Create(std::move(options));
}

trustd::Config ConfigIn(const std::string& folder) {
  return *trustd::ParseConfig("data_dir: " + folder +
                                  "\nmode: MODE_ONLINE\n"
                                  "listen_address: 127.0.0.1:0\n",
                              "/test.yaml");
}

absl::StatusOr<std::unique_ptr<OpenPublisher>> OpenIn(
    const std::string& folder) {
  auto open = std::make_unique<OpenPublisher>();
  open->config = ConfigIn(folder);
  auto store = trustd::RocksDbStore::Open(folder + "/store");
  if (!store.ok()) return store.status();
  auto headed = trustd::HeadedStore::Open(
      std::make_unique<CrashingStore>(*std::move(store)),
      folder + "/store.head");
  if (!headed.ok()) return headed.status();
  open->hub.SetSigning((*headed)->went_back());
  open->store = *std::move(headed);
  auto publisher =
      trustd::Publisher::Open(trustd::PublisherConfigOf(open->config),
                              *open->store, open->hub, SeedCatalog(), {}, kNow);
  if (!publisher.ok()) return publisher.status();
  open->publisher = *std::move(publisher);
  return open;
}

absl::Status Propose(const std::string& folder, std::uint64_t sequence) {
  anchors::Catalog catalog = SeedCatalog();
  catalog.sequence = sequence;
  return anchors::ProposeTargets(folder,
                                 {{std::string(anchors::kCatalogTargetPath),
                                   anchors::SerializeCatalog(catalog)}},
                                 kNow + 365 * kDay, kNow);
}

absl::Status Perform(const std::vector<std::string>& arguments) {
  const std::string& what = arguments[0];
  const std::string& folder = arguments[1];
  if (what == kRefresh) return Refresh(folder, arguments[2]);
  if (what == kStart) return StartService(folder);
  if (what == kPublish) return Publish(folder, /*for_ever=*/false);
  if (what == kPublishForEver) return Publish(folder, /*for_ever=*/true);
  if (what == kRotate) return Rotate(folder);
  if (what == kRotateInService) return RotateInService(folder);
  if (what == kRenew) return Renew(folder);
  if (what == kPublishRoot)
    return anchors::PublishRootDraft(folder, kNow).status();
  if (what == kPropose) return Propose(folder, 2);
  if (what == kSign) {
    const auto shown = anchors::ReadCeremony(folder);
    if (!shown.ok()) return shown.status();
    return anchors::SignDraft(folder, *shown, anchors::DraftKind::kTargets,
                              *anchors::tuf::TestKey(1), kNow);
  }
  if (what == kPublishTargets) {
    return anchors::PublishTargetsDraft(folder, kNow).status();
  }
  return absl::InvalidArgumentError(what);
}

}  // namespace anchorage::test

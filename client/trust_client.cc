#include "client/trust_client.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "client/bundle.h"
#include "client/bundle_cache.h"
#include "client/grpc_fetcher.h"
#include "client/http/http_fetcher.h"
#include "verify/attestation/chain_cache.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;

constexpr absl::Duration kMaxMaxStale = absl::Hours(365 * 24);
constexpr absl::Duration kFirstRetry = absl::Seconds(5);

absl::Status CheckOptions(const TrustClientOptions& options) {
  if (!options.server.empty() && !options.metadata_url.empty()) {
    return absl::InvalidArgumentError(
        "'server' and 'metadata_url' are two ways to ask: set one");
  }
  if (!options.targets_url.empty() && options.metadata_url.empty()) {
    return absl::InvalidArgumentError("'targets_url' needs 'metadata_url'");
  }
  const bool needs_root = !options.server.empty() ||
                          !options.metadata_url.empty() ||
                          !options.cache_folder.empty();
  if (needs_root && options.trusted_root.empty()) {
    return absl::InvalidArgumentError(
        "a server or a cache needs 'trusted_root': the root.json of your "
        "trustd, from a channel that you trust");
  }
  if (options.max_stale < absl::ZeroDuration() ||
      options.max_stale > kMaxMaxStale) {
    return absl::InvalidArgumentError("'max_stale' is from 0 to 365 days");
  }
  if (options.refresh_interval < absl::Seconds(1) ||
      options.rpc_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "'refresh_interval' is at least 1 s and 'rpc_timeout' above 0");
  }
  if (options.trusted_root.empty()) return absl::OkStatus();
  if (anchors::IsBuildKeyRoot(options.trusted_root)) {
    return absl::InvalidArgumentError(
        "'trusted_root' is that of the baked-in set, whose key is public: use "
        "the root.json of your trustd");
  }
  return tuf::TrustedSet::FromRoot(options.trusted_root, absl::InfinitePast())
      .status();
}

// The repository of `metadata_url`; null where there is none.
absl::StatusOr<std::unique_ptr<HttpFetcher>> OpenRepository(
    const TrustClientOptions& options) {
  if (options.metadata_url.empty()) return nullptr;
  HttpRepository repository;
  repository.metadata_url = options.metadata_url;
  if (!repository.metadata_url.ends_with('/')) repository.metadata_url += '/';
  repository.targets_url = options.targets_url.empty()
                               ? repository.metadata_url + "targets/"
                               : options.targets_url;
  repository.tls_roots_pem = options.tls_roots_pem;
  repository.timeout = options.rpc_timeout;
  return HttpFetcher::Create(std::move(repository));
}

// The version of a root; 0 for no root.
std::int64_t VersionOf(const std::string& root) {
  const auto parsed = tuf::ParseRoot(root);
  return parsed.ok() ? parsed->envelope.version : 0;
}

// What must not be gone back behind after `bundle`.
Floor FloorOf(const Bundle& bundle) {
  Floor floor;
  floor.catalog = bundle.anchors->provenance().sequence;
  if (bundle.release_list != nullptr) {
    floor.releases = bundle.release_list->sequence;
  }
  return floor;
}

}  // namespace

verify::Freshness FreshnessOf(const verify::AnchorProvenance& provenance,
                              absl::Duration max_stale, absl::Time now) {
  if (provenance.origin == verify::Origin::kBakedIn) {
    return verify::Freshness::kBakedIn;
  }
  if (now <= provenance.fresh_until) return verify::Freshness::kFresh;
  if (now <= provenance.fresh_until + max_stale) {
    return verify::Freshness::kStale;
  }
  return verify::Freshness::kExpired;
}

class TrustClient::Engine {
 public:
  Engine(TrustClientOptions options, Bundle baked,
         std::unique_ptr<HttpFetcher> repository)
      : options_(std::move(options)),
        clock_(options_.clock ? options_.clock : [] { return absl::Now(); }),
        built_(baked.anchors->provenance().as_of),
        floor_(anchors::IsBuildKeyRoot(options_.baked.root) ? Floor()
                                                            : FloorOf(baked)),
        first_root_version_(VersionOf(options_.trusted_root)),
        repository_(std::move(repository)),
        cache_(options_.cache_folder),
        current_(std::make_shared<const Bundle>(std::move(baked))) {
    if (!options_.server.empty()) {
      connection_.emplace(GrpcEndpoint{.server = options_.server,
                                       .plaintext = options_.plaintext,
                                       .tls_roots_pem = options_.tls_roots_pem,
                                       .timeout = options_.rpc_timeout});
    }
    if (!options_.cache_folder.empty()) {
      absl::MutexLock lock(&refresh_mutex_);
      LoadCache();
    }
    if (has_server() && options_.background_refresh) {
      refresher_ = std::thread(&Engine::RefreshLoop, this);
    }
  }

  ~Engine() {
    stopping_.Notify();
    if (connection_.has_value()) connection_->Cancel();
    if (repository_ != nullptr) repository_->Cancel();
    if (refresher_.joinable()) refresher_.join();
  }

  std::shared_ptr<const Bundle> current() const {
    absl::MutexLock lock(&mutex_);
    return current_;
  }

  absl::Time Now() const { return clock_(); }
  const TrustClientOptions& options() const { return options_; }
  verify::ChainCache& chains() { return chains_; }

  TrustClientState state() const {
    const absl::Time now = Now();
    absl::MutexLock lock(&mutex_);
    TrustClientState state = state_;
    state.provenance = current_->anchors->provenance();
    state.freshness =
        FreshnessOf(state.provenance, options_.max_stale, now);
    state.anchors = static_cast<int>(current_->anchors->anchors().size());
    state.regions = current_->regions;
    if (current_->releases != nullptr) {
      state.releases = static_cast<int>(current_->releases->releases().size());
    }
    return state;
  }

  absl::Status Refresh() {
    if (!has_server()) {
      return absl::FailedPreconditionError(
          "no 'server' and no 'metadata_url' to ask");
    }
    absl::MutexLock refreshing(&refresh_mutex_);
    absl::Status status = Fetch();
    absl::MutexLock lock(&mutex_);
    state_.last_refresh = status;
    state_.cache = cache_.status();
    if (status.ok()) {
      ++state_.refreshed;
    } else if (WasUnreachable(status)) {
      ++state_.unreachable;
    } else {
      ++state_.rejected;
    }
    return status;
  }

 private:
  bool has_server() const {
    return connection_.has_value() || repository_ != nullptr;
  }

  static bool WasUnreachable(const absl::Status& status) {
    const auto reason = tuf::TufReasonOf(status);
    return reason == tuf::TufReason::kFetchFailed ||
           reason == tuf::TufReason::kFileNotOnServer;
  }

  // Adopts what the folder holds if it verifies; whatever is wrong with it is
  // recorded and nothing else.
  void LoadCache() ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    if (const auto files = cache_.LoadBundle(); files.has_value()) {
      auto bundle = OpenFiles(options_.trusted_root, *files, built_, floor_);
      if (bundle.ok()) {
        Adopt(*std::move(bundle));
      } else {
        cache_.Report(absl::Status(
            bundle.status().code(),
            absl::StrCat("the cache was not used: ",
                         bundle.status().message())));
      }
    }
    absl::MutexLock lock(&mutex_);
    state_.cache = cache_.status();
  }

  absl::Status Fetch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    const absl::Time now = Now();
    const std::shared_ptr<const Bundle> held = current();
    // A clock that was set back must not make expired metadata fresh.
    const absl::Time at_least =
        std::max(now, held->anchors->provenance().as_of);
    const bool from_repository =
        held->anchors->provenance().origin != verify::Origin::kBakedIn;
    std::optional<GrpcFetcher> grpc;
    if (connection_.has_value()) {
      grpc.emplace(*connection_,
                   from_repository ? held->versions : v1::BundleVersions(),
                   from_repository ? held->files.timestamp() : std::string());
    }
    tuf::Fetcher* const fetcher =
        grpc.has_value() ? static_cast<tuf::Fetcher*>(&*grpc)
                         : repository_.get();
    auto updater = tuf::Updater::Create(options_.trusted_root, at_least,
                                        fetcher, &cache_);
    if (!updater.ok()) return updater.status();
    if (grpc.has_value()) {
      grpc->SetRootVersion(updater->trusted().root().envelope.version);
    }
    const absl::Status refreshed = updater->Refresh();
    if (updater->equivocation_seen()) {
      absl::MutexLock lock(&mutex_);
      ++state_.equivocations;
    }
    if (!refreshed.ok()) return refreshed;

    const auto catalog = FindTarget(*updater, anchors::kCatalogTargetPath,
                                    held->files.catalog());
    if (!catalog.ok()) return catalog.status();
    auto releases = FindTarget(*updater, anchors::kReleasesTargetPath,
                               held->files.releases());
    if (tuf::TufReasonOf(releases.status()) ==
        tuf::TufReason::kTargetNotFound) {
      releases = std::string();  // A bundle may have none.
    }
    if (!releases.ok()) return releases.status();
    auto bundle = MakeBundle(updater->trusted(), NewerRoots(*updater),
                             {*catalog, *releases}, verify::Origin::kServer,
                             now, from_repository ? FloorOf(*held) : floor_);
    if (!bundle.ok()) return bundle.status();
    if (!from_repository || bundle->files.timestamp() !=
                                held->files.timestamp()) {
      cache_.SaveBundle(bundle->files);
    }
    Adopt(*std::move(bundle));
    return absl::OkStatus();
  }

  // Returns the target that the updater's metadata names: the held one if it
  // is that, otherwise fetched.
  static absl::StatusOr<std::string> FindTarget(tuf::Updater& updater,
                                                std::string_view path,
                                                const std::string& held) {
    if (updater.trusted().VerifyTarget(path, held).ok()) return held;
    const auto target = updater.FindTarget(path);
    if (!target.ok()) return target.status();
    return updater.DownloadTarget(path, *target);
  }

  // The roots from the one after the trusted root to the updater's.
  std::vector<std::string> NewerRoots(const tuf::Updater& updater)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    std::vector<std::string> roots;
    for (std::int64_t version = first_root_version_ + 1;
         version < updater.trusted().root().envelope.version; ++version) {
      roots.push_back(
          cache_
              .Load(absl::StrCat("root_history/", version, ".root.json"),
                    tuf::kMaxRootBytes)
              .value_or(""));
    }
    if (updater.trusted().root().envelope.version > first_root_version_) {
      roots.push_back(updater.trusted().root().envelope.bytes);
    }
    return roots;
  }

  void Adopt(Bundle bundle) {
    auto next = std::make_shared<const Bundle>(std::move(bundle));
    absl::MutexLock lock(&mutex_);
    current_ = std::move(next);
  }

  void RefreshLoop() {
    absl::BitGen random;
    int failures = 0;
    absl::Duration pause;
    while (!stopping_.WaitForNotificationWithTimeout(pause)) {
      failures = Refresh().ok() ? 0 : failures + 1;
      pause = options_.refresh_interval;
      if (failures > 0) {
        // 5 s, 10 s, 20 s, ... and never more than the interval.
        pause = std::min(pause, kFirstRetry * (1 << std::min(failures - 1, 16)));
      }
      // So that a fleet that started together does not ask together.
      pause *= absl::Uniform(random, 0.9, 1.1);
    }
  }

  const TrustClientOptions options_;
  const std::function<absl::Time()> clock_;
  // When the baked-in set was made: no clock may read earlier.
  const absl::Time built_;
  const Floor floor_;
  const std::int64_t first_root_version_;
  // At most one of the two is there.
  std::optional<GrpcConnection> connection_;
  const std::unique_ptr<HttpFetcher> repository_;
  verify::ChainCache chains_;

  // One refresh at a time; held while the network is waited for.
  absl::Mutex refresh_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  BundleCache cache_ ABSL_GUARDED_BY(refresh_mutex_);

  mutable absl::Mutex mutex_;
  std::shared_ptr<const Bundle> current_ ABSL_GUARDED_BY(mutex_);
  // Its counters and statuses; the rest is filled in when it is asked for.
  TrustClientState state_ ABSL_GUARDED_BY(mutex_);

  absl::Notification stopping_;
  std::thread refresher_;
};

TrustClient::TrustClient(std::unique_ptr<Engine> engine)
    : engine_(std::move(engine)) {}

TrustClient::~TrustClient() = default;

absl::StatusOr<std::unique_ptr<TrustClient>> TrustClient::Create(
    TrustClientOptions options) {
  if (options.trusted_root.empty() &&
      !anchors::IsBuildKeyRoot(options.baked.root)) {
    options.trusted_root = std::string(options.baked.root);
  }
  if (absl::Status s = CheckOptions(options); !s.ok()) return s;
  auto baked = OpenBaked(options.baked);
  if (!baked.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the baked-in bundle does not verify: ", baked.status().message()));
  }
  auto repository = OpenRepository(options);
  if (!repository.ok()) return repository.status();
  return std::unique_ptr<TrustClient>(new TrustClient(std::make_unique<Engine>(
      std::move(options), *std::move(baked), *std::move(repository))));
}

std::shared_ptr<const verify::AnchorSet> TrustClient::anchors() const {
  return engine_->current()->anchors;
}

std::shared_ptr<const verify::ReleaseSet> TrustClient::releases() const {
  return engine_->current()->releases;
}

std::shared_ptr<const anchors::ReleaseList> TrustClient::release_list() const {
  return engine_->current()->release_list;
}

TrustClientState TrustClient::state() const { return engine_->state(); }

absl::Status TrustClient::Refresh() { return engine_->Refresh(); }

namespace {

// Reads the clock once, takes the current set, and calls `call` with both;
// fails with kAnchorsExpired where the caller's policy for such a set says so.
template <typename Result, typename EngineType, typename Call>
absl::StatusOr<Result> VerifyWithCurrent(const EngineType& engine,
                                         WhenExpired when_expired, Call call) {
  const absl::Time now = engine.Now();
  const std::shared_ptr<const verify::AnchorSet> anchors =
      engine.current()->anchors;
  if (when_expired == WhenExpired::kRefuse &&
      FreshnessOf(anchors->provenance(), engine.options().max_stale, now) ==
          verify::Freshness::kExpired) {
    return verify::Reject(
        verify::Reason::kAnchorsExpired,
        absl::StrCat("the anchors were fresh until ",
                     absl::FormatTime(anchors->provenance().fresh_until)));
  }
  return call(*anchors, now);
}

}  // namespace

absl::StatusOr<verify::VerifiedIdentity> TrustClient::VerifyIdentity(
    const verify::IdentityEvidence& evidence,
    const verify::IdentityPolicy& policy, const verify::ReplayCheck* replay,
    verify::Trace* trace) const {
  return VerifyWithCurrent<verify::VerifiedIdentity>(
      *engine_, engine_->options().identity_when_expired,
      [&](const verify::AnchorSet& anchors, absl::Time now) {
        return verify::VerifyIdentity(evidence, anchors, policy, now, replay,
                                      trace);
      });
}

absl::StatusOr<verify::VerifiedEnclave> TrustClient::VerifyEnclave(
    std::string_view document, const verify::EnclavePolicy& policy,
    verify::Trace* trace) const {
  return VerifyWithCurrent<verify::VerifiedEnclave>(
      *engine_, engine_->options().attestation_when_expired,
      [&](const verify::AnchorSet& anchors, absl::Time now) {
        return verify::VerifyEnclave(document, anchors, policy, now,
                                     &engine_->chains(), trace);
      });
}

absl::StatusOr<verify::VerifiedNitroTpm> TrustClient::VerifyNitroTpm(
    std::string_view document, const verify::NitroTpmPolicy& policy,
    verify::Trace* trace) const {
  return VerifyWithCurrent<verify::VerifiedNitroTpm>(
      *engine_, engine_->options().attestation_when_expired,
      [&](const verify::AnchorSet& anchors, absl::Time now) {
        return verify::VerifyNitroTpm(document, anchors, policy, now,
                                      &engine_->chains(), trace);
      });
}

}  // namespace anchorage::client

#include "client/trust_client.h"

#include <atomic>
#include <climits>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "anchors/base/no_throw.h"
#include "anchors/base/steady_clock.h"
#include "anchors/releases.h"
#include "anchors/tuf/tuf_error.h"
#include "client/anchor_keeper.h"
#include "client/bundle.h"
#include "client/disk_cache_folder.h"
#include "client/ladder.h"
#include "client/refresher.h"
#include "verify/attestation/chain_cache.h"
#include "verify/crypto/public_key.h"
#include "verify/fork_safe_mutex.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;

using verify::ForkSafeLock;
using verify::ForkSafeMutex;

constexpr absl::Duration kMaxMaxStale = absl::Hours(365 * 24);
constexpr absl::Duration kMaxRpcTimeout = absl::Hours(1);

bool IsOfNobody(const absl::Status& status) {
  const auto reason = tuf::TufReasonOf(status);
  return reason == tuf::TufReason::kFetchFailed ||
         reason == tuf::TufReason::kFileNotOnServer;
}

// Returns why signed files were refused: where this process has no provider
// that could verify them, they are not at fault.
absl::Status OrNoProvider(absl::Status refused) {
  if (refused.ok() || IsOfNobody(refused) || verify::IsUndecided(refused)) {
    return refused;
  }
  constexpr auto kSha256 = verify::HashAlgorithm::kSha256;
  if (verify::Hash(kSha256, "").size == 0) {
    return verify::HashUnavailable(kSha256);
  }
  absl::Status offered = verify::CheckOffered(verify::KeyType::kEd25519);
  return offered.ok() ? refused : offered;
}

absl::Status CheckOptions(const TrustClientOptions& options) {
  if (!options.server.empty() && !options.metadata_url.empty()) {
    return absl::InvalidArgumentError(
        "a server and a URL are two ways to ask: set one");
  }
  if (!options.targets_url.empty() && options.metadata_url.empty()) {
    return absl::InvalidArgumentError(
        "a URL of targets needs one of the metadata");
  }
  const bool needs_root = !options.server.empty() ||
                          !options.metadata_url.empty() ||
                          !options.cache_folder.empty();
  if (needs_root && options.trusted_root.empty()) {
    return absl::InvalidArgumentError(
        "a server or a cache needs a trusted root: the root.json of your "
        "trustd, from a channel that you trust");
  }
  if (options.max_stale < absl::ZeroDuration() ||
      options.max_stale > kMaxMaxStale) {
    return absl::InvalidArgumentError(
        "how long a set is STALE is from 0 to 365 days");
  }
  if (options.refresh_interval < absl::Seconds(1) ||
      options.refresh_interval == absl::InfiniteDuration() ||
      options.rpc_timeout < absl::Milliseconds(1) ||
      options.rpc_timeout > kMaxRpcTimeout) {
    return absl::InvalidArgumentError(
        "the refresh interval is at least 1 s and finite, the timeout from 1 "
        "ms "
        "to 1 h");
  }
  if (options.trusted_root.empty()) return absl::OkStatus();
  if (anchors::IsBuildKeyRoot(options.trusted_root)) {
    return absl::InvalidArgumentError(
        "the trusted root is that of the baked-in set, whose key is public: "
        "use "
        "the root.json of your trustd");
  }
  return OrNoProvider(
      tuf::TrustedSet::FromRoot(options.trusted_root, absl::InfinitePast())
          .status());
}

// Makes `folder`, which may be empty, the same wherever this process goes.
absl::Status MakeAbsolute(std::string& folder) {
  if (folder.size() >= PATH_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("the path of the cache folder has ", folder.size(),
                     " bytes, and the system takes less than ", PATH_MAX));
  }
  if (folder.empty() || folder.starts_with('/')) return absl::OkStatus();
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  if (error) {
    return absl::InvalidArgumentError(
        absl::StrCat("the cache folder '", folder,
                     "' is relative, and the folder of this "
                     "process is unknown: ",
                     error.message()));
  }
  folder = here.string() + "/" + folder;
  return absl::OkStatus();
}

}  // namespace

// Everything but the verification itself: which set counts, and how it is
// renewed.
class TrustClient::Engine {
 public:
  Engine(TrustClientOptions options, bool default_baked, Bundle baked,
         std::unique_ptr<Transport> transport,
         std::unique_ptr<CacheFolder> folder)
      : options_(std::move(options)),
        clock_(options_.clock ? options_.clock : [] { return absl::Now(); }),
        transport_(std::move(transport)),
        keeper_(options_, default_baked, has_server(options_),
                std::move(baked), std::move(folder)),
        refresher_([this] { return Refresh(); },
                   [this] {
                     if (transport_ != nullptr) transport_->Cancel();
                   },
                   options_.refresh_interval) {
    first_refresh_pending_ =
        has_server(options_) && options_.stale_before_first_refresh;
    if (keeper_.LoadCache(Now())) first_refresh_pending_ = false;
    ForkSafeLock lock(&mutex_);
    state_.cache = keeper_.cache_status();
  }

  // Starts the thread that refreshes, if there is to be one.
  absl::Status Start() {
    return has_server(options_) && options_.background_refresh
               ? refresher_.Start()
               : absl::OkStatus();
  }

  static bool has_server(const TrustClientOptions& options) {
    return !options.server.empty() || !options.metadata_url.empty();
  }

  // Whether this process was forked from the one that made the client.
  bool forked() const { return keeper_.forked(); }

  AnchorKeeper::Current At(absl::Time now) const {
    return keeper_.At(now, IsFirstRefreshPending());
  }

  absl::Time Now() const { return clock_(); }
  const TrustClientOptions& options() const { return options_; }
  // Null in a forked process, where another thread may have held its lock.
  verify::ChainCache* chains() { return forked() ? nullptr : &chains_; }

  TrustClientState state() const {
    const AnchorKeeper::Current standing = At(Now());
    ForkSafeLock lock(&mutex_);
    TrustClientState state = state_;
    state.equivocations = keeper_.equivocations();
    state.provenance = standing.bundle->anchors->provenance();
    state.freshness = standing.freshness;
    state.anchors =
        static_cast<int>(standing.bundle->anchors->anchors().size());
    state.regions = standing.bundle->regions;
    if (standing.bundle->releases != nullptr) {
      state.releases =
          static_cast<int>(standing.bundle->releases->releases().size());
    }
    if (forked()) state.last_refresh = forked_status_;
    return state;
  }

  absl::Status Refresh() {
    if (forked()) return forked_status_;
    if (!has_server(options_)) {
      return absl::FailedPreconditionError("no server and no URL to ask");
    }
    const absl::Status status = RefreshAlone();
    if (options_.on_refresh) {
      options_.on_refresh(status,
                          At(Now()).bundle->anchors->provenance().sequence);
    }
    return status;
  }

  void TellToStop() { refresher_.TellToStop(); }

 private:
  absl::Status RefreshAlone() {
    absl::MutexLock refreshing(&refresh_mutex_);
    const absl::Status status = anchors::NoThrow(
        [this] { return OrNoProvider(keeper_.Refresh(*transport_, Now())); });
    first_refresh_pending_ = false;
    ForkSafeLock lock(&mutex_);
    state_.last_refresh = status;
    state_.cache = keeper_.cache_status();
    ++(state_.*CounterOf(status));
    return status;
  }

  static std::uint64_t TrustClientState::*CounterOf(
      const absl::Status& status) {
    if (status.ok()) return &TrustClientState::refreshed;
    const auto reason = tuf::TufReasonOf(status);
    if (reason == tuf::TufReason::kClockSuspect) {
      return &TrustClientState::clock_suspect;
    }
    if (IsOfNobody(status)) return &TrustClientState::unreachable;
    // A failure without a reason is our own: no memory, no descriptor.
    const bool was_refused =
        reason.has_value() ||
        (verify::ReasonOf(status).has_value() && !verify::IsUndecided(status));
    return was_refused ? &TrustClientState::rejected
                       : &TrustClientState::unreachable;
  }

  // Whether an expired baked-in set still counts as STALE for a moment.
  bool IsFirstRefreshPending() const {
    return first_refresh_pending_ &&
           anchors::SteadyNow() - started_ < options_.rpc_timeout;
  }

  const TrustClientOptions options_;
  const std::function<absl::Time()> clock_;
  const absl::Status forked_status_ = absl::FailedPreconditionError(
      "this process was forked from the one that made the client: it goes on "
      "with the anchors of that moment, and needs a client of its own to "
      "refresh them");
  const absl::Duration started_ = anchors::SteadyNow();
  std::atomic<bool> first_refresh_pending_ = false;
  // Null where there is nobody to ask.
  const std::unique_ptr<Transport> transport_;
  verify::ChainCache chains_;

  // Makes refreshes take turns; held while waiting for the network.
  absl::Mutex refresh_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  AnchorKeeper keeper_;

  mutable ForkSafeMutex mutex_;
  // Counters and statuses; state() fills in the rest.
  TrustClientState state_ ABSL_GUARDED_BY(mutex_);

  // The last member: its thread uses the others.
  Refresher refresher_;
};

TrustClient::TrustClient(std::unique_ptr<Engine> engine)
    : engine_(std::move(engine)) {}

// In a forked process there is no thread to join, and the connection belongs to
// the parent.
TrustClient::~TrustClient() {
  if (engine_->forked()) engine_.release();
}

absl::StatusOr<std::unique_ptr<TrustClient>> TrustClient::CreateWith(
    TrustClientOptions options, OpenTransport open,
    std::unique_ptr<CacheFolder> folder) {
  return anchors::NoThrow(
      [&] { return Make(std::move(options), open, std::move(folder)); });
}

absl::StatusOr<std::unique_ptr<TrustClient>> TrustClient::Make(
    TrustClientOptions options, OpenTransport open,
    std::unique_ptr<CacheFolder> folder) {
  const bool default_baked = anchors::IsBuildKeyRoot(options.baked.root);
  if (options.trusted_root.empty() && !default_baked) {
    options.trusted_root = options.baked.root;
  }
  if (absl::Status s = CheckOptions(options); !s.ok()) return s;
  if (absl::Status s = MakeAbsolute(options.cache_folder); !s.ok()) return s;
  auto baked =
      OpenBaked(options.baked, Revoked(),
                Engine::has_server(options) ? options.baked.as_of + kBakedInLife
                                            : absl::InfiniteFuture());
  if (!baked.ok()) {
    const absl::Status why = OrNoProvider(baked.status());
    if (verify::IsUndecided(why)) return why;
    return absl::InvalidArgumentError(
        absl::StrCat("the baked-in bundle does not verify: ", why.message()));
  }
  auto transport = open(options);
  if (!transport.ok()) return transport.status();
  if (folder == nullptr && !options.cache_folder.empty()) {
    folder = OpenDiskCacheFolder(options.cache_folder);
  }
  auto engine = std::make_unique<Engine>(
      std::move(options), default_baked, *std::move(baked),
      *std::move(transport), std::move(folder));
  if (absl::Status s = engine->Start(); !s.ok()) return s;
  return std::unique_ptr<TrustClient>(new TrustClient(std::move(engine)));
}

namespace {

// A part of a bundle, which keeps the bundle.
template <typename T>
std::shared_ptr<const T> PartOf(std::shared_ptr<const Bundle> bundle,
                                std::shared_ptr<const T> Bundle::*part) {
  const T* const it = ((*bundle).*part).get();
  if (it == nullptr) return nullptr;
  return {std::move(bundle), it};
}

}  // namespace

std::shared_ptr<const verify::AnchorSet> TrustClient::anchors(
    AnchorsUsed* used) const {
  AnchorKeeper::Current current = engine_->At(engine_->Now());
  if (used != nullptr) {
    *used = {current.bundle->anchors->provenance(), current.freshness};
  }
  return PartOf(std::move(current.bundle), &Bundle::anchors);
}

std::shared_ptr<const verify::ReleaseSet> TrustClient::releases() const {
  return PartOf(engine_->At(engine_->Now()).bundle, &Bundle::releases);
}

std::shared_ptr<const anchors::ReleaseList> TrustClient::release_list() const {
  return PartOf(engine_->At(engine_->Now()).bundle, &Bundle::release_list);
}

TrustClientState TrustClient::state() const { return engine_->state(); }

absl::Status TrustClient::Refresh() {
  return anchors::NoThrow([this] { return engine_->Refresh(); });
}

void TrustClient::Cancel() {
  if (!engine_->forked()) engine_->TellToStop();
}

namespace {

// Reads the clock once, takes the current set, and calls `call` with both;
// fails with kAnchorsExpired where the caller's policy for such a set says so.
template <typename Result, typename EngineType, typename Call>
absl::StatusOr<Result> VerifyWithCurrent(const EngineType& engine,
                                         WhenExpired when_expired,
                                         AnchorsUsed* used, Call call) {
  return anchors::NoThrow([&]() -> absl::StatusOr<Result> {
    const absl::Time now = engine.Now();
    const auto standing = engine.At(now);
    const verify::AnchorSet& anchors = *standing.bundle->anchors;
    if (used != nullptr) *used = {anchors.provenance(), standing.freshness};
    if (when_expired == WhenExpired::kRefuse) {
      if (absl::Status s =
              RequireNotExpired(anchors.provenance(), standing.freshness);
          !s.ok()) {
        return s;
      }
    }
    return call(anchors, now);
  });
}

}  // namespace

absl::StatusOr<verify::VerifiedIdentity> TrustClient::VerifyIdentity(
    const verify::IdentityEvidence& evidence,
    const verify::IdentityPolicy& policy, const verify::ReplayCheck* replay,
    verify::Trace* trace, AnchorsUsed* used) const {
  return VerifyWithCurrent<verify::VerifiedIdentity>(
      *engine_, engine_->options().identity_when_expired, used,
      [&](const verify::AnchorSet& anchors, absl::Time now) {
        return verify::VerifyIdentity(evidence, anchors, policy, now, replay,
                                      trace);
      });
}

absl::StatusOr<verify::VerifiedEnclave> TrustClient::VerifyEnclave(
    std::string_view document, const verify::EnclavePolicy& policy,
    verify::Trace* trace, AnchorsUsed* used) const {
  return VerifyWithCurrent<verify::VerifiedEnclave>(
      *engine_, engine_->options().attestation_when_expired, used,
      [&](const verify::AnchorSet& anchors, absl::Time now) {
        return verify::VerifyEnclave(document, anchors, policy, now,
                                     engine_->chains(), trace);
      });
}

absl::StatusOr<verify::VerifiedNitroTpm> TrustClient::VerifyNitroTpm(
    std::string_view document, const verify::NitroTpmPolicy& policy,
    verify::Trace* trace, AnchorsUsed* used) const {
  return VerifyWithCurrent<verify::VerifiedNitroTpm>(
      *engine_, engine_->options().attestation_when_expired, used,
      [&](const verify::AnchorSet& anchors, absl::Time now) {
        return verify::VerifyNitroTpm(document, anchors, policy, now,
                                      engine_->chains(), trace);
      });
}

}  // namespace anchorage::client

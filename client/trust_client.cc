#include "client/trust_client.h"

#include <signal.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "anchors/base/no_throw.h"
#include "anchors/base/steady_clock.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "client/bundle.h"
#include "client/bundle_cache.h"
#include "client/cached_bundle.h"
#include "client/http/stop_at_exit.h"
#include "client/ladder.h"
#include "client/memory.h"
#include "client/published.h"
#include "verify/attestation/chain_cache.h"
#include "verify/crypto/public_key.h"
#include "verify/fork_safe_mutex.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;

using verify::ForkDepth;
using verify::ForkSafeLock;
using verify::ForkSafeMutex;

constexpr absl::Duration kMaxMaxStale = absl::Hours(365 * 24);
constexpr absl::Duration kMaxRpcTimeout = absl::Hours(1);
constexpr absl::Duration kFirstRetry = absl::Seconds(5);

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

// Not std::random_device, which needs newer C libraries than our users have.
// Where the system gives nothing, the fleet asks together.
unsigned RandomSeed() {
  unsigned seed = 1;
  (void)!getrandom(&seed, sizeof seed, GRND_NONBLOCK);
  return seed;
}

}  // namespace

// Everything but the verification itself: which set counts, and how it is
// renewed.
class TrustClient::Engine {
 public:
  Engine(TrustClientOptions options, bool default_baked, Bundle baked,
         std::unique_ptr<Transport> transport)
      : options_(std::move(options)),
        clock_(options_.clock ? options_.clock : [] { return absl::Now(); }),
        default_baked_(default_baked),
        baked_(std::make_shared<const Bundle>(std::move(baked))),
        transport_(std::move(transport)),
        cache_(options_.cache_folder),
        ladder_(NextLadder(nullptr, Memory())) {
    ages_ = has_server(options_);
    first_refresh_pending_ = ages_ && options_.stale_before_first_refresh;
    if (!options_.cache_folder.empty()) {
      absl::MutexLock lock(&refresh_mutex_);
      LoadCache();
    }
  }

  // Starts the thread that refreshes, if there is to be one.
  absl::Status Start() {
    if (!has_server(options_) || !options_.background_refresh) {
      return absl::OkStatus();
    }
    // The host's signals are for its own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    auto thread = anchors::StartThread([this] { RefreshLoop(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!thread.ok()) return thread.status();
    refresher_ = *std::move(thread);
    stop_at_exit_.emplace([this] { TellToStop(); },
                          [this](absl::Duration time) { return Join(time); });
    return absl::OkStatus();
  }

  ~Engine() {
    TellToStop();
    stop_at_exit_.reset();
    if (refresher_.joinable()) refresher_.join();
  }

  static bool has_server(const TrustClientOptions& options) {
    return !options.server.empty() || !options.metadata_url.empty();
  }

  // Whether this process was forked from the one that made the client.
  bool forked() const { return ForkDepth() != fork_depth_; }

  // The set that counts, and how fresh it is.
  struct Current {
    std::shared_ptr<const Bundle> bundle;
    verify::Freshness freshness;
  };
  Current At(absl::Time now) const {
    std::shared_ptr<const Ladder> ladder = this->ladder();
    const Ladder::Standing standing = ladder->At(now, IsFirstRefreshPending());
    return {{std::move(ladder), standing.bundle}, standing.freshness};
  }

  absl::Time Now() const { return clock_(); }
  const TrustClientOptions& options() const { return options_; }
  // Null in a forked process, where another thread may have held its lock.
  verify::ChainCache* chains() { return forked() ? nullptr : &chains_; }

  TrustClientState state() const {
    const Current standing = At(Now());
    ForkSafeLock lock(&mutex_);
    TrustClientState state = state_;
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

  void TellToStop() {
    stopping_.Notify();
    if (transport_ != nullptr) transport_->Cancel();
  }

 private:
  // Waits for the thread, if there is one, but no longer than `time`; returns
  // whether it is gone. Called by one thread at a time.
  bool Join(absl::Duration time) {
    if (!refresher_.joinable()) return true;
    // A callback may end the process.
    if (refresher_.get_id() == std::this_thread::get_id()) return false;
    if (!stopped_.WaitFor(time)) return false;
    refresher_.join();
    return true;
  }

  absl::Status RefreshAlone() {
    absl::MutexLock refreshing(&refresh_mutex_);
    const absl::Status status = anchors::NoThrow([this]() {
      refresh_mutex_.AssertHeld();
      return OrNoProvider(Fetch());
    });
    first_refresh_pending_ = false;
    ForkSafeLock lock(&mutex_);
    state_.last_refresh = status;
    state_.cache = cache_.status();
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
           absl::FromChrono(std::chrono::steady_clock::now() - started_) <
               options_.rpc_timeout;
  }

  // A child of fork(2) never replaces it.
  std::shared_ptr<const Ladder> ladder() const {
    return forked() ? ladder_.ReadUnreplaced() : ladder_.Read();
  }

  // What must not be gone back behind: also a baked-in bundle of the same
  // repository.
  anchors::Sequences floor() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    anchors::Sequences floor = memory_.floor;
    if (is_baked_vouched_) floor.RaiseTo(baked_->sequences);
    return floor;
  }

  // Loads what the folder holds; whatever is wrong with it is recorded, and
  // costs only what was there.
  void LoadCache() ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    CachedBundle cached =
        OpenCache(options_.trusted_root, options_.baked.as_of, cache_, Now());
    memory_ = std::move(cached.memory);
    is_baked_vouched_ =
        !default_baked_ && CanStillSign(baked_->signers, cached.targets_role);
    if (!cached.empty) {
      first_refresh_pending_ = false;
      // Even without a server: whoever can damage a cache must gain nothing by
      // it.
      ages_ = true;
    }
    if (cached.bundle.has_value() && IsOlderThanBaked(*cached.bundle)) {
      cached.bundle.reset();
      cached.status = absl::FailedPreconditionError(
          "the cache was not used: the set that is built in is newer");
    }
    if (!cached.status.ok()) cache_.Report(cached.status);
    ladder_.Replace(Published<Ladder>::Prepare(NextLadder(
        cached.bundle.has_value()
            ? std::make_shared<const Bundle>(*std::move(cached.bundle))
            : nullptr,
        memory_)));
    ForkSafeLock lock(&mutex_);
    if (cached.fork) ++state_.equivocations;
    state_.cache = cache_.status();
  }

  // Between two bundles of one repository, versions decide.
  bool IsOlderThanBaked(const Bundle& bundle) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    if (!is_baked_vouched_) return false;
    const auto versions = [](const Bundle& one) {
      return std::pair(one.versions.targets, one.versions.timestamp);
    };
    return versions(bundle) < versions(*baked_);
  }

  absl::Status Fetch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    const absl::Time now = Now();
    const std::shared_ptr<const Bundle> held = ladder()->held();
    const std::unique_ptr<tuf::Fetcher> fetcher = transport_->Begin(
        held != nullptr ? held->versions : anchors::BundleVersions(),
        held != nullptr ? held->files.timestamp : std::string());
    auto updater = tuf::Updater::Create(options_.trusted_root, now,
                                        fetcher.get(), &cache_);
    if (!updater.ok()) return updater.status();
    const absl::Status refreshed = updater->Refresh();
    // Even after a failure: a root that was stored counts, and whoever lets
    // only the root through must not keep alive what it ended.
    FollowRoot(updater->trusted(), now);
    if (updater->equivocation_seen()) {
      ForkSafeLock lock(&mutex_);
      ++state_.equivocations;
    }
    if (!refreshed.ok()) return refreshed;
    const std::int64_t root = updater->trusted().root().envelope.version;
    if (root < memory_.root_version) {
      return tuf::RejectUpdate(
          tuf::TufReason::kRootRollback,
          absl::StrCat("the newest root is ", root, ", and ",
                       memory_.root_version, " was seen before"));
    }
    return AdoptFrom(*updater, held.get(), now);
  }

  // Checks the held bundle against a newer root.
  void FollowRoot(const tuf::TrustedSet& trusted, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    if (trusted.root().envelope.version <= memory_.root_version) return;
    Memory memory = HoldAgainst(trusted.root(), memory_);
    const std::shared_ptr<const Ladder> before = ladder();
    std::shared_ptr<const Bundle> held = before->held();
    if (held != nullptr) {
      const verify::AnchorProvenance& was = held->anchors->provenance();
      auto again = Reopen(trusted, held->files, memory, was, now);
      if (!again.ok()) {
        held = nullptr;
      } else if (again->anchors->provenance().fresh_until != was.fresh_until) {
        held = std::make_shared<const Bundle>(*std::move(again));
      }
    }
    const std::shared_ptr<Ladder> ladder = NextLadder(held, memory);
    ladder->Inherit(*before);
    auto next = Published<Ladder>::Prepare(ladder);
    cache_.SaveMemory(memory);
    // Nothing throws from here on, so a root is followed as a whole or not at
    // all.
    memory_ = std::move(memory);
    is_baked_vouched_ = !default_baked_ &&
                        CanStillSign(baked_->signers, trusted.root().targets);
    if (held != before->held() || held == nullptr) {
      ladder_.Replace(std::move(next));
    }
  }

  // Makes what a complete updater vouches for the current set.
  absl::Status AdoptFrom(tuf::Updater& updater, const Bundle* held,
                         absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    anchors::BundleFiles files =
        held != nullptr ? held->files : anchors::BundleFiles();
    for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
      auto bytes = FindTarget(updater, kind, files.target(kind.path));
      if (!kind.is_required &&
          tuf::TufReasonOf(bytes.status()) == tuf::TufReason::kTargetNotFound) {
        bytes = std::string();
      }
      if (!bytes.ok()) return bytes.status();
      files.SetTarget(kind.path, *std::move(bytes));
    }
    const bool is_same_timestamp =
        files.timestamp == updater.trusted().timestamp()->envelope.bytes;
    // A clock from before the program was built is wrong.
    const absl::Time adopted =
        is_same_timestamp ? std::max(memory_.adopted, options_.baked.as_of)
                          : std::max(now, options_.baked.as_of);
    auto bundle = MakeBundle(
        updater.trusted(), files,
        {.origin = verify::Origin::kServer,
         // A clock that was set back is no older answer.
         .as_of = is_same_timestamp
                      ? std::max(now, held->anchors->provenance().as_of)
                      : now,
         .fresh_until = FreshUntil(updater.trusted(), adopted)},
        Revoked());
    if (!bundle.ok()) return bundle.status();
    bundle->files.target_files = std::move(files.target_files);
    if (absl::Status s = CheckAdoptable(*bundle, floor(), now); !s.ok()) {
      return s;
    }
    Memory memory = Remembering(*bundle, adopted);
    const std::shared_ptr<const Ladder> ladder =
        NextLadder(std::make_shared<const Bundle>(*std::move(bundle)), memory);
    auto next = Published<Ladder>::Prepare(ladder);
    if (!is_same_timestamp) {
      cache_.SaveBundle(ladder->held()->files, memory);
    } else if (memory != memory_) {
      cache_.SaveMemory(memory);
    }
    memory_ = std::move(memory);
    ladder_.Replace(std::move(next));
    return absl::OkStatus();
  }

  // Returns what is remembered once `bundle` is accepted.
  Memory Remembering(const Bundle& bundle, absl::Time adopted) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    Memory memory = memory_;
    memory.adopted = adopted;
    memory.fresh_until = bundle.anchors->provenance().fresh_until;
    memory.overtaken = absl::InfiniteFuture();
    // A bundle without a target says nothing about the next one.
    memory.floor.RaiseTo(bundle.sequences);
    memory.floor_signers = bundle.signers;
    memory.revoked = bundle.revoked;
    return memory;
  }

  // Returns the target that the updater's metadata names: the held one if it
  // matches, otherwise a fetched one. The limit is ours, not the metadata's:
  // whoever may sign targets can name any length.
  static absl::StatusOr<std::string> FindTarget(tuf::Updater& updater,
                                                const anchors::TargetKind& kind,
                                                const std::string& held) {
    if (updater.trusted().VerifyTarget(kind.path, held).ok()) return held;
    const auto target = updater.FindTarget(kind.path);
    if (!target.ok()) return target.status();
    if (target->length > static_cast<std::int64_t>(kind.max_bytes)) {
      return verify::Reject(verify::Reason::kInputTooLarge,
                            absl::StrCat("a ", std::string(kind.title), " of ",
                                         target->length, " bytes"));
    }
    return updater.DownloadTarget(kind.path, *target);
  }

  // The ladder of `held` and of the baked-in set, in which what was revoked
  // stays so. Where a bundle was held and cannot be used, the baked-in set is
  // no fresher than that bundle was, unless it was made later: whoever can
  // damage a cache must gain nothing by it.
  std::shared_ptr<Ladder> NextLadder(std::shared_ptr<const Bundle> held,
                                     const Memory& memory) const {
    const verify::AnchorProvenance& was = baked_->anchors->provenance();
    absl::Time fresh_until = was.fresh_until;
    if (ages_) fresh_until = std::min(fresh_until, was.as_of + kBakedInLife);
    const bool has_lost_one =
        held == nullptr && memory.fresh_until != absl::UnixEpoch();
    if (has_lost_one && memory.fresh_until > was.as_of) {
      fresh_until = std::min(fresh_until, memory.fresh_until);
    }
    std::shared_ptr<const Bundle> baked = baked_;
    if (!memory.revoked.empty() || fresh_until != was.fresh_until) {
      auto refusing = OpenBaked(options_.baked, memory.revoked, fresh_until);
      // It verified when the client was made.
      if (refusing.ok()) {
        baked = std::make_shared<const Bundle>(*std::move(refusing));
      }
    }
    return std::make_shared<Ladder>(std::move(baked), std::move(held),
                                    options_.max_stale,
                                    /*may_yield=*/default_baked_);
  }

  void RefreshLoop() {
    StopAtExit::OwnThisThread();
    std::minstd_rand random(RandomSeed());
    int failures = 0;
    absl::Duration pause;
    while (!stopping_.WaitFor(pause)) {
      const absl::Status status =
          anchors::NoThrow([this] { return Refresh(); });
      StopAtExit::CheckNotAbandoned();
      failures = status.ok() ? 0 : failures + 1;
      pause = options_.refresh_interval;
      if (failures > 0) {
        // 5 s, 10 s, 20 s, ... and never more than the interval.
        pause =
            std::min(pause, kFirstRetry * (1 << std::min(failures - 1, 16)));
      }
      // Jitter, so that a fleet that started together does not ask together.
      pause *= std::uniform_real_distribution<double>(0.9, 1.1)(random);
    }
    stopped_.Notify();
  }

  const TrustClientOptions options_;
  const std::function<absl::Time()> clock_;
  // Whether the baked-in bundle is our own, and not one from the server's
  // repository.
  const bool default_baked_;
  const std::shared_ptr<const Bundle> baked_;
  const std::uint64_t fork_depth_ = ForkDepth();
  const absl::Status forked_status_ = absl::FailedPreconditionError(
      "this process was forked from the one that made the client: it goes on "
      "with the anchors of that moment, and needs a client of its own to "
      "refresh them");
  const std::chrono::steady_clock::time_point started_ =
      std::chrono::steady_clock::now();
  std::atomic<bool> first_refresh_pending_ = false;
  // Whether the baked-in set ages, because there is something that could be
  // newer. Written before other threads can see the client.
  bool ages_ = false;
  // Null where there is nobody to ask.
  const std::unique_ptr<Transport> transport_;
  verify::ChainCache chains_;

  // Makes refreshes take turns; held while waiting for the network.
  absl::Mutex refresh_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  BundleCache cache_ ABSL_GUARDED_BY(refresh_mutex_);
  Memory memory_ ABSL_GUARDED_BY(refresh_mutex_);
  // Whether a baked-in bundle from the server's repository is signed by the
  // keys of the newest root: otherwise it is no floor, and never the newer one.
  bool is_baked_vouched_ ABSL_GUARDED_BY(refresh_mutex_) = false;

  // Replaced by refreshes only, which take turns.
  Published<Ladder> ladder_;

  mutable ForkSafeMutex mutex_;
  // Counters and statuses; state() fills in the rest.
  TrustClientState state_ ABSL_GUARDED_BY(mutex_);

  anchors::StopSignal stopping_;
  // When the thread is about to end.
  anchors::StopSignal stopped_;
  std::thread refresher_;
  std::optional<StopAtExit> stop_at_exit_;
};

TrustClient::TrustClient(std::unique_ptr<Engine> engine)
    : engine_(std::move(engine)) {}

// In a forked process there is no thread to join, and the connection belongs to
// the parent.
TrustClient::~TrustClient() {
  if (engine_->forked()) engine_.release();
}

absl::StatusOr<std::unique_ptr<TrustClient>> TrustClient::CreateWith(
    TrustClientOptions options, OpenTransport open) {
  return anchors::NoThrow([&] { return Make(std::move(options), open); });
}

absl::StatusOr<std::unique_ptr<TrustClient>> TrustClient::Make(
    TrustClientOptions options, OpenTransport open) {
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
  auto engine =
      std::make_unique<Engine>(std::move(options), default_baked,
                               *std::move(baked), *std::move(transport));
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
  Engine::Current current = engine_->At(engine_->Now());
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

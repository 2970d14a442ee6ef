#include "client/trust_client.h"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "anchors/base/no_throw.h"
#include "anchors/base/steady_clock.h"
#include "anchors/releases.h"
#include "anchors/tuf/tuf_error.h"
#include "client/anchor_keeper.h"
#include "client/bundle.h"
#include "client/client_options.h"
#include "client/disk_cache_folder.h"
#include "client/ladder.h"
#include "client/metrics_text.h"
#include "client/notify/notifier.h"
#include "client/notify/report.h"
#include "client/notify/telemetry.h"
#include "client/refresh_schedule.h"
#include "client/refresher.h"
#include "verify/attestation/chain_cache.h"
#include "verify/crypto/public_key.h"
#include "verify/fork_safe_mutex.h"
#include "verify/partition.h"
#include "verify/printable.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;

using verify::ForkSafeLock;
using verify::ForkSafeMutex;

// Whether this thread is in a callback that is told of a refresh.
thread_local bool telling_of_refresh = false;

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

Telemetry::Options TelemetryOptionsOf(const TrustClientOptions& options) {
  Telemetry::Options telemetry{.metrics_file = options.metrics_file,
                               .reports = std::nullopt};
  if (options.report_outcomes) telemetry.reports = ReportOptionsOf(options);
  return telemetry;
}

// A test's clock is also its steady one.
anchors::SteadyClock SteadyClockOf(const TrustClientOptions& options) {
  if (!options.clock) return &anchors::SteadyNow;
  return [clock = options.clock] { return clock() - absl::UnixEpoch(); };
}

std::vector<ReportSender*> ReportSendersOf(
    const std::vector<std::unique_ptr<Transport>>& transports) {
  std::vector<ReportSender*> senders;
  for (const std::unique_ptr<Transport>& transport : transports) {
    ReportSender* const sender = transport->reports();
    if (sender != nullptr) senders.push_back(sender);
  }
  return senders;
}

// Not std::random_device, which needs newer C libraries than our users have.
// Where the system gives nothing, the fleet asks together.
unsigned RandomSeed() {
  unsigned seed = 1;
  (void)!getrandom(&seed, sizeof seed, GRND_NONBLOCK);
  return seed;
}

absl::Status CheckTrustedRoot(const TrustClientOptions& options) {
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

}  // namespace

// Everything but the verification itself: which set counts, and how it is
// renewed.
class TrustClient::Engine {
 public:
  Engine(TrustClientOptions options, bool default_baked, Bundle baked,
         std::vector<std::unique_ptr<Transport>> transports,
         std::unique_ptr<CacheFolder> folder)
      : options_(std::move(options)),
        clock_(options_.clock ? options_.clock : [] { return absl::Now(); }),
        random_(options_.random ? options_.random : Random()),
        transports_(std::move(transports)),
        keeper_(options_, default_baked, IsSet(options_), std::move(baked),
                std::move(folder)),
        schedule_(options_.refresh_interval),
        notifier_(options_.on_event, options_.events_while_verifying,
                  SteadyClockOf(options_)),
        report_sender_(ReportSendersOf(transports_)),
        telemetry_(
            TelemetryOptionsOf(options_), &report_sender_,
            [this] {
              const std::filesystem::path file = options_.metrics_file;
              return MetricsText(state(),
                                 verify::Printable(file.stem().string()));
            },
            options_.random ? options_.random : Random(),
            SteadyClockOf(options_)),
        refresher_([this] { return TakeTurn(); },
                   [this] {
                     for (const auto& transport : transports_)
                       transport->Cancel();
                   }) {
    first_refresh_pending_ =
        IsSet(options_) && options_.stale_before_first_refresh;
    std::vector<TrustServerState> servers;
    if (IsSet(options_)) servers.push_back({.name = NameOf(options_)});
    for (const TrustServer& server : options_.further_servers) {
      servers.push_back({.name = NameOf(server)});
    }
    if (keeper_.LoadCache(Now())) first_refresh_pending_ = false;
    if (IsSet(options_)) {
      first_pause_ = schedule_.First(
          At(Now()).freshness == verify::Freshness::kFresh, random_());
    }
    ForkSafeLock lock(&mutex_);
    state_.cache = keeper_.cache_status();
    state_.servers =
        std::make_shared<std::vector<TrustServerState>>(std::move(servers));
  }

  // Starts the thread that refreshes, if there is to be one.
  absl::Status Start() {
    notifier_.Equivocations(keeper_.equivocations(),
                            At(Now()).bundle->anchors->provenance().sequence);
    return has_thread() ? refresher_.Start(first_pause_) : absl::OkStatus();
  }

  absl::Duration first_pause() const { return first_pause_; }

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
    std::vector<OutcomeCount> verifications = counters();
    Telemetry::State telemetry = telemetry_.state();
    ForkSafeLock lock(&mutex_);
    TrustClientState state = state_;
    state.verifications = std::move(verifications);
    state.reports_sent = telemetry.reports_sent;
    state.reports_failed = telemetry.reports_failed;
    state.last_report = std::move(telemetry.report);
    state.metrics_file = std::move(telemetry.metrics_file);
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

  // Says how long to wait before the next, whatever happens.
  absl::Status Refresh(absl::Duration& pause) {
    pause = absl::InfiniteDuration();
    if (forked()) return forked_status_;
    if (!IsSet(options_) && !keeper_.has_folder()) {
      return absl::FailedPreconditionError("no server and no URL to ask");
    }
    pause = RefreshSchedule::kFirstRetry;
    if (telling_of_refresh) {
      return absl::FailedPreconditionError(
          "a callback that is told of a refresh cannot ask for one: it would "
          "be "
          "told again");
    }
    const absl::Status status = RefreshAndTell(pause);
    // Where there is a thread, it does.
    if (!has_thread()) DoBesideRefreshes();
    return status;
  }

  std::vector<OutcomeCount> counters() const {
    std::vector<OutcomeCount> all;
    (void)anchors::NoThrow([&] {
      all = notifier_.counters().Snapshot();
      return absl::OkStatus();
    });
    return all;
  }
  Notifier& notifier() { return notifier_; }

  void TellToStop() { refresher_.TellToStop(); }

 private:
  static std::function<double()> Random() {
    return [random = std::minstd_rand(RandomSeed())]() mutable {
      return std::uniform_real_distribution<double>()(random);
    };
  }

  // Whoever has nobody to ask has no thread either.
  bool has_thread() const {
    return IsSet(options_) && options_.background_refresh;
  }

  // What the thread does: a refresh if it is time for one, and what is due beside
  // it. Returns how long there is nothing to do.
  absl::Duration TakeTurn() {
    if (anchors::SteadyNow() >= next_refresh_) {
      absl::Duration pause = RefreshSchedule::kFirstRetry;
      anchors::NoThrow([&] { return RefreshAndTell(pause); }).IgnoreError();
      next_refresh_ = anchors::SteadyNow() + pause;
    }
    const absl::Duration beside = DoBesideRefreshes();
    return std::min(beside, next_refresh_ - anchors::SteadyNow());
  }

  absl::Status RefreshAndTell(absl::Duration& pause) {
    const absl::Status status = RefreshAlone(pause);
    const AnchorKeeper::Current standing = At(Now());
    const verify::AnchorProvenance& set =
        standing.bundle->anchors->provenance();
    telling_of_refresh = true;
    const absl::Cleanup told = [] { telling_of_refresh = false; };
    notifier_.Refreshed(status, set.sequence);
    notifier_.Equivocations(keeper_.equivocations(), set.sequence);
    notifier_.InUse(set, standing.freshness);
    if (options_.on_refresh) options_.on_refresh(status, set.sequence);
    return status;
  }

  absl::Duration DoBesideRefreshes() {
    return telemetry_.Do(notifier_.counters(),
                         At(Now()).bundle->anchors->provenance().sequence);
  }

  absl::Status RefreshAlone(absl::Duration& pause) {
    absl::MutexLock refreshing(&refresh_mutex_);
    absl::Duration retry_after;
    const absl::Status status = anchors::NoThrow([&] {
      refresh_mutex_.AssertHeld();
      return AskInTurn(retry_after);
    });
    pause = schedule_.After(status.ok(), retry_after, random_());
    first_refresh_pending_ = false;
    const absl::Time now = Now();
    ForkSafeLock lock(&mutex_);
    state_.last_refresh = status;
    state_.last_refresh_at = now;
    state_.cache = keeper_.cache_status();
    ++(state_.*CounterOf(status));
    return status;
  }

  // Asks one server after another until the answer of one is accepted.
  absl::Status AskInTurn(absl::Duration& retry_after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refresh_mutex_) {
    if (transports_.empty()) return keeper_.LookAgain(Now());
    const absl::Duration end = anchors::SteadyNow() + options_.refresh_budget;
    absl::Status failure;
    for (std::size_t i = 0; i < transports_.size(); ++i) {
      const absl::Duration left = end - anchors::SteadyNow();
      const absl::Status status = anchors::NoThrow([&] {
        refresh_mutex_.AssertHeld();
        return OrNoProvider(keeper_.Refresh(
            *transports_[i], Now(),
            left / static_cast<std::int64_t>(transports_.size() - i)));
      });
      retry_after = std::max(retry_after, transports_[i]->retry_after());
      Record(i, status);
      if (status.ok()) return status;
      if (failure.ok() ||
          (CounterOf(failure) == &TrustClientState::unreachable &&
           CounterOf(status) != &TrustClientState::unreachable)) {
        failure = status;
      }
    }
    return failure;
  }

  // Records what became of the answer of a server.
  void Record(std::size_t server, const absl::Status& status) {
    ForkSafeLock lock(&mutex_);
    auto servers =
        std::make_shared<std::vector<TrustServerState>>(*state_.servers);
    (*servers)[server].last = status;
    if (status.ok()) {
      for (TrustServerState& one : *servers) one.answered_last = false;
      (*servers)[server].answered_last = true;
    }
    state_.servers = std::move(servers);
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
  const std::function<double()> random_;
  const absl::Status forked_status_ = absl::FailedPreconditionError(
      "this process was forked from the one that made the client: it goes on "
      "with the anchors of that moment, and needs a client of its own to "
      "refresh them");
  const absl::Duration started_ = anchors::SteadyNow();
  std::atomic<bool> first_refresh_pending_ = false;
  absl::Duration first_pause_ = absl::InfiniteDuration();
  // One for each server, in the order in which they are asked.
  const std::vector<std::unique_ptr<Transport>> transports_;
  verify::ChainCache chains_;

  // Makes refreshes take turns; held while waiting for the network.
  absl::Mutex refresh_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  AnchorKeeper keeper_;
  RefreshSchedule schedule_;

  mutable ForkSafeMutex mutex_;
  // Counters and statuses; state() fills in the rest.
  TrustClientState state_ ABSL_GUARDED_BY(mutex_);

  Notifier notifier_;
  ReportSendersInTurn report_sender_;
  Telemetry telemetry_;
  // By anchors::SteadyNow(). The thread's alone.
  absl::Duration next_refresh_;

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

namespace {

absl::StatusOr<std::vector<std::unique_ptr<Transport>>> OpenAll(
    const TrustClientOptions& options, TrustClient::OpenTransport open) {
  std::vector<std::unique_ptr<Transport>> transports;
  if (!IsSet(options)) return transports;
  TrustClientOptions one = options;
  for (std::size_t i = 0;; ++i) {
    auto transport = open(one);
    if (!transport.ok()) return transport.status();
    transports.push_back(*std::move(transport));
    if (i == options.further_servers.size()) return transports;
    static_cast<TrustServer&>(one) = options.further_servers[i];
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrustClient>> TrustClient::Make(
    TrustClientOptions options, OpenTransport open,
    std::unique_ptr<CacheFolder> folder) {
  const bool default_baked = anchors::IsBuildKeyRoot(options.baked.root);
  if (options.trusted_root.empty() && !default_baked) {
    options.trusted_root = options.baked.root;
  }
  if (absl::Status s = CheckOptions(options); !s.ok()) return s;
  if (absl::Status s = CheckTrustedRoot(options); !s.ok()) return s;
  if (absl::Status s = MakeAbsolute(options.cache_folder); !s.ok()) return s;
  auto baked = OpenBaked(options.baked, Revoked(),
                         IsSet(options) ? options.baked.as_of + kBakedInLife
                                        : absl::InfiniteFuture());
  if (!baked.ok()) {
    const absl::Status why = OrNoProvider(baked.status());
    if (verify::IsUndecided(why)) return why;
    return absl::InvalidArgumentError(
        absl::StrCat("the baked-in bundle does not verify: ", why.message()));
  }
  auto transports = OpenAll(options, open);
  if (!transports.ok()) return transports.status();
  if (options.report_outcomes && ReportSendersOf(*transports).empty()) {
    return absl::InvalidArgumentError("there is nobody to report outcomes to");
  }
  if (folder == nullptr && !options.cache_folder.empty()) {
    folder = OpenDiskCacheFolder(options.cache_folder);
  }
  auto engine = std::make_unique<Engine>(
      std::move(options), default_baked, *std::move(baked),
      *std::move(transports), std::move(folder));
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

std::shared_ptr<const anchors::ProducerList> TrustClient::producers() const {
  return PartOf(engine_->At(engine_->Now()).bundle, &Bundle::producers);
}

std::shared_ptr<const anchors::ImageIndex> TrustClient::images() const {
  return PartOf(engine_->At(engine_->Now()).bundle, &Bundle::images);
}

TrustClientState TrustClient::state() const { return engine_->state(); }

std::vector<OutcomeCount> TrustClient::counters() const {
  return engine_->counters();
}

absl::Status TrustClient::Refresh() { return RefreshOnce().ended; }

RefreshResult TrustClient::RefreshOnce() {
  RefreshResult result;
  result.ended =
      anchors::NoThrow([&] { return engine_->Refresh(result.pause); });
  return result;
}

absl::Duration TrustClient::FirstPause() const {
  return engine_->first_pause();
}

void TrustClient::Cancel() {
  if (!engine_->forked()) engine_->TellToStop();
}

namespace {

// Reads the clock once, takes the current set, and calls `call` with both and a
// trace; fails with kAnchorsExpired where the caller's policy for such a set
// says so. Counts how that ended, and tells of it: in the slot that `slot_of`
// returns for what was accepted, and in `unproved` for what was not, unless the
// trace says more.
template <typename Result, typename EngineType, typename Call, typename SlotOf>
absl::StatusOr<Result> VerifyWithCurrent(EngineType& engine,
                                         WhenExpired when_expired,
                                         verify::Trace* trace,
                                         AnchorsUsed* used,
                                         const verify::Slot& unproved,
                                         SlotOf slot_of, Call call) {
  verify::Trace failure(verify::Trace::Records::kFailure);
  if (trace == nullptr) trace = &failure;
  std::uint64_t sequence = 0;
  auto verdict = anchors::NoThrow([&]() -> absl::StatusOr<Result> {
    const absl::Time now = engine.Now();
    const auto standing = engine.At(now);
    const verify::AnchorSet& anchors = *standing.bundle->anchors;
    sequence = anchors.provenance().sequence;
    if (engine.options().events_while_verifying) {
      engine.notifier().InUse(anchors.provenance(), standing.freshness);
    }
    if (used != nullptr) *used = {anchors.provenance(), standing.freshness};
    if (when_expired == WhenExpired::kRefuse) {
      if (absl::Status s =
              RequireNotExpired(anchors.provenance(), standing.freshness);
          !s.ok()) {
        return s;
      }
    }
    return call(anchors, now, trace);
  });
  const auto tell = [&](const verify::Slot& slot) {
    engine.notifier().Verified(verdict.status(), slot, trace->failed_check(),
                               sequence);
  };
  if (verdict.ok()) {
    tell(slot_of(*verdict));
  } else {
    tell(trace->slot().has_value() ? *trace->slot() : unproved);
  }
  return verdict;
}

verify::Slot SlotOfRoot(std::string_view partition) {
  return {
      .partition = std::string(verify::IsPartition(partition) ? partition : ""),
      .region = "",
      .kind = verify::AnchorKind::kNitroRoot};
}

constexpr auto kSlotOfAttestation = [](const auto& attestation) {
  return SlotOfRoot(attestation.partition());
};

}  // namespace

absl::StatusOr<verify::VerifiedIdentity> TrustClient::VerifyIdentity(
    const verify::IdentityEvidence& evidence,
    const verify::IdentityPolicy& policy, const verify::ReplayCheck* replay,
    verify::Trace* trace, AnchorsUsed* used) const {
  return VerifyWithCurrent<verify::VerifiedIdentity>(
      *engine_, engine_->options().identity_when_expired, trace, used,
      {.partition = "",
       .region = "",
       .kind = verify::AnchorKindOf(evidence.form)},
      [](const verify::VerifiedIdentity& identity) -> const verify::Slot& {
        return identity.anchor_slot();
      },
      [&](const verify::AnchorSet& anchors, absl::Time now,
          verify::Trace* recorded) {
        return verify::VerifyIdentity(evidence, anchors, policy, now, replay,
                                      recorded);
      });
}

void TrustClient::CountUnreadable(const absl::Status& refused,
                                  verify::IdentityForm form) const {
  (void)anchors::NoThrow([&] {
    if (!verify::ReasonOf(refused).has_value()) return absl::OkStatus();
    const auto standing = engine_->At(engine_->Now());
    engine_->notifier().Verified(
        refused,
        {.partition = "", .region = "", .kind = verify::AnchorKindOf(form)},
        /*check=*/"", standing.bundle->anchors->provenance().sequence);
    return absl::OkStatus();
  });
}

absl::StatusOr<verify::VerifiedEnclave> TrustClient::VerifyEnclave(
    std::string_view document, const verify::EnclavePolicy& policy,
    verify::Trace* trace, AnchorsUsed* used) const {
  return VerifyWithCurrent<verify::VerifiedEnclave>(
      *engine_, engine_->options().attestation_when_expired, trace, used,
      SlotOfRoot(policy.expectations().partition), kSlotOfAttestation,
      [&](const verify::AnchorSet& anchors, absl::Time now,
          verify::Trace* recorded) {
        return verify::VerifyEnclave(document, anchors, policy, now,
                                     engine_->chains(), recorded);
      });
}

absl::StatusOr<verify::VerifiedNitroTpm> TrustClient::VerifyNitroTpm(
    std::string_view document, const verify::NitroTpmPolicy& policy,
    verify::Trace* trace, AnchorsUsed* used) const {
  return VerifyWithCurrent<verify::VerifiedNitroTpm>(
      *engine_, engine_->options().attestation_when_expired, trace, used,
      SlotOfRoot(policy.expectations().partition), kSlotOfAttestation,
      [&](const verify::AnchorSet& anchors, absl::Time now,
          verify::Trace* recorded) {
        return verify::VerifyNitroTpm(document, anchors, policy, now,
                                      engine_->chains(), recorded);
      });
}

}  // namespace anchorage::client

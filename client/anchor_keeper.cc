#include "client/anchor_keeper.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"
#include "anchors/tuf/tuf_error.h"
#include "anchors/tuf/updater.h"
#include "verify/reason.h"

namespace anchorage::client {
namespace {

namespace tuf = anchors::tuf;

// Returns the target that the updater's metadata names: the held one if it
// matches, otherwise a fetched one. The limit is ours, not the metadata's:
// whoever may sign targets can name any length.
absl::StatusOr<std::string> FindTarget(tuf::Updater& updater,
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

// By which of two bundles that one root vouches for is the newer one.
std::pair<std::uint64_t, std::uint64_t> Versions(const Bundle& bundle) {
  return {bundle.versions.targets, bundle.versions.timestamp};
}

}  // namespace

AnchorKeeper::AnchorKeeper(const TrustClientOptions& options,
                           bool default_baked, bool ages, Bundle baked,
                           std::unique_ptr<CacheFolder> folder)
    : options_(options),
      default_baked_(default_baked),
      baked_(std::make_shared<const Bundle>(std::move(baked))),
      ages_(ages),
      cache_(std::move(folder)),
      ladder_(NextLadder(nullptr, Memory())) {}

AnchorKeeper::Current AnchorKeeper::At(absl::Time now,
                                       bool first_refresh_pending) const {
  std::shared_ptr<const Ladder> ladder = this->ladder();
  const Ladder::Standing standing = ladder->At(now, first_refresh_pending);
  return {{std::move(ladder), standing.bundle}, standing.freshness};
}

std::shared_ptr<const Ladder> AnchorKeeper::ladder() const {
  return forked() ? ladder_.ReadUnreplaced() : ladder_.Read();
}

anchors::Sequences AnchorKeeper::floor() const {
  anchors::Sequences floor = memory_.floor;
  if (is_baked_vouched_) floor.RaiseTo(baked_->sequences);
  return floor;
}

CachedBundle AnchorKeeper::ReadFolder(absl::Time now) {
  // Again if others wrote meanwhile: between a root and the bundle of its keys
  // there is none.
  for (int again = 2;; --again) {
    CachedBundle found =
        OpenCache(options_.trusted_root, options_.baked.as_of, cache_, now);
    if (again == 0 || !cache_.HasChanged()) return found;
  }
}

bool AnchorKeeper::LoadCache(absl::Time now) {
  if (!cache_.HasChanged()) return false;
  CachedBundle cached = ReadFolder(now);
  memory_ = std::move(cached.memory);
  is_baked_vouched_ =
      !default_baked_ && cached.roots.has_value() &&
      CanStillSign(baked_->signers, cached.roots->root().targets);
  if (cached.roots.has_value() && !cached.fork) {
    MergeMetadata(*cached.roots, cache_);
  }
  is_bundle_saved_ = cached.bundle.has_value();
  if (!cached.empty) {
    // Even without a server: whoever can damage a cache must gain nothing by
    // it.
    ages_ = true;
  }
  if (cached.bundle.has_value() && IsOlderThanBaked(*cached.bundle)) {
    cached.bundle.reset();
    cached.status = absl::FailedPreconditionError(
        "the cache was not used: the set that is built in is newer");
  }
  ladder_.Replace(Published<Ladder>::Prepare(
      NextLadder(cached.bundle.has_value()
                     ? std::make_shared<const Bundle>(*std::move(cached.bundle))
                     : nullptr,
                 memory_)));
  if (cached.fork) ++equivocations_;
  // A damaged memory is left as it is until there is a better one.
  if (cached.is_memory_new) cache_.SaveMemory(memory_);
  WriteFolder(now);
  if (!cached.status.ok()) cache_.Report(cached.status);
  if (cached.empty) cache_.MakeFolder();
  return !cached.empty;
}

bool AnchorKeeper::IsOlderThanBaked(const Bundle& bundle) const {
  return is_baked_vouched_ && Versions(bundle) < Versions(*baked_);
}

bool AnchorKeeper::IsNewer(const Bundle& bundle, const Bundle* held) const {
  if (held != nullptr && Versions(bundle) <= Versions(*held)) return false;
  if (IsOlderThanBaked(bundle)) return false;
  // As for a server's: the versions of TUF say the same.
  const anchors::Sequences least = floor();
  return std::all_of(
      anchors::TargetKinds().begin(), anchors::TargetKinds().end(),
      [&](const anchors::TargetKind& kind) {
        return bundle.files->target(kind.path).empty() ||
               bundle.sequences.Of(kind.name) >= least.Of(kind.name);
      });
}

void AnchorKeeper::LookIntoFolder(absl::Time now) {
  // Again where memory ran out the last time.
  if (!cache_.HasChanged() && !is_looking_) return;
  is_looking_ = true;
  // Metadata of others may be newer than what was verified here.
  verified_.reset();
  // What others wrote follows from what this client knew, if that was written.
  const bool was_written = !cache_.is_unwritten(kMemoryFile);
  CachedBundle found = ReadFolder(now);
  if (found.fork) ++equivocations_;
  if (!found.status.ok()) cache_.Report(found.status);
  is_bundle_saved_ = false;
  // A folder that has lost its roots says nothing about what they ended.
  if (found.fork || !found.roots.has_value() ||
      found.roots->root().envelope.version < memory_.root_version) {
    is_looking_ = false;
    return;
  }
  FollowRoot(*found.roots, now);
  MergeMetadata(*found.roots, cache_);

  const std::shared_ptr<const Ladder> before = ladder();
  std::shared_ptr<const Bundle> held = before->held();
  const bool is_same = found.bundle.has_value() && held != nullptr &&
                       Versions(*found.bundle) == Versions(*held);
  const bool is_newer =
      found.bundle.has_value() && IsNewer(*found.bundle, held.get());
  Memory memory = is_newer ? found.memory : memory_;
  const Memory& other = is_newer ? memory_ : found.memory;
  if (is_same) memory.adopted = std::min(memory.adopted, other.adopted);
  if (other.floor.Of(anchors::kCatalogName) >
      memory.floor.Of(anchors::kCatalogName)) {
    memory.floor_signers = other.floor_signers;
  }
  memory.floor.RaiseTo(other.floor);
  const Revoked refused = memory.revoked;
  if (!is_newer || !was_written) Merge(other.revoked, memory.revoked);

  if (is_newer) {
    held = std::make_shared<const Bundle>(*std::move(found.bundle));
  }
  if (held != nullptr && memory.revoked != refused) {
    auto again = Reopen(*found.roots, *held->files, memory,
                        held->anchors->provenance(), now);
    if (again.ok()) held = std::make_shared<const Bundle>(*std::move(again));
  }
  const std::shared_ptr<Ladder> ladder = NextLadder(held, memory);
  if (!is_newer) ladder->Inherit(*before);
  auto next = Published<Ladder>::Prepare(ladder);
  is_bundle_saved_ = is_newer || is_same;
  if (is_bundle_saved_) cache_.MarkWritten(kBundleFile);
  const bool is_kept =
      was_written && !found.is_memory_new && memory.floor == found.memory.floor;
  if (is_kept || Serialize(memory) ==
                     cache_.Read(kMemoryFile, kMaxMemoryBytes).value_or("")) {
    cache_.MarkWritten(kMemoryFile);
  } else {
    cache_.SaveMemory(memory);
  }
  if (held != before->held() || memory.revoked != memory_.revoked) {
    ladder_.Replace(std::move(next));
  }
  memory_ = std::move(memory);
  is_looking_ = false;
}

void AnchorKeeper::WriteFolder(absl::Time now) {
  cache_.Write([this, now] { LookIntoFolder(now); });
}

absl::Status AnchorKeeper::Refresh(Transport& transport, absl::Time now,
                                   absl::Duration time) {
  LookIntoFolder(now);
  absl::Status status = Fetch(transport, now, time);
  WriteFolder(now);
  return status;
}

absl::Status AnchorKeeper::LookAgain(absl::Time now) {
  LookIntoFolder(now);
  WriteFolder(now);
  if (ladder()->held() != nullptr) return absl::OkStatus();
  return cache_.status().ok() ? absl::NotFoundError("the cache is empty")
                              : cache_.status();
}

absl::Status AnchorKeeper::Fetch(Transport& transport, absl::Time now,
                                 absl::Duration time) {
  const std::shared_ptr<const Bundle> held = ladder()->held();
  const std::unique_ptr<tuf::Fetcher> fetcher = transport.Begin(
      held != nullptr ? held->versions : anchors::BundleVersions(),
      held != nullptr ? held->files->timestamp : std::string(), time);
  if (verified_bundle_ != held) verified_.reset();
  auto updater = verified_.has_value()
                     ? absl::StatusOr<tuf::Updater>(tuf::Updater::Continue(
                           *verified_, now, fetcher.get(), &cache_))
                     : tuf::Updater::Create(options_.trusted_root, now,
                                            fetcher.get(), &cache_);
  if (!updater.ok()) return updater.status();
  const absl::Status refreshed = updater->Refresh();
  // Even after a failure: a root that was stored counts, and whoever lets
  // only the root through must not keep alive what it ended.
  FollowRoot(updater->trusted(), now);
  if (updater->equivocation_seen()) ++equivocations_;
  if (!refreshed.ok()) return refreshed;
  const std::int64_t root = updater->trusted().root().envelope.version;
  if (root < memory_.root_version) {
    return tuf::RejectUpdate(
        tuf::TufReason::kRootRollback,
        absl::StrCat("the newest root is ", root, ", and ",
                     memory_.root_version, " was seen before"));
  }
  // What the folder lost is saved by AdoptFrom().
  const bool is_same = is_bundle_saved_ && verified_.has_value() &&
                       updater->trusted().timestamp() == verified_->timestamp();
  return is_same ? Confirm(*held, now) : AdoptFrom(*updater, held.get(), now);
}

void AnchorKeeper::FollowRoot(const tuf::TrustedSet& trusted, absl::Time now) {
  if (trusted.root().envelope.version <= memory_.root_version) return;
  verified_.reset();
  Memory memory = HoldAgainst(trusted.root(), memory_);
  const std::shared_ptr<const Ladder> before = ladder();
  std::shared_ptr<const Bundle> held = before->held();
  if (held != nullptr) {
    const verify::AnchorProvenance& was = held->anchors->provenance();
    auto again = Reopen(trusted, *held->files, memory, was, now);
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
  is_baked_vouched_ =
      !default_baked_ && CanStillSign(baked_->signers, trusted.root().targets);
  if (held != before->held() || held == nullptr) {
    ladder_.Replace(std::move(next));
  }
}

absl::Status AnchorKeeper::AdoptFrom(tuf::Updater& updater, const Bundle* held,
                                     absl::Time now) {
  anchors::BundleFiles files =
      held != nullptr ? *held->files : anchors::BundleFiles();
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    auto bytes = FindTarget(updater, kind, files.target(kind.path));
    if (!kind.is_required &&
        tuf::TufReasonOf(bytes.status()) == tuf::TufReason::kTargetNotFound) {
      bytes = std::string();
    }
    if (!bytes.ok()) return bytes.status();
    files.SetTarget(kind.path, *std::move(bytes));
  }
  const tuf::TrustedSet& trusted = updater.trusted();
  const bool is_same_timestamp =
      files.timestamp == trusted.timestamp()->envelope.bytes;
  // A clock from before the program was built is wrong.
  const absl::Time adopted =
      is_same_timestamp ? std::max(memory_.adopted, options_.baked.as_of)
                        : std::max(now, options_.baked.as_of);
  auto bundle = MakeBundle(
      trusted, files,
      {.origin = verify::Origin::kServer,
       // A clock that was set back is no older answer.
       .as_of = is_same_timestamp
                    ? std::max(now, held->anchors->provenance().as_of)
                    : now,
       .fresh_until = FreshUntil(trusted, adopted)},
      Revoked());
  if (!bundle.ok()) return bundle.status();
  if (absl::Status s = CheckAdoptable(*bundle, floor(), now); !s.ok()) {
    return s;
  }
  files.timestamp = trusted.timestamp()->envelope.bytes;
  files.snapshot = trusted.snapshot()->envelope.bytes;
  files.targets = trusted.targets()->envelope.bytes;
  bundle->files =
      std::make_shared<const anchors::BundleFiles>(std::move(files));
  Memory memory = Remembering(*bundle, adopted);
  const std::shared_ptr<const Ladder> ladder =
      NextLadder(std::make_shared<const Bundle>(*std::move(bundle)), memory);
  auto next = Published<Ladder>::Prepare(ladder);
  if (!is_same_timestamp || !is_bundle_saved_) {
    cache_.SaveBundle(*ladder->held()->files, memory);
    is_bundle_saved_ = true;
  } else if (memory != memory_) {
    cache_.SaveMemory(memory);
  }
  // Whatever was wrong there, it has been saved anew.
  cache_.Report(absl::OkStatus());
  memory_ = std::move(memory);
  ladder_.Replace(std::move(next));
  // Delegated roles have an expiry of their own, which every refresh is to see.
  if (!trusted.targets()->delegations.has_value()) {
    verified_ = trusted;
    verified_bundle_ = ladder->held();
  }
  return absl::OkStatus();
}

absl::Status AnchorKeeper::Confirm(const Bundle& held, absl::Time now) {
  if (absl::Status s = CheckAdoptable(held, floor(), now); !s.ok()) return s;
  verify::AnchorProvenance provenance = held.anchors->provenance();
  // A clock that was set back is no older answer.
  provenance.as_of = std::max(now, provenance.as_of);
  auto confirmed = std::make_shared<Bundle>(held);
  confirmed->anchors = held.anchors->WithProvenance(provenance);
  auto ladder = std::make_shared<const Ladder>(
      this->ladder()->baked(), std::move(confirmed), options_.max_stale,
      /*may_yield=*/default_baked_);
  auto next = Published<Ladder>::Prepare(ladder);
  verified_bundle_ = ladder->held();
  ladder_.Replace(std::move(next));
  return absl::OkStatus();
}

Memory AnchorKeeper::Remembering(const Bundle& bundle,
                                 absl::Time adopted) const {
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

std::shared_ptr<Ladder> AnchorKeeper::NextLadder(
    std::shared_ptr<const Bundle> held, const Memory& memory) const {
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

}  // namespace anchorage::client

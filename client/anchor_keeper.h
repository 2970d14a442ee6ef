// Keeps the set of anchors that counts: from what is built in, the cache and
// what servers send, by the rules of client/README.md ("The ladder").

#ifndef ANCHORAGE_CLIENT_ANCHOR_KEEPER_H_
#define ANCHORAGE_CLIENT_ANCHOR_KEEPER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/bundle.h"
#include "anchors/tuf/trusted_set.h"
#include "anchors/tuf/updater.h"
#include "client/bundle.h"
#include "client/bundle_cache.h"
#include "client/cached_bundle.h"
#include "client/ladder.h"
#include "client/memory.h"
#include "client/published.h"
#include "client/transport.h"
#include "client/trust_client.h"
#include "verify/anchor_set.h"
#include "verify/fork_safe_mutex.h"

namespace anchorage::client {

// LoadCache(), Refresh() and cache_status() are for one caller at a time; the
// rest is for any thread, and never waits for them.
class AnchorKeeper {
 public:
  // Starts with `baked`, which options.baked verified to. `default_baked`: it is
  // our own, and not one from the server's repository. `ages`: there is a
  // server that could have a newer one. `options` outlives the keeper.
  // `folder` may be null, for none.
  AnchorKeeper(const TrustClientOptions& options, bool default_baked, bool ages,
               Bundle baked, std::unique_ptr<CacheFolder> folder);
  AnchorKeeper(const AnchorKeeper&) = delete;
  AnchorKeeper& operator=(const AnchorKeeper&) = delete;

  // The set that counts, and how fresh it is.
  struct Current {
    std::shared_ptr<const Bundle> bundle;
    verify::Freshness freshness;
  };
  // As Ladder::At().
  Current At(absl::Time now, bool first_refresh_pending) const;

  // Loads what the folder holds; whatever is wrong with it is recorded, and
  // costs only what was there. Returns whether the folder ever held a bundle.
  bool LoadCache(absl::Time now);

  // Takes what `transport` has through the TUF workflow and adopts it, in at
  // most `time`. Whatever it answers, the set is as good as before, unless a new
  // root ended it. Before that it looks at what others wrote to the folder, and
  // afterwards it writes there what is newer.
  absl::Status Refresh(Transport& transport, absl::Time now,
                       absl::Duration time);

  // Looks at what others wrote to the folder, and asks nobody. NOT_FOUND or why:
  // there is no bundle that could be used.
  absl::Status LookAgain(absl::Time now);
  bool has_folder() const { return cache_.has_folder(); }

  // Why the cache could last not be used or written.
  const absl::Status& cache_status() const { return cache_.status(); }

  // How often two different files of one version were found.
  std::uint64_t equivocations() const { return equivocations_; }

  // Whether this process was forked from the one that made the keeper.
  bool forked() const { return verify::ForkDepth() != fork_depth_; }

 private:
  // A child of fork(2) never replaces it.
  std::shared_ptr<const Ladder> ladder() const;
  // What must not be gone back behind: also a baked-in bundle of the same
  // repository.
  anchors::Sequences floor() const;
  // Between two bundles of one repository, versions decide.
  bool IsOlderThanBaked(const Bundle& bundle) const;
  // Accepts what other clients wrote to the folder since the last look: a newer
  // root, a newer bundle, higher floors, what was revoked. Nothing there makes
  // anything older or accepts what was revoked.
  void LookIntoFolder(absl::Time now);
  CachedBundle ReadFolder(absl::Time now);
  void WriteFolder(absl::Time now);
  // Whether a bundle of the folder is to replace `held`, which may be null.
  bool IsNewer(const Bundle& bundle, const Bundle* held) const;
  absl::Status Fetch(Transport& transport, absl::Time now, absl::Duration time);
  // Checks the held bundle against a newer root.
  void FollowRoot(const anchors::tuf::TrustedSet& trusted, absl::Time now);
  // Makes what a complete updater vouches for the current set.
  absl::Status AdoptFrom(anchors::tuf::Updater& updater, const Bundle* held,
                         absl::Time now);
  // Makes what an earlier refresh of this process made of the same files the
  // current set, as of `now`.
  absl::Status Confirm(const Bundle& held, absl::Time now);
  // Returns what is remembered once `bundle` is accepted.
  Memory Remembering(const Bundle& bundle, absl::Time adopted) const;
  // The ladder of `held` and of the baked-in set, in which what was revoked
  // stays so. Where a bundle was held and cannot be used, the baked-in set is
  // no fresher than that bundle was, unless it was made later: whoever can
  // damage a cache must gain nothing by it.
  std::shared_ptr<Ladder> NextLadder(std::shared_ptr<const Bundle> held,
                                     const Memory& memory) const;

  const TrustClientOptions& options_;
  const bool default_baked_;
  const std::shared_ptr<const Bundle> baked_;
  const std::uint64_t fork_depth_ = verify::ForkDepth();
  // Whether the baked-in set ages, because there is something that could be
  // newer. Written before other threads can see the client.
  bool ages_;

  BundleCache cache_;
  // Whether the folder has the held bundle, or will once all is written.
  bool is_bundle_saved_ = false;
  // Whether a look into the folder has begun and not ended.
  bool is_looking_ = false;
  Memory memory_;
  // Whether a baked-in bundle from the server's repository is signed by the
  // keys of the newest root: otherwise it is no floor, and never the newer one.
  bool is_baked_vouched_ = false;
  // What the last refresh verified, complete, under the newest root, and the
  // bundle that it was made into: while that is held, the next refresh need not
  // verify the same files again.
  std::optional<anchors::tuf::TrustedSet> verified_;
  std::shared_ptr<const Bundle> verified_bundle_;
  // Replaced by refreshes only, which take turns.
  Published<Ladder> ladder_;
  std::atomic<std::uint64_t> equivocations_ = 0;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_ANCHOR_KEEPER_H_

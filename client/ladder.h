// Which set of anchors counts now, and how fresh it is: the ladder of
// client/README.md. One rule holds it together: worse data never gives a more
// permissive answer.

#ifndef ANCHORAGE_CLIENT_LADDER_H_
#define ANCHORAGE_CLIENT_LADDER_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/bundle.h"
#include "verify/anchor_set.h"

namespace anchorage::client {

// How long a baked-in set is fresh on its own where there is a server that
// could have a newer one.
inline constexpr absl::Duration kBakedInLife = absl::Hours(30 * 24);

// Returns how fresh a set is at `now`. A baked-in set that has not reached its
// fresh_until is BAKED_IN.
verify::Freshness FreshnessOf(const verify::AnchorProvenance& provenance,
                              absl::Duration max_stale, absl::Time now);

// Fails with kAnchorsExpired for a set that is EXPIRED: what
// WhenExpired::kRefuse means.
absl::Status RequireNotExpired(const verify::AnchorProvenance& provenance,
                               verify::Freshness freshness);

// The two sets that a client has, and the choice between them. The sets do not
// change; the ladder only remembers which was once found EXPIRED. Thread-safe.
class Ladder {
 public:
  // `baked` is always there; `held`, from the cache or the server, may be null.
  // `may_yield`: an expired `held` yields to a `baked` that is younger. Not for
  // a baked-in bundle of the same repository: there the newer one was already
  // chosen by its versions.
  Ladder(std::shared_ptr<const Bundle> baked,
         std::shared_ptr<const Bundle> held, absl::Duration max_stale,
         bool may_yield)
      : baked_(std::move(baked)),
        held_(std::move(held)),
        max_stale_(max_stale),
        may_yield_(may_yield) {}

  struct Standing {
    // As long as the ladder.
    const Bundle* bundle = nullptr;
    verify::Freshness freshness = verify::Freshness::kExpired;
  };

  // Returns the set that counts at `now`. A set that was EXPIRED once stays so,
  // whatever the clock reads later. `first_refresh_pending`: an expired
  // baked-in set counts as STALE, and is not remembered as EXPIRED, because the
  // server is being asked for the first time.
  Standing At(absl::Time now, bool first_refresh_pending) const;

  const std::shared_ptr<const Bundle>& baked() const { return baked_; }
  const std::shared_ptr<const Bundle>& held() const { return held_; }

  // Inherits what `before` found EXPIRED, for sets that nobody has vouched for
  // since. Call it only before this ladder is used.
  void Inherit(const Ladder& before);

 private:
  verify::Freshness Judge(const Bundle& bundle, std::atomic<bool>& expired,
                          absl::Time now) const;

  const std::shared_ptr<const Bundle> baked_;
  const std::shared_ptr<const Bundle> held_;
  const absl::Duration max_stale_;
  const bool may_yield_;
  mutable std::atomic<bool> baked_expired_ = false;
  mutable std::atomic<bool> held_expired_ = false;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_LADDER_H_

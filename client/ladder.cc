#include "client/ladder.h"

#include "absl/strings/str_cat.h"
#include "verify/reason.h"

namespace anchorage::client {

using verify::Freshness;

Freshness FreshnessOf(const verify::AnchorProvenance& provenance,
                      absl::Duration max_stale, absl::Time now) {
  if (now <= provenance.fresh_until) {
    return provenance.origin == verify::Origin::kBakedIn ? Freshness::kBakedIn
                                                         : Freshness::kFresh;
  }
  return now <= provenance.fresh_until + max_stale ? Freshness::kStale
                                                   : Freshness::kExpired;
}

absl::Status RequireNotExpired(const verify::AnchorProvenance& provenance,
                               Freshness freshness) {
  if (freshness != Freshness::kExpired) return absl::OkStatus();
  return verify::Reject(verify::Reason::kAnchorsExpired,
                        absl::StrCat("the anchors were fresh until ",
                                     absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                                                      provenance.fresh_until,
                                                      absl::UTCTimeZone())));
}

Freshness Ladder::Judge(const Bundle& bundle, std::atomic<bool>& expired,
                        absl::Time now) const {
  if (expired.load(std::memory_order_relaxed)) return Freshness::kExpired;
  const Freshness freshness =
      FreshnessOf(bundle.anchors->provenance(), max_stale_, now);
  if (freshness == Freshness::kExpired) {
    expired.store(true, std::memory_order_relaxed);
  }
  return freshness;
}

void Ladder::Inherit(const Ladder& before) {
  baked_expired_ = before.baked_expired_.load();
  held_expired_ = before.held_expired_.load();
}

Ladder::Standing Ladder::At(absl::Time now, bool first_refresh_pending) const {
  if (held_ != nullptr) {
    const Freshness freshness = Judge(*held_, held_expired_, now);
    const bool yields = freshness == Freshness::kExpired && may_yield_ &&
                        baked_->anchors->provenance().as_of >
                            held_->anchors->provenance().fresh_until;
    if (!yields) return {held_.get(), freshness};
  } else if (first_refresh_pending &&
             FreshnessOf(baked_->anchors->provenance(), max_stale_, now) ==
                 Freshness::kExpired) {
    return {baked_.get(), Freshness::kStale};
  }
  return {baked_.get(), Judge(*baked_, baked_expired_, now)};
}

}  // namespace anchorage::client

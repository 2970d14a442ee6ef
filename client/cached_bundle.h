// What a cache folder is worth at a start: every check of what lies in it.

#ifndef ANCHORAGE_CLIENT_CACHED_BUNDLE_H_
#define ANCHORAGE_CLIENT_CACHED_BUNDLE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/tuf/trusted_set.h"
#include "client/bundle.h"
#include "client/bundle_cache.h"
#include "client/memory.h"

namespace anchorage::client {

struct CachedBundle {
  // There is a folder, and it never held a bundle.
  bool empty = false;
  // The bundle, if it can be used; its age is for a Ladder to judge.
  std::optional<Bundle> bundle;
  // Why not; OK for an empty cache.
  absl::Status status;
  // What counts from now on: held against the newest root, and with all that
  // anything in the folder revokes. Of a bundle that cannot be used it has at
  // least until when that was fresh, where anything in the folder says so.
  Memory memory;
  // Who signs targets under the newest root.
  anchors::tuf::RoleKeys targets_role;
  // A stored root, signed by the same keys, contradicts the trusted one, and
  // nothing of the folder was used: somebody who has them signed two truths.
  bool fork = false;
};

// Holds what is in `cache` against the newest root that it leads to from
// `trusted_root`, which must be one. `built` is when the baked-in set was made:
// no clock may read earlier. Writes nothing but a memory that changed, and what
// BundleCache::Disown() does.
CachedBundle OpenCache(const std::string& trusted_root, absl::Time built,
                       BundleCache& cache, absl::Time now);

// What a newer root leaves of a memory: it drops a floor whose signers can no
// longer sign, once. A root that adds keys drops nothing.
Memory HoldAgainst(const anchors::tuf::Root& root, Memory memory);

// Verifies a bundle that was adopted earlier again, under the newest root of
// `roots`, of which only the root is used. Its provenance is the given one, but
// for fresh_until: where a root replaced the key of the timestamp or the
// snapshot, the bundle was fresh until just before that was first seen, which
// `memory` keeps; otherwise now. Fails as TrustedSet and MakeBundle() do.
absl::StatusOr<Bundle> Reopen(const anchors::tuf::TrustedSet& roots,
                              const anchors::BundleFiles& files, Memory& memory,
                              verify::AnchorProvenance provenance,
                              absl::Time now);

// What a bundle revokes, whoever signed it: refuse what it names, and believe
// nothing else of it.
Revoked ClaimedRevoked(const anchors::BundleFiles& files);

// How long a bundle that was adopted at `adopted` may be called fresh: as its
// files say, and never more than a year.
absl::Time FreshUntil(const anchors::tuf::TrustedSet& set, absl::Time adopted);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_CACHED_BUNDLE_H_

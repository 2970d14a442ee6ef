// What a start can use from a cache folder: all checks of its contents.

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
  // There is a folder, but it never held a bundle.
  bool empty = false;
  // The bundle, if it can be used; its age is for a Ladder to judge.
  std::optional<Bundle> bundle;
  // Why the bundle cannot be used; OK for an empty cache.
  absl::Status status;
  // The memory that counts from now on: checked against the newest root, and
  // with everything that anything in the folder revokes. Of a bundle that
  // cannot be used it keeps at least how long that was fresh, if anything in
  // the folder says so.
  Memory memory;
  // Whether that is to replace the memory of the folder.
  bool is_memory_new = false;
  // With the newest root; nothing where the trusted one is none.
  std::optional<anchors::tuf::TrustedSet> roots;
  // A stored root, signed by the same keys, contradicts the trusted one, and
  // nothing of the folder was used: somebody who has these keys signed two
  // different roots.
  bool fork = false;
};

// Checks what is in `cache` against the newest root to which it leads from
// `trusted_root`, which must be a root. `built` is when the baked-in set was
// made: no clock may read an earlier time. Saves nothing but what
// BundleCache::Disown() does. Reads in the order that BundleCache explains, so
// that others may write meanwhile.
CachedBundle OpenCache(const std::string& trusted_root, absl::Time built,
                       BundleCache& cache, absl::Time now);

// Saves, of each file of metadata, the newer of what was saved and what the
// folder has; what is not signed under the root of `roots` counts for nothing.
void MergeMetadata(const anchors::tuf::TrustedSet& roots, BundleCache& cache);

// Returns what a newer root leaves of a memory: the root drops a floor whose
// signers can no longer sign, once. A root that adds keys drops nothing.
Memory HoldAgainst(const anchors::tuf::Root& root, Memory memory);

// Verifies again a bundle that was accepted earlier, under the root of `roots`,
// of which nothing else is used. Its provenance is the given one, except
// fresh_until: where a root replaced the key of the timestamp or the snapshot,
// the bundle was fresh until just before that was first seen, a time that
// `memory` keeps; if it has none, until now. Fails as TrustedSet and
// MakeBundle() do.
absl::StatusOr<Bundle> Reopen(const anchors::tuf::TrustedSet& roots,
                              const anchors::BundleFiles& files, Memory& memory,
                              verify::AnchorProvenance provenance,
                              absl::Time now);

// Returns what a bundle revokes, whoever signed it. Callers refuse what it
// names, and must believe nothing else of it.
Revoked ClaimedRevoked(const anchors::BundleFiles& files);

// Returns until when a bundle that was accepted at `adopted` counts as fresh:
// as its files say, but never for more than a year.
absl::Time FreshUntil(const anchors::tuf::TrustedSet& set, absl::Time adopted);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_CACHED_BUNDLE_H_

// Checks before targets are signed or served: everything that a client of this
// version does with them, and whatever keeps the next ones possible.
//
//   if (auto s = CheckCatalogFile(catalog, now); !s.ok()) return s;
//   if (auto s = CheckStep("the catalog", last, next); !s.ok()) return s;
//
// Pure. Being too strict here can do no harm, and clients check again.

#ifndef ANCHORAGE_ANCHORS_TARGET_CHECKS_H_
#define ANCHORAGE_ANCHORS_TARGET_CHECKS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"

namespace anchorage::anchors {

// How far a file's creation time may be ahead of the clock of whoever makes it.
// Clients, whose clocks are worse, allow more.
inline constexpr absl::Duration kMaxCreatedAhead = absl::Minutes(5);

// How far a sequence may be above the one before it: nobody who held a key for
// a while can use up the numbers.
inline constexpr std::uint64_t kMaxSequenceStep = std::uint64_t{1} << 32;

// Each is OK if a client can use the file as this program can: its limits hold,
// no region is in two partitions, every key loads, there is nothing that this
// program does not know, and it was not made more than kMaxCreatedAhead after
// `now`. Fail as ParseCatalog(), ToAnchorSet() and ParseReleases() do, or with
// FAILED_PRECONDITION. CheckTargets() calls these for everything that a bundle
// has.
absl::Status CheckCatalogFile(std::string_view json, absl::Time now);
absl::Status CheckReleasesFile(std::string_view json, absl::Time now);

// Returns OK if every verifier can use the anchors: as ToAnchorSet(), and every
// key loads. Part of CheckCatalogFile().
absl::Status CheckAnchorsLoad(const Catalog& catalog);

// Returns OK if `created` is at most kMaxCreatedAhead after `now`, otherwise
// FAILED_PRECONDITION. The message begins with `what`: "the catalog".
absl::Status CheckCreated(std::string_view what, absl::Time created,
                          absl::Time now);

// Returns OK if sequence `next` may follow `last`, which is 0 for none: it must
// be higher, by at most kMaxSequenceStep. Otherwise FAILED_PRECONDITION.
absl::Status CheckStep(std::string_view what, std::uint64_t last,
                       std::uint64_t next);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_TARGET_CHECKS_H_

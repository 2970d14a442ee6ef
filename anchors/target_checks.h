// What is checked before targets are signed or served: all that a client of this
// version does with them, and what keeps the next ones possible.
//
//   if (auto s = CheckCatalogFile(catalog, now); !s.ok()) return s;
//   if (auto s = CheckStep("the catalog", last, next); !s.ok()) return s;
//
// Pure. Whoever makes targets can only be too strict here: clients check again.

#ifndef ANCHORAGE_ANCHORS_TARGET_CHECKS_H_
#define ANCHORAGE_ANCHORS_TARGET_CHECKS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"

namespace anchorage::anchors {

// How far ahead of the clock of whoever makes it a file may say that it was
// made. Clients, whose clocks are worse, allow more.
inline constexpr absl::Duration kMaxCreatedAhead = absl::Minutes(5);

// How far a sequence may be above the one before it: nobody who held a key for
// a while uses up the numbers.
inline constexpr std::uint64_t kMaxSequenceStep = std::uint64_t{1} << 32;

// Each is OK if a client can use the file as this program can: its limits hold,
// no region is in two partitions, every key loads, there is nothing that this
// program does not know, and it was not made more than kMaxCreatedAhead after
// `now`. Fail as ParseCatalog(), ToAnchorSet() and ParseReleases() do, or with
// FAILED_PRECONDITION. CheckTargets() asks for all that a bundle has.
absl::Status CheckCatalogFile(std::string_view json, absl::Time now);
absl::Status CheckReleasesFile(std::string_view json, absl::Time now);

// OK if every verifier can use the anchors: as ToAnchorSet(), and every key
// loads. Part of CheckCatalogFile().
absl::Status CheckAnchorsLoad(const Catalog& catalog);

// OK if `created` is at most kMaxCreatedAhead after `now`. FAILED_PRECONDITION.
// `what` begins the message: "the catalog".
absl::Status CheckCreated(std::string_view what, absl::Time created,
                          absl::Time now);

// OK if sequence `next` may follow `last`, which is 0 for none: it is higher,
// by at most kMaxSequenceStep. FAILED_PRECONDITION.
absl::Status CheckStep(std::string_view what, std::uint64_t last,
                       std::uint64_t next);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_TARGET_CHECKS_H_

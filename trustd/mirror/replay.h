// What another configuration of rotations would have decided, as far as the
// record tells.
//
//   auto replay = ReplayStore("/var/lib/trustd/store", options, absl::Now());
//   std::printf("%s", ToText(*replay, "new.yaml").c_str());
//
// What sources, instances and people said is taken from the record, in its order,
// and decided again by the same pure core (core.h) under other options, from the
// catalog that there was before the record. So what follows from a different
// decision is replayed too. Nothing is written or signed, and a trustd may have
// the store open.
//
// The record has what is new, with hashes in place of certificates. So:
//   - certificates are those of detections, of additions and of the catalog now;
//     an observation with another one is left out, and counted;
//   - polls that showed nothing new are not there: a decision that waited for
//     one comes earlier here;
//   - a source speaks of the partitions and kinds of which it ever showed
//     something, and keeps saying what it said last;
//   - the catalog before the record is that of now, without what the record has
//     brought: what people signed on their own is in it from the beginning;
//   - whoever decided on the record still may, and an approval is one of
//     whatever the rotation does here;
//   - what is approved is published at once, even where people would have to
//     sign it.

#ifndef ANCHORAGE_TRUSTD_MIRROR_REPLAY_H_
#define ANCHORAGE_TRUSTD_MIRROR_REPLAY_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "anchors/catalog.h"
#include "proto/anchorage/v1/ledger.pb.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/mirror/rotation_config.h"

namespace anchorage::trustd {

struct ReplayOptions {
  RotationOptions rotations;
  // The family of each source; one that is not named is its own.
  std::map<std::string, std::string> families = {};
};

struct Replay {
  enum class End {
    // There is no such rotation.
    kAbsent,
    kPublishedByPolicy,
    kPublishedByPeople,
    kRejected,
    // Over without having been published.
    kWithdrawn,
    // Waits for people, or for the policy.
    kOpen,
  };
  struct Course {
    End end = End::kAbsent;
    // For people: when, by whom, why.
    std::string text;
  };
  struct Row {
    // The rotation as on the record; one that the record does not have is as
    // found here, with the number 0.
    v1::Rotation rotation;
    Course happened;
    Course replayed;
    // Whether it has the same end, as late as before within a minute.
    bool is_same = false;
  };
  // All but anomalies and unknown signers, which nothing publishes: first those
  // of the record, in its order.
  std::vector<Row> rows;
  // How many rotations are not in `rows`.
  int alarms = 0;
  std::uint64_t records = 0;
  absl::Time first;
  absl::Time last;
  // Polls that showed something new, and how many of them are left out.
  int looks = 0;
  int looks_left_out = 0;
  // Publications that come from neither rotations nor changes by hand, except
  // for the first.
  int unexplained = 0;
};

// Replays a record. `records` is a whole record, `catalog` what is served at
// its end, `now` the time up to which it is replayed. INVALID_ARGUMENT if the
// catalog before it cannot be reconstructed.
absl::StatusOr<Replay> ReplayRecord(absl::Span<const v1::LedgerRecord> records,
                                    const anchors::Catalog& catalog,
                                    const ReplayOptions& options,
                                    absl::Time now);

// Replays the record of the store in a folder, which is opened for reading.
// Fails as RocksDbStore::OpenForReading() and ReplayRecord() do, with DATA_LOSS
// for a damaged record and FAILED_PRECONDITION for a store without a catalog.
absl::StatusOr<Replay> ReplayStore(const std::string& folder,
                                   const ReplayOptions& options,
                                   absl::Time now);

// For people; `name` is what the other configuration is called. Printable.
std::string ToText(const Replay& replay, std::string_view name);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_REPLAY_H_

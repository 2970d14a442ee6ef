// The state after the first records, kept in the store, so that a start only
// reads the last ones.
//
//   auto record = OpenRecord(store);
//   ... record->ledger, record->book ...
//   if (record->checkpoint) CheckAgainstRecord(store, *record->checkpoint, ...);
//
// A checkpoint is a memory and not the truth: whoever can write to the store
// can make one that says what no record says, with the right hash. So it is
// believed only for a start, until the records that it covers have been read;
// before that, nothing may come into use because of it.
//
// Rotations are stored in pieces of 256, and a checkpoint writes only those
// that have changed since the one before, so that it costs the same at any age.

#ifndef ANCHORAGE_TRUSTD_RECORD_CHECKPOINT_H_
#define ANCHORAGE_TRUSTD_RECORD_CHECKPOINT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/base/merkle.h"
#include "trustd/base/store.h"
#include "trustd/record/ledger.h"
#include "trustd/record/rotation_book.h"

namespace anchorage::trustd {

// The least number of records from one checkpoint to the next. It bounds what a
// start reads, some 30 ms, and spreads the cost of a checkpoint.
inline constexpr std::uint64_t kRecordsBetweenCheckpoints = 1024;

struct Checkpoint {
  // The tree of the records that it covers.
  anchors::MerkleFrontier tree;
  RotationBook book = {};
  // SHA-256 of each piece of the book as it is stored, lower-case hex.
  std::map<std::uint64_t, std::string> pieces = {};
};

struct OpenedRecord {
  std::unique_ptr<Ledger> ledger;
  // The state after all records.
  RotationBook book;
  // The checkpoint that was believed; nullopt where all records were read.
  std::optional<Checkpoint> checkpoint;
};

// Opens the record of `store`, which must outlive it. Uses the store's
// checkpoint if this program wrote it, its hash is right, and the records after
// it lead from its tree to the store's head; otherwise reads all records. Fails
// as Ledger::Open() does; damage is not a failure.
absl::StatusOr<OpenedRecord> OpenRecord(Store& store);

// Reads the records that a checkpoint covers, as Ledger::ReadFirst() does.
// DATA_LOSS also where they say something else.
absl::Status CheckAgainstRecord(const Store& store,
                                const Checkpoint& checkpoint,
                                const std::function<bool()>& go_on);

// Adds to `batch` a checkpoint of the state that the store has: the tree and
// the book before what `batch` is going to append. `last` is the one that the
// store has; null for none.
Checkpoint AddCheckpoint(anchors::MerkleFrontier tree, const RotationBook& book,
                         const Checkpoint* last, StoreBatch& batch);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_CHECKPOINT_H_

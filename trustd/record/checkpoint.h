// What the first records say, kept in the store, so that a start reads the last
// ones alone.
//
//   auto record = OpenRecord(store);
//   ... record->ledger, record->book ...
//   if (record->checkpoint) CheckAgainstRecord(store, *record->checkpoint, ...);
//
// A checkpoint is a memory and no truth: who writes the store can make one that
// says what no record says, with the right hash. So it is believed for a start,
// until the records that it speaks of have been read again; before that, nothing
// is to come into use because of it.
//
// Rotations are stored in pieces of 256, of which a checkpoint writes those that
// have changed since the one before, so that it costs the same at any age.

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

// How many records there are at least from one checkpoint to the next: what a
// start reads at most, some 30 ms, and what shares the cost of a checkpoint.
inline constexpr std::uint64_t kRecordsBetweenCheckpoints = 1024;

struct Checkpoint {
  // Of the records that it speaks of.
  anchors::MerkleFrontier tree;
  RotationBook book = {};
  // SHA-256 of each piece of the book as it is stored, lower-case hex.
  std::map<std::uint64_t, std::string> pieces = {};
};

struct OpenedRecord {
  std::unique_ptr<Ledger> ledger;
  // What all records say.
  RotationBook book;
  // What was believed; nullopt where all records were read.
  std::optional<Checkpoint> checkpoint;
};

// Opens the record of `store`, which outlives it. Goes by the store's checkpoint
// if this program wrote it, its hash is right, and the records behind it lead
// from its tree to the store's head; otherwise reads all. Fails as Ledger::Open()
// does; damage is no failure.
absl::StatusOr<OpenedRecord> OpenRecord(Store& store);

// Reads again what a checkpoint speaks of, as Ledger::ReadFirst(). DATA_LOSS
// also where the records say something else.
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

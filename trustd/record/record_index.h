// Which records there are about whom and what, so that they can be searched
// without being read.
//
//   RecordIndex index([&](std::uint64_t i) { return ledger.ReadBytes(i); });
//   index.ReadOn(ledger.head().size, 10'000);   // until it has all
//   auto found = index.Find({.person = "alice"}, where);
//   index.Text(found.indexes.front());
//
// Kept in memory alone and made of the records themselves: about 150 bytes for
// each, most of them its words. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RECORD_RECORD_INDEX_H_
#define ANCHORAGE_TRUSTD_RECORD_RECORD_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/record_text.pb.h"
#include "trustd/record/record_text.h"

namespace anchorage::trustd {

// Returns the bytes of one record; like Ledger::ReadBytes().
using RecordReader =
    std::function<absl::StatusOr<std::string>(std::uint64_t index)>;

// What is asked for. What is empty lets everything through; the rest must all
// hold.
struct RecordFilter {
  // Kinds of fact, such as "DECISION".
  std::vector<std::string> facts = {};
  // `from` or later, and before `until`.
  absl::Time from = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
  std::string person = {};
  // Parts of the slot.
  v1::Slot slot = {};
  std::uint64_t rotation_id = 0;
  // Words, each of which occurs; large and small letters of ASCII are the same.
  std::string text = {};
};

class RecordIndex {
 public:
  // `read` is called from any thread. Without one, records come by Add() alone.
  explicit RecordIndex(RecordReader read = {}) : read_(std::move(read)) {}

  // Reads the next records, at most `most` of the first `size`. Returns whether
  // it has all of these. Fails as the reader does, with what it has kept.
  absl::StatusOr<bool> ReadOn(std::uint64_t size, std::uint64_t most);

  // Adds the next record.
  void Add(const v1::LedgerRecord& record);

  // How many records it has.
  std::uint64_t size() const;

  // Where to search: in the records from `first` on and before `end`, from the
  // first, or from the last one backwards; at most so many are looked at, and
  // at most so many returned.
  struct Where {
    std::uint64_t first = 0;
    std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
    bool backwards = false;
    std::uint64_t most_examined = std::numeric_limits<std::uint64_t>::max();
    std::size_t most_found = std::numeric_limits<std::size_t>::max();
  };
  struct Found {
    // In the order of the search.
    std::vector<std::uint64_t> indexes;
    // What is left of `first` or, backwards, of `end`.
    std::uint64_t next = 0;
  };
  Found Find(const RecordFilter& filter, const Where& where) const;

  // A record that it has.
  v1::RecordText Text(std::uint64_t index) const;

 private:
  // Its lists are parts of those below: they begin where those of the row
  // before end.
  struct Row {
    absl::Time time;
    std::uint32_t fact = 0;
    std::uint32_t person = 0;
    std::size_t rotations_end = 0;
    std::size_t slots_end = 0;
    std::size_t words_end = 0;
  };

  // A filter as numbers.
  struct Wanted;

  Wanted Prepare(const RecordFilter& filter) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool Passes(const Wanted& wanted, std::uint64_t index) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // The number of a name; a new one where it is not known.
  std::uint32_t NumberOf(std::string_view name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::uint32_t NumberOf(const v1::Slot& slot)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddLocked(const v1::LedgerRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Row RowBefore(std::uint64_t index) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return index == 0 ? Row() : rows_[index - 1];
  }

  const RecordReader read_;
  mutable absl::Mutex mutex_;
  RecordWords reader_ ABSL_GUARDED_BY(mutex_);
  std::vector<Row> rows_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::uint64_t> rotations_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> slots_ ABSL_GUARDED_BY(mutex_);
  std::string words_ ABSL_GUARDED_BY(mutex_);
  // Of facts and people; the first is the empty one.
  std::vector<std::string> names_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::Slot> known_slots_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::uint32_t> name_numbers_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::uint32_t> slot_numbers_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RECORD_RECORD_INDEX_H_

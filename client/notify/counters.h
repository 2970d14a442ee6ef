// How many verifications ended how, by slot and reason.
//
//   counters.Count(slot, std::nullopt);  // accepted
//   for (const OutcomeCount& each : counters.Snapshot()) ...
//
// Bounded, whatever the evidence names: a slot beyond kMaxSlots is counted with
// those that name no region. Thread-safe and lock-free; a fork's child goes on
// with the counts of that moment.

#ifndef ANCHORAGE_CLIENT_NOTIFY_COUNTERS_H_
#define ANCHORAGE_CLIENT_NOTIFY_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "verify/anchor_kind.h"
#include "verify/anchor_set.h"
#include "verify/reason.h"

namespace anchorage::client {

struct OutcomeCount {
  // Partition and region are empty where they are not known, and the region of
  // a Nitro root always is.
  verify::Slot slot;
  // nullopt: accepted.
  std::optional<verify::Reason> reason;
  std::uint64_t count = 0;
};

class Counters {
 public:
  // AWS has about 130.
  static constexpr std::size_t kMaxSlots = 256;

  // One count, and when it was last told of.
  class Cell {
   public:
    void Add() { count_.fetch_add(1, std::memory_order_relaxed); }
    std::uint64_t count() const {
      return count_.load(std::memory_order_relaxed);
    }

    // Returns whether to tell of what Add() just counted: at most once in
    // `pause`. How many were not told of since is put into `left_out`.
    bool Tell(absl::Duration now, absl::Duration pause,
              std::uint64_t& left_out);

   private:
    std::atomic<std::uint64_t> count_ = 0;
    std::atomic<std::uint64_t> told_ = 0;
    // In nanoseconds of the steady clock.
    std::atomic<std::int64_t> silent_until_ = 0;
  };

  Counters();
  ~Counters();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  // Counts, and returns where.
  Cell& Count(const verify::Slot& slot,
              std::optional<verify::Reason> reason) noexcept;

  // Returns what is not zero, in the order of slots and reasons. While others
  // count, each number is right for itself.
  std::vector<OutcomeCount> Snapshot() const;

 private:
  struct Row;
  // A slot's row is at its hash or after it: half of the places stay empty.
  static constexpr std::size_t kPlaces = 2 * kMaxSlots;

  Row& RowOf(const verify::Slot& slot) noexcept;

  std::array<std::atomic<Row*>, kPlaces> rows_{};
  std::atomic<std::size_t> slots_ = 0;
  // By kind.
  std::array<std::unique_ptr<Row>, std::size(verify::kAnchorKinds)> unknown_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_NOTIFY_COUNTERS_H_

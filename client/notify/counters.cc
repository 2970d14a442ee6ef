#include "client/notify/counters.h"

#include <algorithm>
#include <exception>
#include <tuple>
#include <utility>

#include "absl/hash/hash.h"

namespace anchorage::client {
namespace {

using verify::Reason;
using verify::Slot;

constexpr std::size_t kReasons =
    static_cast<std::size_t>(Reason::kMaxValue) + 1;

}  // namespace

bool Counters::Cell::Tell(absl::Duration now, absl::Duration pause,
                          std::uint64_t& left_out) {
  const std::int64_t at = absl::ToInt64Nanoseconds(now);
  std::int64_t until = silent_until_.load(std::memory_order_relaxed);
  if (at < until || !silent_until_.compare_exchange_strong(
                        until, at + absl::ToInt64Nanoseconds(pause),
                        std::memory_order_relaxed)) {
    return false;
  }
  const std::uint64_t counted = count();
  const std::uint64_t told = told_.exchange(counted, std::memory_order_relaxed);
  // A thread that was held up finds its own told by another.
  left_out = counted > told ? counted - told - 1 : 0;
  return true;
}

// In lines of the cache of its own.
struct alignas(64) Counters::Row {
  explicit Row(Slot its_slot) : slot(std::move(its_slot)) {}

  const Slot slot;
  // The first is of what was accepted, the rest are in the order of reasons.
  std::array<Cell, 1 + kReasons> cells;
};

Counters::Counters() {
  for (const verify::AnchorKindRow& row : verify::kAnchorKinds) {
    unknown_[static_cast<std::size_t>(row.kind)] = std::make_unique<Row>(
        Slot{.partition = "", .region = "", .kind = row.kind});
  }
}

Counters::~Counters() {
  for (const std::atomic<Row*>& row : rows_) delete row.load();
}

Counters::Row& Counters::RowOf(const Slot& slot) noexcept {
  const auto kind = static_cast<std::size_t>(slot.kind);
  Row& unknown = *unknown_[kind < unknown_.size() ? kind : 0];
  if (slot.partition.empty()) return unknown;
  const std::size_t hash = absl::Hash<Slot>()(slot);
  std::unique_ptr<Row> made;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    std::atomic<Row*>& place = rows_[(hash + i) % kPlaces];
    Row* row = place.load(std::memory_order_acquire);
    if (row == nullptr) {
      if (made == nullptr) {
        if (slots_.fetch_add(1) >= kMaxSlots) {
          slots_.fetch_sub(1);
          return unknown;
        }
        // A verification does not fail for want of memory to count it.
        try {
          made = std::make_unique<Row>(slot);
        } catch (const std::exception&) {
          slots_.fetch_sub(1);
          return unknown;
        }
      }
      if (place.compare_exchange_strong(row, made.get(),
                                        std::memory_order_acq_rel)) {
        return *made.release();
      }
    }
    if (row->slot == slot) {
      if (made != nullptr) slots_.fetch_sub(1);
      return *row;
    }
  }
  return unknown;
}

Counters::Cell& Counters::Count(const Slot& slot,
                                std::optional<Reason> reason) noexcept {
  Cell& cell =
      RowOf(slot)
          .cells[reason.has_value() ? 1 + static_cast<std::size_t>(*reason)
                                    : 0];
  cell.Add();
  return cell;
}

std::vector<OutcomeCount> Counters::Snapshot() const {
  std::vector<OutcomeCount> all;
  const auto add = [&](const Row& row) {
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      const std::uint64_t count = row.cells[i].count();
      if (count == 0) continue;
      OutcomeCount& each = all.emplace_back();
      each.slot = row.slot;
      if (i > 0) each.reason = static_cast<Reason>(i - 1);
      each.count = count;
    }
  };
  for (const std::unique_ptr<Row>& row : unknown_) add(*row);
  for (const std::atomic<Row*>& place : rows_) {
    const Row* const row = place.load(std::memory_order_acquire);
    if (row != nullptr) add(*row);
  }
  std::sort(all.begin(), all.end(),
            [](const OutcomeCount& a, const OutcomeCount& b) {
              return std::tie(a.slot, a.reason) < std::tie(b.slot, b.reason);
            });
  return all;
}

}  // namespace anchorage::client

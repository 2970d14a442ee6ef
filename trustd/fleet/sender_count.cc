#include "trustd/fleet/sender_count.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace anchorage::trustd {
namespace {

constexpr int kIndexBits = 12;
constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;
// What is left of a hash for the rank, which is from 1 to one more than that.
constexpr int kRankBits = 64 - kIndexBits;

// The series of Ertl, "New cardinality estimation algorithms for HyperLogLog
// sketches" (2017), for the share of registers that are still zero.
double Sigma(double x) {
  if (x == 1) return INFINITY;
  double y = 1;
  double z = x;
  for (double before = -1; before != z; y += y) {
    x *= x;
    before = z;
    z += x * y;
  }
  return z;
}

}  // namespace

void SenderCount::Add(std::uint64_t sender) {
  if (!registers_.empty()) return AddToRegisters(sender);
  const auto at = std::lower_bound(exact_.begin(), exact_.end(), sender);
  if (at != exact_.end() && *at == sender) return;
  if (exact_.size() < kMostExact) {
    exact_.insert(at, sender);
    return;
  }
  registers_.resize(kRegisters);
  for (const std::uint64_t one : exact_) AddToRegisters(one);
  AddToRegisters(sender);
  std::vector<std::uint64_t>().swap(exact_);
}

void SenderCount::AddToRegisters(std::uint64_t sender) {
  const int rank = std::min(std::countl_zero(sender << kIndexBits), kRankBits);
  std::uint8_t& most = registers_[sender >> kRankBits];
  most = std::max(most, static_cast<std::uint8_t>(rank + 1));
}

void SenderCount::Merge(const SenderCount& other) {
  for (const std::uint64_t one : other.exact_) Add(one);
  if (other.registers_.empty()) return;
  if (registers_.empty()) {
    const std::vector<std::uint64_t> mine = std::move(exact_);
    exact_.clear();
    registers_.resize(kRegisters);
    for (const std::uint64_t one : mine) AddToRegisters(one);
  }
  for (std::size_t i = 0; i < kRegisters; ++i) {
    registers_[i] = std::max(registers_[i], other.registers_[i]);
  }
}

std::uint64_t SenderCount::size() const {
  if (registers_.empty()) return exact_.size();
  std::array<int, kRankBits + 2> with_rank{};
  for (const std::uint8_t rank : registers_) ++with_rank[rank];
  double z = 0;
  for (int rank = kRankBits + 1; rank > 0; --rank) {
    z = 0.5 * (z + with_rank[static_cast<std::size_t>(rank)]);
  }
  z += kRegisters * Sigma(static_cast<double>(with_rank[0]) / kRegisters);
  // 1 / (2 ln 2)
  constexpr double kAlpha = 0.72134752044448170368;
  return static_cast<std::uint64_t>(
      std::llround(kAlpha * kRegisters * kRegisters / z));
}

}  // namespace anchorage::trustd

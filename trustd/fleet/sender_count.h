// How many different senders there were, in memory that is bounded.
//
//   SenderCount failing;
//   failing.Add(sender);             // as often as it comes
//   if (failing.size() >= 5) ...
//
// Exact up to kMostExact senders; beyond that HyperLogLog with 4096 registers,
// whose standard error is 1.6 % however many there are, in 4 KiB. A sender is
// a hash with a key that nobody knows, so nobody can choose one that moves the
// count further than any other; and a count only grows, so no sender can push
// another out. Not thread-safe.

#ifndef ANCHORAGE_TRUSTD_FLEET_SENDER_COUNT_H_
#define ANCHORAGE_TRUSTD_FLEET_SENDER_COUNT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace anchorage::trustd {

class SenderCount {
 public:
  static constexpr std::size_t kMostExact = 512;

  void Add(std::uint64_t sender);
  // Adds all that `other` has counted.
  void Merge(const SenderCount& other);

  // Takes some microseconds once there are more than kMostExact.
  std::uint64_t size() const;
  bool IsOne() const { return exact_.size() == 1; }

 private:
  void AddToRegisters(std::uint64_t sender);

  // Sorted; empty once there are registers.
  std::vector<std::uint64_t> exact_;
  std::vector<std::uint8_t> registers_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_SENDER_COUNT_H_

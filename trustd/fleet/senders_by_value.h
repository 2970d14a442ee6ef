// How many senders said each of some values that they choose themselves, such
// as the version of a library: of a bounded number of values, and of all others
// together.
//
//   SendersByValue versions(8);
//   versions.Add("1.2.0", sender);
//   for (const auto& [version, senders] : versions.Top(4)) ...
//
// Where there is no place for another value, it takes that of one that a single
// sender said; where there is none, it is one of the others. So one sender that
// makes up values keeps none out that several say. Not thread-safe.

#ifndef ANCHORAGE_TRUSTD_FLEET_SENDERS_BY_VALUE_H_
#define ANCHORAGE_TRUSTD_FLEET_SENDERS_BY_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trustd/fleet/sender_count.h"

namespace anchorage::trustd {

// What stands for all values that have no place of their own.
inline constexpr std::string_view kOther = "other";

class SendersByValue {
 public:
  explicit SendersByValue(std::size_t most) : most_(most) {}

  void Add(const std::string& value, std::uint64_t sender);

  // Returns the `most` values that most senders said, those first, and then
  // kOther if there are others.
  std::vector<std::pair<std::string, std::uint64_t>> Top(
      std::size_t most) const;

 private:
  std::size_t most_;
  std::vector<std::pair<std::string, SenderCount>> values_;
  SenderCount others_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_SENDERS_BY_VALUE_H_

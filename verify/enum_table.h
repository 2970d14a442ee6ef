// What is known of each value of an enum, in a table that does not compile with
// a row too few, too many, or out of order.
//
//   struct Row {
//     Color value;
//     std::string_view name;
//   };
//   constexpr Row kRows[] = {{Color::kRed, "RED"}, {Color::kGreen, "GREEN"}};
//   using Colors = EnumTable<kRows>;
//   ... Colors::Of(color).name ...
//
// The enum begins at 0, has no gaps, and names its last value kMaxValue too.
// Safe to call from any number of threads.

#ifndef ANCHORAGE_VERIFY_ENUM_TABLE_H_
#define ANCHORAGE_VERIFY_ENUM_TABLE_H_

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>

#include "absl/types/span.h"

namespace anchorage::verify {

template <const auto& kRows>
class EnumTable {
 public:
  using Row = std::remove_cvref_t<decltype(kRows[0])>;
  using Enum = decltype(Row::value);

  static constexpr const Row& Of(Enum value) {
    return kRows[static_cast<std::size_t>(value)];
  }

  // Returns the value of that name; nullopt for a name that no row has.
  static constexpr std::optional<Enum> Named(std::string_view name) {
    for (const Row& row : kRows) {
      if (row.name == name) return row.value;
    }
    return std::nullopt;
  }

  // Returns all values, in the order of the enum.
  static absl::Span<const Enum> All() { return kAll; }

 private:
  static constexpr std::array<Enum, std::size(kRows)> kAll = [] {
    std::array<Enum, std::size(kRows)> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = kRows[i].value;
    return all;
  }();
  static constexpr bool IsInOrder() {
    for (std::size_t i = 0; i < kAll.size(); ++i) {
      if (static_cast<std::size_t>(kAll[i]) != i) return false;
    }
    return kAll.size() == static_cast<std::size_t>(Enum::kMaxValue) + 1;
  }
  static_assert(IsInOrder(), "one row a value, in the order of the enum");
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_ENUM_TABLE_H_

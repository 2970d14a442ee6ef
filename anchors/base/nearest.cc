#include "anchors/base/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace anchorage::anchors {
namespace {

constexpr std::size_t kMaxGiven = 256;

// How many letters must be changed, added or left out (Levenshtein).
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string Nearest(std::string_view given,
                    const std::vector<std::string>& words) {
  if (given.size() > kMaxGiven) return "";
  std::string nearest;
  std::size_t least = given.size() + 1;
  for (const std::string& word : words) {
    const std::size_t distance = Distance(given, word);
    if (distance >= least ||
        3 * distance > std::max<std::size_t>(word.size(), 3)) {
      continue;
    }
    least = distance;
    nearest = word;
  }
  return nearest;
}

}  // namespace anchorage::anchors

#include "trustd/fleet/senders_by_value.h"

#include <algorithm>

namespace anchorage::trustd {

void SendersByValue::Add(const std::string& value, std::uint64_t sender) {
  const auto of_value = [&](const auto& one) { return one.first == value; };
  auto found = std::find_if(values_.begin(), values_.end(), of_value);
  if (found != values_.end()) return found->second.Add(sender);
  if (values_.size() < most_) {
    found = values_.emplace(values_.end());
  } else {
    found = std::find_if(values_.begin(), values_.end(),
                         [](const auto& one) { return one.second.IsOne(); });
    if (found == values_.end()) return others_.Add(sender);
    others_.Merge(found->second);
  }
  found->first = value;
  found->second = SenderCount();
  found->second.Add(sender);
}

std::vector<std::pair<std::string, std::uint64_t>> SendersByValue::Top(
    std::size_t most) const {
  std::vector<std::pair<std::string, std::uint64_t>> top;
  SenderCount others = others_;
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    order.emplace_back(values_[i].second.size(), i);
  }
  std::stable_sort(
      order.begin(), order.end(),
      [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [senders, i] : order) {
    if (top.size() < most) {
      top.emplace_back(values_[i].first, senders);
    } else {
      others.Merge(values_[i].second);
    }
  }
  if (others.size() > 0) top.emplace_back(kOther, others.size());
  return top;
}

}  // namespace anchorage::trustd

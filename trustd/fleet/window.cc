#include "trustd/fleet/window.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "trustd/fleet/failure_reasons.h"
#include "verify/reason.h"

namespace anchorage::trustd {
namespace {

// How much of a window is shown: the answer about a week of them has to stay
// below the limit of a message.
constexpr std::size_t kMostFailuresShown = 64;
constexpr std::size_t kMostValuesShown = 4;
constexpr std::size_t kMostOfWindowShown = 8;

void Fill(const SendersByValue& values, std::size_t most,
          google::protobuf::RepeatedPtrField<v1::FleetShare>& shares) {
  for (const auto& [value, senders] : values.Top(most)) {
    v1::FleetShare& share = *shares.Add();
    share.set_value(value);
    share.set_senders(senders);
  }
}

std::uint64_t SaturatingSum(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b
             ? std::numeric_limits<std::uint64_t>::max()
             : a + b;
}

// Returns the entries of `map`, those with the most senders first, equal ones
// by key.
template <typename Map>
auto BySenders(const Map& map) {
  std::vector<std::pair<std::uint64_t, typename Map::const_iterator>> order;
  order.reserve(map.size());
  for (auto entry = map.begin(); entry != map.end(); ++entry) {
    order.emplace_back(entry->second.senders.size(), entry);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first
                              : a.second->first < b.second->first;
  });
  return order;
}

}  // namespace

Window::Window(const std::vector<std::string>& slots)
    : slots_(slots.begin(),
             slots.begin() + static_cast<std::ptrdiff_t>(
                                 std::min(slots.size(), kMostSlots))) {
  slots_.insert(std::string(kUnreadSlot));
}

void Window::Add(const Report& report, std::uint64_t sender) {
  const std::string other(kOther);
  const std::string sequence = absl::StrCat(report.sequence);
  ++reports_;
  senders_.Add(sender);
  versions_.Add(report.version, sender);
  sequences_.Add(sequence, sender);
  for (const ReportedOutcome& outcome : report.outcomes) {
    const auto reason = verify::ReasonNamed(outcome.reason);
    const bool is_ours = reason.has_value() || outcome.reason == kAccepted;
    const std::string& slot =
        slots_.contains(outcome.slot) ? outcome.slot : other;
    Key key(slot, is_ours ? outcome.reason : other);
    if (rows_.size() >= kMostRows && !rows_.contains(key)) key = {other, other};
    Row& row = rows_[key];
    row.senders.Add(sender);
    row.outcomes = SaturatingSum(row.outcomes, outcome.count);
    if (!reason.has_value() || !MayRefuseGenuine(*reason)) continue;
    Failure& failure = failures_[slot];
    failure.senders.Add(sender);
    failure.versions.Add(report.version, sender);
    failure.sequences.Add(sequence, sender);
    failure.reasons.Add(outcome.reason, sender);
    if (slot == other) failure.names.Add(outcome.slot, sender);
  }
}

std::vector<std::string> Window::Failing(const FailureThreshold& threshold,
                                         std::uint64_t fleet) const {
  std::vector<std::string> failing;
  for (const auto& [slot, failure] : failures_) {
    const std::uint64_t senders = failure.senders.size();
    if (senders >= static_cast<std::uint64_t>(threshold.senders) &&
        senders * 100 >=
            fleet * static_cast<std::uint64_t>(threshold.percent)) {
      failing.push_back(slot);
    }
  }
  std::sort(failing.begin(), failing.end());
  return failing;
}

void Window::Describe(std::size_t most_rows, v1::FleetWindow& message) const {
  message.set_senders(senders());
  message.set_reports(reports_);
  for (const auto& [senders, row] : BySenders(rows_)) {
    if (static_cast<std::size_t>(message.rows_size()) == most_rows) break;
    v1::FleetRow& shown = *message.add_rows();
    shown.set_slot(row->first.first);
    shown.set_reason(row->first.second);
    shown.set_senders(senders);
    shown.set_outcomes(row->second.outcomes);
  }
  for (const auto& [senders, failure] : BySenders(failures_)) {
    if (static_cast<std::size_t>(message.failures_size()) ==
        kMostFailuresShown) {
      break;
    }
    Describe(failure->first, failure->second, *message.add_failures());
  }
  Fill(versions_, kMostOfWindowShown, *message.mutable_versions());
  Fill(sequences_, kMostOfWindowShown, *message.mutable_sequences());
}

v1::FleetFailure Window::FailureOf(const std::string& slot) const {
  v1::FleetFailure message;
  const auto found = failures_.find(slot);
  if (found != failures_.end()) Describe(slot, found->second, message);
  return message;
}

void Window::Describe(const std::string& slot, const Failure& failure,
                      v1::FleetFailure& message) {
  message.set_slot(slot);
  message.set_senders(failure.senders.size());
  Fill(failure.reasons, kMostValuesShown, *message.mutable_reasons());
  Fill(failure.versions, kMostValuesShown, *message.mutable_versions());
  Fill(failure.sequences, kMostValuesShown, *message.mutable_sequences());
  Fill(failure.names, kMostValuesShown, *message.mutable_names());
}

}  // namespace anchorage::trustd

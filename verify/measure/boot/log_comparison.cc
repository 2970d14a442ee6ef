#include "verify/measure/boot/log_comparison.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace anchorage::verify {
namespace {

// Leaving out each event in turn is quadratic: no register of a machine that
// booted has this many.
constexpr std::size_t kMaxLeftOut = 512;

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

// The indices of the events that are extended into `pcr`.
std::vector<std::size_t> EventsOf(const EventLog& log, int pcr) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const LoggedEvent& event = log.events[i];
    if (event.extended() && static_cast<int>(event.pcr) == pcr) {
      indices.push_back(i);
    }
  }
  return indices;
}

std::string ValueOf(const EventLog& log, int pcr,
                    const std::vector<std::size_t>& events,
                    std::optional<std::size_t> left_out = std::nullopt) {
  std::string value = FirstValue(log, static_cast<std::uint32_t>(pcr));
  for (const std::size_t event : events) {
    if (event != left_out) value = Extend(value, log.events[event].digest);
  }
  return value;
}

// Whether `digest` is among `events` from the position `from` on.
bool ComesLater(const EventLog& log, const std::vector<std::size_t>& events,
                std::size_t from, std::string_view digest) {
  return std::any_of(
      events.begin() + static_cast<std::ptrdiff_t>(from), events.end(),
      [&](std::size_t event) { return log.events[event].digest == digest; });
}

// Compares the events of one register with those that are expected of it.
RegisterDifference CompareOne(const EventLog& log, int pcr,
                              const std::vector<const BootEvent*>& expected,
                              const std::vector<std::size_t>& found) {
  RegisterDifference difference;
  difference.pcr = pcr;
  std::size_t same = 0;
  while (same < expected.size() && same < found.size() &&
         log.events[found[same]].digest == expected[same]->digest.view()) {
    ++same;
  }
  if (same == found.size()) {
    if (same < expected.size()) {
      difference.why =
          absl::StrCat("the log ends before: ", expected[same]->explanation);
    }
    return difference;
  }
  difference.event = found[same];
  const std::string name = NameOfEvent(log, found[same]);
  if (same == expected.size()) {
    difference.why = absl::StrCat(name, " comes after all that is expected");
    return difference;
  }
  const std::string digest = Hex(log.events[found[same]].digest);
  const std::string wanted = Hex(expected[same]->digest.view());
  if (ComesLater(log, found, same + 1, expected[same]->digest.view())) {
    difference.why = absl::StrCat(name, " with the digest ", digest,
                                  " comes before what is expected: ", wanted,
                                  ", ", expected[same]->explanation);
  } else {
    difference.why =
        absl::StrCat(name, " has the digest ", digest, " in place of ", wanted,
                     ": ", expected[same]->explanation);
  }
  return difference;
}

// Finds the event that makes `difference`, of which the values are known.
void Explain(const EventLog& log, const std::vector<std::size_t>& found,
             RegisterDifference& difference) {
  std::string value =
      FirstValue(log, static_cast<std::uint32_t>(difference.pcr));
  for (const std::size_t event : found) {
    if (value == difference.expected) {
      difference.event = event;
      difference.why =
          absl::StrCat("it was as expected before ", NameOfEvent(log, event));
      return;
    }
    value = Extend(value, log.events[event].digest);
  }
  if (found.size() <= kMaxLeftOut) {
    for (const std::size_t event : found) {
      if (ValueOf(log, difference.pcr, found, event) == difference.expected) {
        difference.event = event;
        difference.why = absl::StrCat("it would be as expected without ",
                                      NameOfEvent(log, event));
        return;
      }
    }
  }
  difference.why = found.empty()
                       ? "the log has no event of it"
                       : "no single event of the log makes the difference";
}

}  // namespace

std::vector<RegisterDifference> CompareEvents(const EventLog& log,
                                              const BootMeasurements& boot) {
  std::vector<RegisterDifference> differences;
  for (const auto& [pcr, value] : boot.registers) {
    std::vector<const BootEvent*> expected;
    for (const BootEvent& event : boot.events) {
      if (event.pcr == pcr) expected.push_back(&event);
    }
    const std::vector<std::size_t> found = EventsOf(log, pcr);
    std::string now = ValueOf(log, pcr, found);
    if (now == value.view()) continue;
    RegisterDifference difference = CompareOne(log, pcr, expected, found);
    difference.expected = value.view();
    difference.found = std::move(now);
    differences.push_back(std::move(difference));
  }
  return differences;
}

std::vector<RegisterDifference> CompareRegisters(
    const EventLog& log, const std::map<int, std::string>& expected) {
  std::vector<RegisterDifference> differences;
  for (const auto& [pcr, value] : expected) {
    const std::vector<std::size_t> found = EventsOf(log, pcr);
    RegisterDifference difference;
    difference.pcr = pcr;
    difference.expected = value;
    difference.found = ValueOf(log, pcr, found);
    if (difference.found == value) continue;
    Explain(log, found, difference);
    differences.push_back(std::move(difference));
  }
  return differences;
}

std::string NameOfEvent(const EventLog& log, std::size_t event) {
  const LoggedEvent& named = log.events[event];
  const std::string description = Describe(named);
  return absl::StrCat("event ", event + 2, ", ", NameOfEventType(named.type),
                      description.empty() ? "" : " (", description,
                      description.empty() ? "" : ")");
}

}  // namespace anchorage::verify

// Says which event of a machine's log made a register differ from the expected
// one.
//
//   for (const RegisterDifference& each : CompareEvents(*log, *boot)) {
//     ... each.why ...
//   }
//
// Pure; any number of threads.

#ifndef ANCHORAGE_VERIFY_MEASURE_BOOT_LOG_COMPARISON_H_
#define ANCHORAGE_VERIFY_MEASURE_BOOT_LOG_COMPARISON_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/measure/boot/boot_measurements.h"
#include "verify/measure/boot/event_log.h"

namespace anchorage::verify {

struct RegisterDifference {
  int pcr = 0;
  // 48 bytes each; `found` is what the log comes to.
  std::string expected;
  std::string found;
  // The index in EventLog::events of the first event that is not as expected;
  // nullopt where one is missing at the end, or where it cannot be told.
  std::optional<std::size_t> event;
  // One sentence for people, fit to be shown.
  std::string why;
};

// Compares each register that `boot` has, event by event. A register of which
// the log has no event is all zeros.
std::vector<RegisterDifference> CompareEvents(const EventLog& log,
                                              const BootMeasurements& boot);

// Compares registers with their values alone, 48 bytes each by index. The event
// is found where the register would be as expected without it, or without it
// and all that follow.
std::vector<RegisterDifference> CompareRegisters(
    const EventLog& log, const std::map<int, std::string>& expected);

// Returns "event 12, EV_IPL (quiet)": the number is that of the log, in which
// the event that names the banks is 1.
std::string NameOfEvent(const EventLog& log, std::size_t event);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_BOOT_LOG_COMPARISON_H_

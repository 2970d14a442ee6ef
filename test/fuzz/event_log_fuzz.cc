// Input: an event log of a machine's firmware.
// Holds for any bytes:
//   1. the events are parts of the log, in its order, and do not overlap;
//   2. a log that ends with an event is none without its last byte;
//   3. each register that is replayed is 48 bytes, and one of an event;
//   4. what is shown of an event is one short line, and visible;
//   5. a variable that is read says what its bytes say.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "test/support/event_log_writer.h"
#include "verify/measure/boot/event_log.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/printable.h"

namespace anchorage::test {
namespace {

using verify::EventLog;
using verify::LoggedEvent;

void CheckEvent(const LoggedEvent& event) {
  Require(event.digest.size() == 48, "a digest is a SHA-384");
  Require(!event.extended() || event.pcr <= verify::kMaxRegister,
          "a register is one that a TPM has");
  const std::string shown = verify::Describe(event);
  Require(shown.size() <= 200 && verify::Printable(shown) == shown,
          "what is shown is short and visible");
  if (const auto variable = verify::VariableOf(event)) {
    RequireWithin(variable->data, event.data);
    const bool ascii =
        variable->name.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
        std::string::npos;
    Require(!ascii || VariableData(variable->vendor, variable->name,
                                   variable->data) == event.data,
            "a variable is what its bytes say");
  }
  if (const auto image = verify::ImageOf(event)) {
    Require(image->file.size() <= 2 * event.data.size(),
            "a file's name is in its event");
  }
}

void Check(std::string_view input) {
  const auto log = verify::ParseEventLog(input);
  if (!log.ok()) {
    Require(verify::MeasureReasonOf(log.status()).has_value(),
            "what is refused has a reason");
    return;
  }
  const char* end = input.data();
  for (const LoggedEvent& event : log->events) {
    RequireWithin(event.digest, input);
    RequireWithin(event.data, input);
    Require(event.digest.data() > end &&
                event.data.data() > event.digest.data() + 47,
            "events follow one another");
    end = event.data.data() + event.data.size();
    CheckEvent(event);
  }
  if (!log->events.empty() && end == input.data() + input.size()) {
    Require(!verify::ParseEventLog(input.substr(0, input.size() - 1)).ok(),
            "a cut event is none");
  }
  for (const auto& [index, value] : verify::Replay(*log)) {
    Require(value.size() == 48, "a register is a SHA-384");
    bool extended = false;
    for (const LoggedEvent& event : log->events) {
      extended |= event.extended() && static_cast<int>(event.pcr) == index;
    }
    Require(extended, "a register is one of an event");
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}

// trustctl measure eventlog

#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/measure_images.h"
#include "tools/trustctl/measure_inputs.h"
#include "tools/trustctl/measure_output.h"
#include "tools/trustctl/output.h"
#include "verify/measure/boot/event_log.h"
#include "verify/measure/boot/log_comparison.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using verify::EventLog;
using verify::LoggedEvent;
using verify::RegisterDifference;

struct Flags {
  std::string file;
  std::string expect;
  std::vector<std::string> images;
  bool explain = false;
  BootFlags boot;
  Output output;
};

int CountOf(const EventLog& log, int index) {
  int count = 0;
  for (const LoggedEvent& event : log.events) {
    if (event.extended() && static_cast<int>(event.pcr) == index) ++count;
  }
  return count;
}

ordered_json RegistersJson(const EventLog& log) {
  ordered_json registers = ordered_json::array();
  for (const auto& [index, value] : verify::Replay(log)) {
    registers.push_back({{"register", RegisterName(index)},
                         {"value", HexOf(value)},
                         {"events", CountOf(log, index)}});
  }
  return registers;
}

ordered_json EventJson(const EventLog& log, std::size_t index) {
  const LoggedEvent& event = log.events[index];
  ordered_json json = {{"number", index + 2}};
  if (event.extended()) {
    json["register"] = RegisterName(static_cast<int>(event.pcr));
  }
  json["type"] = verify::NameOfEventType(event.type);
  if (event.extended()) {
    json["digest"] = HexOf(event.digest);
    json["data_is_measured"] = verify::DataIsMeasured(event);
  }
  json["data_bytes"] = event.data.size();
  json["description"] = verify::Describe(event);
  return json;
}

ordered_json DifferencesJson(
    const EventLog& log, const std::vector<RegisterDifference>& differences) {
  ordered_json json = ordered_json::array();
  for (const RegisterDifference& difference : differences) {
    ordered_json one = {{"register", RegisterName(difference.pcr)},
                        {"expected", HexOf(difference.expected)},
                        {"found", HexOf(difference.found)},
                        {"why", difference.why}};
    if (difference.event.has_value()) {
      one["event"] = EventJson(log, *difference.event);
    }
    json.push_back(std::move(one));
  }
  return json;
}

void PrintEvents(const EventLog& log) {
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    const LoggedEvent& event = log.events[i];
    const std::string description = verify::Describe(event);
    std::cout << std::right << std::setw(5) << i + 2 << "  " << std::left
              << std::setw(5)
              << (event.extended() ? RegisterName(static_cast<int>(event.pcr))
                                   : "--")
              << "  " << verify::NameOfEventType(event.type);
    if (event.extended()) {
      std::cout << "\n       " << HexOf(event.digest)
                << (verify::DataIsMeasured(event) ? "  (of its data)" : "");
    }
    if (!description.empty()) std::cout << "\n       " << description;
    std::cout << "\n";
  }
}

// Adds the registers of `more` that are not among `differences` yet.
void Add(std::vector<RegisterDifference> more,
         std::vector<RegisterDifference>& differences) {
  for (RegisterDifference& difference : more) {
    bool known = false;
    for (const RegisterDifference& other : differences) {
      known |=
          other.pcr == difference.pcr && other.expected == difference.expected;
    }
    if (!known) differences.push_back(std::move(difference));
  }
}

int Replay(Flags& flags) {
  if (flags.images.empty() && flags.boot.given()) {
    return UsageError(absl::InvalidArgumentError(
        "the keys and what is allowed are those of an image: give --uki too"));
  }
  if (absl::Status s = CheckImages(flags.images); !s.ok()) {
    return UsageError(s);
  }
  const auto bytes = ReadInput(flags.file);
  if (!bytes.ok()) return Fail(bytes.status());
  const auto log = verify::ParseEventLog(*bytes);
  if (!log.ok()) return FailToMeasure(InFile(flags.file, log.status()));
  const bool compared = !flags.images.empty() || !flags.expect.empty();
  std::map<int, std::string> registers;
  std::vector<RegisterDifference> differences;
  if (!flags.images.empty()) {
    const auto measured = MeasureFiles(flags.images, flags.boot);
    if (!measured.ok()) return FailToMeasure(measured.status());
    differences = verify::CompareEvents(*log, measured->boot);
    for (const auto& [index, value] : measured->boot.registers) {
      registers[index] = value.view();
    }
  }
  if (!flags.expect.empty()) {
    const auto expected = ReadExpected(flags.expect);
    if (!expected.ok()) return Fail(expected.status());
    if (absl::Status s = CheckExpected(flags.expect, *expected); !s.ok()) {
      return UsageError(s);
    }
    registers.insert(expected->begin(), expected->end());
    Add(verify::CompareRegisters(*log, *expected), differences);
  }
  ordered_json facts = {{"registers", RegistersJson(*log)},
                        {"startup_locality", log->startup_locality}};
  if (flags.explain) {
    facts["events"] = ordered_json::array();
    for (std::size_t i = 0; i < log->events.size(); ++i) {
      facts["events"].push_back(EventJson(*log, i));
    }
  }
  if (compared) {
    facts["compared"] = NamesOf(registers);
    facts["differences"] = DifferencesJson(*log, differences);
  }
  flags.output.Print(
      facts,
      {.rows = "registers",
       .columns = {{"REGISTER", "/register"},
                   {"VALUE", "/value"},
                   {"EVENTS", "/events"}},
       .name = "/value"},
      [&] {
        if (flags.explain) PrintEvents(*log);
        for (const auto& [index, value] : verify::Replay(*log)) {
          const int count = CountOf(*log, index);
          std::cout << std::left << std::setw(6) << RegisterName(index) << " "
                    << HexOf(value) << "  " << count
                    << (count == 1 ? " event" : " events") << "\n";
        }
        for (const RegisterDifference& difference : differences) {
          std::cout << "differs  " << RegisterName(difference.pcr) << " is "
                    << HexOf(difference.found) << "; expected "
                    << HexOf(difference.expected) << "\n         "
                    << Printable(difference.why) << "\n";
        }
        if (compared && differences.empty()) {
          std::cout << "as expected: "
                    << absl::StrJoin(NamesOf(registers), ", ") << "\n";
        }
      });
  return differences.empty() ? kAccepted : kUsage;
}

constexpr char kFooter[] = R"(
    trustctl measure eventlog /sys/kernel/security/tpm0/binary_bios_measurements
    trustctl measure eventlog log.bin --uki shop.efi
    trustctl measure eventlog log.bin --expect pcr_measurements.json --explain

Replays the log of a machine's firmware into the registers of the SHA-384 bank,
and says which event made one differ from the expected one: event by event of
'measure uki' with --uki, by the values alone with --expect (exit code 1).

A log proves nothing, because anyone can write one: compare its registers with
those of an attestation document that was verified. What systemd measures after
the kernel has started is not in it.
)";

}  // namespace

void AddMeasureEventlog(CLI::App& measure, Action& action) {
  CLI::App& command = *measure.add_subcommand(
      "eventlog", "Replay a machine's own log, and explain its registers");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command
      .add_option("FILE", flags->file,
                  "the log, as the kernel has it; '-' is standard input")
      ->required();
  command.add_option("--expect", flags->expect,
                     "registers that an image builder or 'measure uki' "
                     "printed");
  command
      .add_option("--uki", flags->images,
                  "an image that the machine should have booted (repeatable, "
                  "in order)")
      ->allow_extra_args(false);
  command.add_flag("--explain", flags->explain, "show each event of the log");
  flags->boot.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Replay(*flags); }; });
}

}  // namespace anchorage::trustctl

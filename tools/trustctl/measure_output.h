// What all of "trustctl measure" prints of a boot that was computed: the
// registers in the shape of AWS's tool, what they are compared with, a condition
// for a policy of AWS KMS, and an entry for a list of releases.
//
//   MeasureOutput output;  // a member of the command's flags
//   output.AddTo(command);
//   ...
//   if (absl::Status s = output.Check(); !s.ok()) return UsageError(s);
//   return output.Print({.boot = *boot, .images = {"shop.efi"}});

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_OUTPUT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_OUTPUT_H_

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/trustctl/output.h"
#include "verify/measure/boot/boot_measurements.h"

namespace anchorage::trustctl {

// A boot that was computed.
struct MeasuredBoot {
  verify::BootMeasurements boot;
  // The names of its images, in order; what others wrote.
  std::vector<std::string> images;
  // What else a command found: members of the JSON, and lines of the text,
  // which are printed as they are.
  nlohmann::ordered_json more = nlohmann::ordered_json::object();
  std::vector<std::string> lines;
  // Whether PCR4 says what it seems to: otherwise neither an entry nor a
  // condition is made of it.
  bool fit_for_policies = true;
};

class MeasureOutput {
 public:
  // Adds --explain, --expect, --release, --name, --kms-condition, --account and
  // the flags of Output. This must outlive the command.
  void AddTo(CLI::App& command);

  // Checks what was given, before anything is computed.
  absl::Status Check() const;

  // Prints `measured` and returns the exit code: kUsage where a register is not
  // the one of --expect.
  int Print(const MeasuredBoot& measured) const;

 private:
  bool explain_ = false;
  bool kms_condition_ = false;
  std::string expect_;
  std::string product_;
  std::string name_;
  std::string account_;
  Output output_;
};

// Returns the registers of `boot` that a policy should name, 48 bytes each:
// all but PCR11, which grows after the kernel has started.
std::map<int, std::string> PolicyRegisters(
    const verify::BootMeasurements& boot);

// Returns {"HashAlgorithm": "SHA384", "PCR4": ...}, as AWS's tool has it.
nlohmann::ordered_json MeasurementsBlock(
    const std::map<int, std::string>& registers);

// Returns the Condition of a statement in a policy of AWS KMS.
nlohmann::ordered_json KmsCondition(const std::map<int, std::string>& registers,
                                    std::string_view account);

// Reads the registers of `path`, as an image builder printed them. Fails as
// ReadInput() and anchors::ReadMeasurements() do.
absl::StatusOr<std::map<int, std::string>> ReadExpected(
    const std::string& path);

// Checks that `expected`, of `path`, tells one image from another: that PCR4 or
// PCR7 is among it. Any image fulfils the rest.
absl::Status CheckExpected(const std::string& path,
                           const std::map<int, std::string>& expected);

// Returns the names of `registers`, in order.
std::vector<std::string> NamesOf(const std::map<int, std::string>& registers);

// Returns "PCR4".
std::string RegisterName(int index);

std::string HexOf(std::string_view bytes);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_OUTPUT_H_

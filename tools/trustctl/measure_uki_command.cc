// trustctl measure uki

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/measure_images.h"
#include "tools/trustctl/measure_inputs.h"
#include "tools/trustctl/measure_output.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  std::vector<std::string> files;
  BootFlags boot;
  MeasureOutput output;
};

int Measure(Flags& flags) {
  if (absl::Status s = flags.output.Check(); !s.ok()) return UsageError(s);
  if (absl::Status s = CheckImages(flags.files); !s.ok()) {
    return UsageError(s);
  }
  const auto measured = MeasureFiles(flags.files, flags.boot);
  if (!measured.ok()) return FailToMeasure(measured.status());
  return flags.output.Print(*measured);
}

constexpr char kFooter[] = R"(
    trustctl measure uki shop.efi
    trustctl measure uki shop.efi --pk PK.esl --kek KEK.esl --db db.esl
    trustctl measure uki shop.efi --release shop --name 1.4.0 \
        --kms-condition --account 123456789012
    trustctl measure uki shop.efi --expect pcr_measurements.json

Shows the registers (PCRs) of the SHA-384 bank that a NitroTPM attests once the
machine has booted FILE, or FILEs that start one another in this order. Measure
the file that lies on the machine's disk: signing changes it.

Without keys PCR7 is not computed. '--output json' has what AWS's
nitro-tpm-pcr-compute prints, so that 'trustctl releases import' and whatever
else reads that reads it. PCR13 is there too: system extensions go into no other
register.

An image is at most 1 GiB, there are at most 16, and a variable has at most
1 MiB.
)";

}  // namespace

void AddMeasureUki(CLI::App& measure, Action& action) {
  CLI::App& command = *measure.add_subcommand(
      "uki", "Compute the registers of a unified kernel image");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command
      .add_option("FILE", flags->files,
                  "what firmware starts, in order; a unified kernel image is "
                  "the last")
      ->required();
  flags->boot.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Measure(*flags); }; });
}

}  // namespace anchorage::trustctl

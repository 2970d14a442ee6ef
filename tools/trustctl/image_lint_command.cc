// trustctl image lint

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/image_lint.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

struct Flags {
  std::string root;
  bool attestable = false;
  Output output;
};

int Lint(const Flags& flags) {
  const auto report = LintImage(flags.root);
  if (!report.ok()) return Fail(report.status());
  ordered_json findings = ordered_json::array();
  for (const LintFinding& finding : report->findings) {
    // Names and lines of a tree are bytes, and JSON is UTF-8.
    findings.push_back({{"rule", finding.rule->id},
                        {"file", Printable(finding.file)},
                        {"what", Printable(finding.what)},
                        {"sentence", finding.rule->sentence}});
  }
  const bool is_clean = report->findings.empty();
  flags.output.Print(
      {{"attestable", is_clean}, {"findings", std::move(findings)}},
      {.rows = "findings",
       .columns = {{"RULE", "/rule"}, {"FILE", "/file"}, {"WHAT", "/what"}},
       .name = "/rule"},
      [&] {
        for (const LintFinding& finding : report->findings) {
          std::cout << finding.rule->id << "  "
                    << Printable(absl::StrCat(finding.file, ": ", finding.what))
                    << "\n    " << finding.rule->sentence << "\n";
        }
        std::cout << Counted(report->findings.size(), "finding") << " in "
                  << Printable(flags.root) << "\n";
      });
  if (is_clean || !flags.attestable) return kAccepted;
  PrintError(
      "this image is not attestable: its measurements would not say "
      "what runs",
      "take out what each line names, and build the image again");
  return kRefusedByPolicy;
}

constexpr char kFooter[] = R"(
    trustctl image lint /mnt/image
    trustctl image lint /mnt/image --attestable

Shows what AWS's guidelines for attestable images forbid, each with the file that
shows it: ways in (SSH, SSM agent, EC2 Instance Connect, user data, passwords, a
login on a serial console), and what survives a boot without being measured (a
root file system that can be written to, an overlay's upper folder on a disk,
swap).

A tree does not show how it will be mounted: 'trustctl measure image' tells of the
disk. Nothing of ROOT is executed.
)";

}  // namespace

void AddImageLint(CLI::App& image, Action& action) {
  CLI::App& command = *image.add_subcommand(
      "lint", "Show what an attestable image must not have");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command.add_option("ROOT", flags->root, "the folder with the image's tree")
      ->required();
  command.add_flag("--attestable", flags->attestable,
                   "any finding is an error: exit code 5");
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Lint(*flags); }; });
}

}  // namespace anchorage::trustctl

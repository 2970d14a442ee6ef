// trustctl instance check

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "client/instance/attestation_program.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/instance_check.h"
#include "tools/trustctl/instance_facts.h"
#include "tools/trustctl/output.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

struct Flags {
  AnchorSource source;
  InstanceNeeds needs;
  std::string attestation = "want";
  std::string program = client::kNitroTpmAttest;
  bool redact = false;
  bool strict = false;
  Output output;
};

ordered_json Answer(const std::vector<CheckLine>& lines, absl::Time now) {
  return {{"schema", 1},
          {"program", Program()},
          {"time", Rfc3339(now)},
          {"result", NameOf(WorstOf(lines))},
          {"checks", ToJson(lines)}};
}

int Run(const Flags& flags) {
  InstanceNeeds needs = flags.needs;
  needs.refuse_expired = flags.source.when_expired == "refuse";
  needs.attestation =
      flags.attestation == "need"   ? InstanceNeeds::Attestation::kNeed
      : flags.attestation == "want" ? InstanceNeeds::Attestation::kWant
                                    : InstanceNeeds::Attestation::kIgnore;
  const auto facts =
      CollectInstanceFacts(flags.source, flags.program, std::move(needs));
  if (!facts.ok()) return UsageError(facts.status());
  std::vector<CheckLine> lines = Judge(*facts);
  if (flags.redact) Redact(SecretsOf(*facts), lines);
  flags.output.Print(Answer(lines, facts->now),
                     {.rows = "checks",
                      .columns = {{"CHECK", "/id"},
                                  {"RESULT", "/result"},
                                  {"REASON", "/reason"},
                                  {"DETAIL", "/detail"}},
                      .name = "/id"},
                     [&] { std::cout << anchors::TextOf(lines); });
  return ExitCodeOf(lines, flags.strict);
}

constexpr char kFooter[] = R"(
On an instance, as the user that the product runs as:

    trustctl instance check --product-code 4i20ezfza3p7xx2kt2g8weu2u \
        --cache /var/cache/product/anchors --trusted-root 1.root.json

Looks at everything that verification on this instance needs, within 15
seconds, and changes nothing. "fail" is what a product would be refused for,
"warn" what it can live with, "--" what was not asked for or has nothing to
look at. There is no token, no document and no signature in the answer;
--redact also takes out account, instance and server.

Exit codes: 0 no failure; 1 wrong usage, or with --strict a warning; otherwise
as any command would end for the first failure.
)";

}  // namespace

void AddInstanceCheck(CLI::App& instance, Action& action) {
  CLI::App& command = *instance.add_subcommand(
      "check", "See what on this instance keeps verification from working");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  command
      .add_option("--product-code", flags->needs.product_codes,
                  "marketplace product code (repeatable: all)")
      ->group("What the product needs");
  command
      .add_option("--attestation", flags->attestation,
                  "whether a NitroTPM has to attest: need, want (its absence "
                  "is a warning) or ignore")
      ->check(CLI::IsMember({"need", "want", "ignore"}))
      ->capture_default_str()
      ->group("What the product needs");
  command
      .add_option("--program", flags->program,
                  "absolute path of nitro-tpm-attest")
      ->capture_default_str();
  flags->source.AddTo(command);
  flags->source.AddWhenExpiredTo(command, "serve");
  command.add_flag("--strict", flags->strict, "end with 1 for a warning");
  command.add_flag("--redact", flags->redact,
                   "take out account, instance and server");
  flags->output.AddWatchedTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace anchorage::trustctl

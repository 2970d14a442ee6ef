// trustctl: for operators who look at anchors and bundles and verify evidence
// by hand. The manual is tools/trustctl/README.md.

#include <CLI/CLI.hpp>
#include <exception>

#include "anchors/base/version.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/given_values.h"

namespace anchorage::trustctl {
namespace {

constexpr char kFooter[] = R"(
    trustctl verify identity --rsa2048 rsa2048.b64 --account 123456789012
    trustctl verify attestation --document doc.cbor --type nitrotpm --any
    trustctl bundle show --server 127.0.0.1:7443 --trusted-root 1.root.json
    trustctl anchors list --region eu-west-1
    trustctl releases show --releases releases.json
    trustctl repository export --server 127.0.0.1:7443 \
        --trusted-root 1.root.json public
    trustctl rotations list --open --server trustd:7444 \
        --client-cert alice.pem --client-key alice.key

'trustctl COMMAND --help' tells more.
)";

int Main(int argc, char** argv) {
  CLI::App app{
      "Verifies AWS identity evidence, and shows what it is verified "
      "with."};
  app.name("trustctl");
  app.footer(kFooter);
  app.set_version_flag("--version",
                       std::string("trustctl ") + anchors::kVersionAndCommit);
  app.require_subcommand(1);
  Action action;
  for (AddCommand* const add : kCommands) add(app, action);
  RequireValues(app);
  try {
    RefuseBareAssignments(argc, argv);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kAccepted : kUsage;
  }
  return action();
}

}  // namespace
}  // namespace anchorage::trustctl

// The libraries for command lines and JSON report by exceptions; none may end
// this program without a word.
int main(int argc, char** argv) {
  try {
    return anchorage::trustctl::Main(argc, argv);
  } catch (const std::exception& error) {
    anchorage::trustctl::PrintError(error.what());
    return anchorage::trustctl::kUsage;
  }
}

// trustctl verify

#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {

void AddVerify(CLI::App& app, Action& action) {
  CLI::App& verify = *app.add_subcommand("verify", "Verify evidence");
  verify.require_subcommand(1);
  AddVerifyIdentity(verify, action);
  AddVerifyAttestation(verify, action);
}

}  // namespace anchorage::trustctl

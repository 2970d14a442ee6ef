// trustctl verify

#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {

void AddVerify(CLI::App& verify, Action& action) {
  AddVerifyIdentity(verify, action);
  AddVerifyAttestation(verify, action);
}

}  // namespace anchorage::trustctl

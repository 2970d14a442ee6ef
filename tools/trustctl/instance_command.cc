// trustctl instance

#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {

void AddInstance(CLI::App& instance, Action& action) {
  AddInstanceCheck(instance, action);
  AddInstanceAttest(instance, action);
}

}  // namespace anchorage::trustctl

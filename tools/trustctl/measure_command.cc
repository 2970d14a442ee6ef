// trustctl measure

#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {

void AddMeasure(CLI::App& measure, Action& action) {
  AddMeasureUki(measure, action);
  AddMeasureImage(measure, action);
  AddMeasureEventlog(measure, action);
}

}  // namespace anchorage::trustctl

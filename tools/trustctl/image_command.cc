// trustctl image

#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {

void AddImage(CLI::App& image, Action& action) {
  AddImageManifest(image, action);
  AddImageSign(image, action);
  AddImageShow(image, action);
  AddImageExport(image, action);
  AddImageVerify(image, action);
  AddImageLint(image, action);
  AddImageIndex(image, action);
}

}  // namespace anchorage::trustctl

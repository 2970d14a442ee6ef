// Measures images that are files.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_IMAGES_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_IMAGES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/trustctl/measure_inputs.h"
#include "tools/trustctl/measure_output.h"

namespace anchorage::trustctl {

// Checks that there are not too many, before any is opened.
absl::Status CheckImages(const std::vector<std::string>& files);

// Computes the boot of `files`, which start one another in this order, with the
// keys of `boot`. Fails as MappedFile, BootFlags::Read() and
// verify::MeasureBoot() do; the message names the file where it is one's.
absl::StatusOr<MeasuredBoot> MeasureFiles(const std::vector<std::string>& files,
                                          BootFlags& boot);

// Prints why something was not measured, and what to do where that is known;
// returns the exit code.
int FailToMeasure(const absl::Status& why);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_MEASURE_IMAGES_H_

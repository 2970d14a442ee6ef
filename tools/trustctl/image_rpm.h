// Which package of rpm's owns a file of an image. Its database is read by the
// rpm program alone, which is asked where this machine has it.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_RPM_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_RPM_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "verify/image/manifest.h"

namespace anchorage::trustctl {

// Sets `package` of those of `entries`, which are sorted by name, that have none
// and that rpm's database below the folder `root` knows:
// "rpm:bash=5.1.8-9.el9.x86_64". A copy of the database is asked, so that the
// image stays as it is. OK where there is no database. Fails with NOT_FOUND
// where this machine has no rpm, and as RunBounded() and copying do; the entries
// are then unchanged.
absl::Status AddRpmPackages(const std::string& root,
                            std::vector<verify::ManifestEntry>& entries);

// Sets the same from lines "/PATH<TAB>NAME=VERSION"; others are ignored. Pure.
void SetRpmPackages(std::string_view lines,
                    std::vector<verify::ManifestEntry>& entries);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_RPM_H_

// Where a command gets its reference releases.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_RELEASE_SOURCE_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_RELEASE_SOURCE_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "anchors/releases.h"
#include "tools/trustctl/anchor_source.h"

namespace anchorage::trustctl {

// Reads a list that nothing vouches for. Fails as ReadInput() and
// ParseReleases() do.
absl::StatusOr<anchors::ReleaseList> ReadReleaseFile(const std::string& path);

struct ReleaseSource {
  std::string file;

  // Adds --releases.
  CLI::Option* AddTo(CLI::App& command);

  // Returns the list in the file, with a warning, or that of the bundle from
  // which `anchors` come; null if it has none.
  absl::StatusOr<std::shared_ptr<const anchors::ReleaseList>> Load(
      const Anchors& anchors) const;
};

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_RELEASE_SOURCE_H_

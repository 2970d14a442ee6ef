// Verified TUF metadata in a folder of its own.

#ifndef ANCHORAGE_TRUSTD_SOURCES_METADATA_FOLDER_H_
#define ANCHORAGE_TRUSTD_SOURCES_METADATA_FOLDER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "anchors/tuf/updater.h"

namespace anchorage::trustd {

// Files are written whole or not at all, and are on the disk when Save()
// returns: an upstream must not fall behind what was seen, even after a crash.
// So a folder that cannot be written is an error here.
class MetadataFolder final : public anchors::tuf::MetadataStore {
 public:
  // Makes `folder` at the first Save().
  explicit MetadataFolder(std::string folder) : folder_(std::move(folder)) {}

  std::optional<std::string> Load(std::string_view name,
                                  std::size_t max_bytes) override;
  absl::Status Save(std::string_view name, std::string_view bytes) override;

 private:
  const std::string folder_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_METADATA_FOLDER_H_

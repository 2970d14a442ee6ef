#include "trustd/sources/metadata_folder.h"

#include "anchors/base/atomic_file.h"

namespace anchorage::trustd {

std::optional<std::string> MetadataFolder::Load(std::string_view name,
                                                std::size_t max_bytes) {
  auto bytes = anchors::ReadFile(folder_ + "/" + std::string(name), max_bytes);
  if (!bytes.ok()) return std::nullopt;
  return *std::move(bytes);
}

absl::Status MetadataFolder::Save(std::string_view name,
                                  std::string_view bytes) {
  const std::string path = folder_ + "/" + std::string(name);
  if (absl::Status s = anchors::MakeFolder(path.substr(0, path.rfind('/')));
      !s.ok()) {
    return s;
  }
  return anchors::WriteFileAtomically(path, bytes);
}

}  // namespace anchorage::trustd

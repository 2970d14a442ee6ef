#include "tools/trustctl/release_source.h"

#include <utility>

#include "tools/trustctl/command.h"

namespace anchorage::trustctl {

absl::StatusOr<anchors::ReleaseList> ReadReleaseFile(const std::string& path) {
  const auto text = ReadInput(path);
  if (!text.ok()) return text.status();
  return anchors::ParseReleases(*text);
}

CLI::Option* ReleaseSource::AddTo(CLI::App& command) {
  return command.add_option(
      "--releases", file,
      "list of releases (JSON) that you vouch for, in place of the bundle's; "
      "'-' is stdin");
}

absl::StatusOr<std::shared_ptr<const anchors::ReleaseList>> ReleaseSource::Load(
    const Anchors& anchors) const {
  if (file.empty()) return anchors.releases;
  PrintWarning(file + " is used without a signature: its origin is up to you");
  auto list = ReadReleaseFile(file);
  if (!list.ok()) return list.status();
  if (list->skipped > 0) {
    PrintWarning(std::to_string(list->skipped) +
                 " releases have a type or status that this program does not "
                 "know");
  }
  return std::make_shared<const anchors::ReleaseList>(*std::move(list));
}

}  // namespace anchorage::trustctl

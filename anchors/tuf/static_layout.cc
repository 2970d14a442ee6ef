#include "anchors/tuf/static_layout.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "anchors/tuf/updater.h"
#include "verify/crypto/public_key.h"

namespace anchorage::anchors::tuf {
namespace {

std::string MetadataPath(std::int64_t version, std::string_view role) {
  return absl::StrCat(std::string(kMetadataFolder), version, ".",
                      std::string(role), ".json");
}

}  // namespace

std::vector<StaticFile> LayOut(const RepositoryFiles& files) {
  std::vector<StaticFile> laid_out;
  std::int64_t version = 0;
  for (const std::string& root : files.roots) {
    laid_out.push_back({MetadataPath(++version, kRootRole), root});
  }
  for (const RepositoryFiles::TargetFile& file : files.target_files) {
    Target target;
    target.hashes = {{"sha256", verify::Sha256Hex(file.bytes)}};
    laid_out.push_back(
        {absl::StrCat(std::string(kTargetsFolder),
                      TargetFileName(file.path, target,
                                     /*consistent_snapshot=*/true)),
         file.bytes, file.media_type});
  }
  laid_out.push_back(
      {MetadataPath(files.targets_version, kTargetsRole), files.targets});
  laid_out.push_back(
      {MetadataPath(files.snapshot_version, kSnapshotRole), files.snapshot});
  laid_out.push_back({std::string(kTimestampFile), files.timestamp,
                      kJsonMediaType,
                      /*immutable=*/false});
  return laid_out;
}

std::string EscapeTargetName(std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '#' || c == '?') {
      absl::StrAppendFormat(&escaped, "%%%02X", byte);
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

}  // namespace anchorage::anchors::tuf

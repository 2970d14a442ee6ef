// Input: the manifest of a backup (trustd/backup/manifest.h). Holds for any:
//   1. what is accepted is written again byte for byte, so there is one text for
//      it;
//   2. every name in it stays within the folder of the backup, and the sizes
//      add up to no more than a backup has.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "trustd/backup/backup_error.h"
#include "trustd/backup/manifest.h"

namespace anchorage::test {
namespace {

void Check(std::string_view input) {
  const auto manifest = trustd::ParseManifest(input);
  if (!manifest.ok()) {
    Require(trustd::BackupReasonOf(manifest.status()).has_value(),
            "every refusal has a reason");
    return;
  }
  Require(trustd::FormatManifest(*manifest) == input,
          "one text for a manifest");
  for (const v1::BackupFile& file : manifest->files()) {
    const std::string& name = file.name();
    Require(name == trustd::kHeadFile || name.starts_with("store/"),
            "names are of the backup");
    Require(name.rfind('/') == std::string::npos || name.rfind('/') == 5,
            "names do not lead on");
    Require(name.find('\0') == std::string::npos, "names are text");
  }
  Require(trustd::SizeOf(*manifest) <= trustd::kMaxBackupBytes,
          "sizes are bounded");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}

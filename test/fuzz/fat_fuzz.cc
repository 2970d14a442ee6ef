// Input: a FAT volume of at most 4 MiB.
// Holds for any bytes:
//   1. accepted, or one reason;
//   2. no two entries have one path, in any case;
//   3. a file has the bytes that its entry says, and no cluster belongs to two:
//      all together are no larger than the volume;
//   4. names have no separators and no control characters.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "test/fuzz/fuzz.h"
#include "verify/measure/disk/disk_error.h"
#include "verify/measure/disk/fat.h"

namespace anchorage::test {
namespace {

constexpr std::size_t kMaxBytes = 4 << 20;

void Check(std::string_view input) {
  input = input.substr(0, kMaxBytes);
  const auto fat = verify::FatVolume::Open(verify::DiskView::OfBytes(input));
  if (!fat.ok()) {
    Require(verify::DiskReasonOf(fat.status()).has_value(), "one reason");
    return;
  }
  std::uint64_t total = 0;
  std::set<std::string> paths;
  for (const verify::FatEntry& entry : fat->entries()) {
    for (const char byte : entry.path) {
      Require(static_cast<unsigned char>(byte) >= 0x20 && byte != '\\' &&
                  byte != 0x7f,
              "a name that can be shown");
    }
    Require(paths.insert(verify::FatFold(entry.path)).second,
            "one entry of a path");
    if (entry.is_folder) continue;
    total += entry.size;
    Require(total <= input.size(), "no cluster of two files");
    const auto bytes = fat->ReadFile(entry, kMaxBytes);
    Require(bytes.ok() && bytes->size() == entry.size, "a file can be read");
  }
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}

// Input: a mode, then a disk of at most 1 MiB. Mode bit 0: its checksums are
// made anew, so that what is behind them is reached. Bit 1: sectors of 4096
// bytes, for that alone.
// Holds for any bytes:
//   1. accepted, or one reason;
//   2. partitions lie in the disk, over no other, and over no header;
//   3. no id is there twice, and each can be written and read again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "test/fuzz/fuzz.h"
#include "test/support/disk_writer.h"
#include "verify/measure/disk/disk_error.h"
#include "verify/measure/disk/gpt.h"

namespace anchorage::test {
namespace {

void Check(std::string_view input) {
  const std::uint8_t mode = TakeByte(input);
  std::string disk(input.substr(0, 1 << 20));
  const std::size_t sector = (mode & 2) != 0 ? 4096 : 512;
  if ((mode & 1) != 0 && disk.size() >= 4 * sector) {
    disk.resize(disk.size() / sector * sector);
    SealGpt(disk, sector);
  }
  const auto gpt = verify::ReadGpt(verify::DiskView::OfBytes(disk));
  if (!gpt.ok()) {
    Require(verify::DiskReasonOf(gpt.status()).has_value(), "one reason");
    return;
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges = {
      {0, 2 * gpt->sector_size}};
  std::vector<verify::Guid> ids;
  for (const verify::GptPartition& partition : gpt->partitions) {
    Require(partition.size > 0, "a partition has a size");
    ranges.emplace_back(partition.offset, partition.offset + partition.size);
    Require(ranges.back().second < disk.size(), "before the backup header");
    Require(verify::ParseGuid(verify::GuidText(partition.id)) == partition.id,
            "an id can be read again");
    ids.push_back(partition.id);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    Require(ranges[i - 1].second <= ranges[i].first, "no overlap");
  }
  std::sort(ids.begin(), ids.end());
  Require(std::adjacent_find(ids.begin(), ids.end()) == ids.end(),
          "no id twice");
}

}  // namespace
}  // namespace anchorage::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  anchorage::test::Check(anchorage::test::InputOf(data, size));
  return 0;
}

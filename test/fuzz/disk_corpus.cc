#include "test/fuzz/corpus.h"
#include "test/fuzz/fuzz.h"
#include "test/support/disk_writer.h"

namespace anchorage::test {

Seeds GptSeeds() {
  const std::vector<PartitionSpec> partitions = {
      {.type = kEspTypeGuid, .name = "esp", .content = "e"},
      {.type = kRootTypeGuid,
       .name = "root",
       .content = std::string(999, 'r')}};
  const std::string small = WriteGptDisk(partitions);
  return {WithMode(0, small), WithMode(1, small),
          WithMode(3, WriteGptDisk(partitions, 4096)),
          WithMode(1, WriteGptDisk({}))};
}

Seeds FatSeeds() {
  Seeds seeds;
  for (const int bits : {12, 32}) {
    FatWriter fat({.bits = bits, .clusters = 40});
    fat.Add("EFI/BOOT/BOOTX64.EFI", std::string(1300, 'b'));
    fat.Add("loader/entries/a long name.conf", "title");
    fat.Add("EMPTY", "");
    seeds.push_back(fat.Write());
  }
  return seeds;
}

Seeds VeritySeeds() {
  Seeds seeds = {
      WithMode(
          0, "root=/dev/mapper/root ro quiet roothash=" + std::string(64, 'a') +
                 " systemd.verity-root-options=hash-offset=4096"),
      WithMode(0, "x=\"a b\" usrhash=" + std::string(128, 'b') +
                      " mount.usr=/dev/mapper/usr init=/bin/sh rw")};
  for (const bool sha512 : {false, true}) {
    std::string data(20 * 512, 'd');
    const VerityPartition verity =
        WriteVerity(data, {.block = 512, .sha512 = sha512});
    seeds.push_back(WithMode(1, Part(data) + verity.bytes));
  }
  return seeds;
}

}  // namespace anchorage::test

#include "test/support/bootable_disk.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "test/support/pe_writer.h"

namespace anchorage::test {
namespace {

constexpr std::size_t kBlock = 4096;

std::string AsGuid(const std::string& digits) {
  return absl::StrCat(digits.substr(0, 8), "-", digits.substr(8, 4), "-",
                      digits.substr(12, 4), "-", digits.substr(16, 4), "-",
                      digits.substr(20));
}

}  // namespace

std::string SquashfsData() {
  std::string data(17 * kBlock, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<char>(i / 512 * 5 + i);
  }
  return data.replace(0, 4, "hsqs");
}

std::string WriteUki(const std::string& cmdline, std::uint16_t machine) {
  PeSpec spec = UkiSpec("257");
  spec.machine = machine;
  PeSpec kernel = EfiApplicationSpec();
  kernel.machine = machine;
  spec.Section(".linux").content = WritePe(kernel);
  if (cmdline.empty()) {
    spec.Remove(".cmdline");
  } else {
    spec.Section(".cmdline").content = cmdline;
  }
  return WritePe(spec);
}

std::string RootHashOf(const BootableDiskSpec& spec) {
  return absl::BytesToHexString(WriteVerity(spec.data, spec.verity).root_hash);
}

std::string WriteBootableDisk(const BootableDiskSpec& spec) {
  const VerityPartition verity = WriteVerity(spec.data, spec.verity);
  const std::string hash = absl::BytesToHexString(verity.root_hash);
  const std::string data_id =
      spec.data_id.empty() ? AsGuid(hash.substr(0, 32)) : spec.data_id;
  const std::string tree_id = spec.tree_id.empty()
                                  ? AsGuid(hash.substr(hash.size() - 32))
                                  : spec.tree_id;
  std::string uki = WriteUki(absl::StrReplaceAll(
      spec.cmdline, {{"$HASH", hash}, {"$DATA", data_id}, {"$TREE", tree_id}}));
  if (spec.change_uki) spec.change_uki(uki);
  FatWriter fat({});
  fat.Add("EFI/BOOT/BOOTX64.EFI", uki);
  if (spec.add) spec.add(fat);
  std::vector<PartitionSpec> partitions = {
      {.type = kEspTypeGuid, .name = "esp", .content = fat.Write()}};
  if (spec.one_partition) {
    partitions.push_back({.type = kRootTypeGuid,
                          .id = data_id,
                          .name = "root",
                          .content = spec.data + verity.bytes});
  } else {
    partitions.push_back({.type = kRootTypeGuid,
                          .id = data_id,
                          .name = "root",
                          .content = spec.data});
    partitions.push_back({.type = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5",
                          .id = tree_id,
                          .name = "root-verity",
                          .content = verity.bytes});
  }
  partitions.insert(partitions.end(), spec.more.begin(), spec.more.end());
  return WriteGptDisk(partitions);
}

}  // namespace anchorage::test

// A disk that boots: a GUID partition table with an EFI system partition, on
// which a unified kernel image lies, and a root file system under dm-verity.
//
//   std::string disk = WriteBootableDisk();
//   std::string other = WriteBootableDisk({.cmdline = "quiet roothash=$HASH"});

#ifndef ANCHORAGE_TEST_SUPPORT_BOOTABLE_DISK_H_
#define ANCHORAGE_TEST_SUPPORT_BOOTABLE_DISK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "test/support/disk_writer.h"

namespace anchorage::test {

// 17 blocks that begin as squashfs does.
std::string SquashfsData();

// A unified kernel image of systemd-stub 257 with that command line; none for
// an empty one.
std::string WriteUki(const std::string& cmdline,
                     std::uint16_t machine = 0x8664);

struct BootableDiskSpec {
  // $HASH stands for the root hash, $DATA and $TREE for the ids of its
  // partitions.
  std::string cmdline = "root=/dev/mapper/root ro roothash=$HASH";
  // What dm-verity covers: partition 2; the tree is partition 3.
  std::string data = SquashfsData();
  VerityOptions verity = {};
  // Data and tree share partition 2.
  bool one_partition = false;
  // Adds further files to the EFI system partition, which is partition 1.
  std::function<void(FatWriter& fat)> add = {};
  // Changes the image that boots.
  std::function<void(std::string& uki)> change_uki = {};
  // Behind the others.
  std::vector<PartitionSpec> more = {};
  // The ids of data and tree; empty: the two halves of the root hash.
  std::string data_id = {};
  std::string tree_id = {};
};

std::string WriteBootableDisk(const BootableDiskSpec& spec = {});

// The root hash of `spec`, in hex.
std::string RootHashOf(const BootableDiskSpec& spec);

}  // namespace anchorage::test

#endif  // ANCHORAGE_TEST_SUPPORT_BOOTABLE_DISK_H_

// FAT12, FAT16 and FAT32, read only: the file system of an EFI system
// partition (UEFI 2.10, section 13.3; Microsoft's FAT specification).
//
//   auto fat = FatVolume::Open(partition);
//   for (const FatEntry& entry : fat->entries()) ...
//   auto bytes = fat->ReadFile("EFI/BOOT/BOOTX64.EFI", limit);
//
// Open() reads every folder and follows every chain of clusters, so that what
// it has accepted can be read in one way alone: each cluster belongs to one
// file at most, a chain is as long as its file, the copies of the allocation
// table are equal, no two files of a folder have one name for firmware, which
// ignores case and knows a file by its short name too, no short name is another
// one than the long one unless it has a '~', and nothing stands behind the end
// of a folder, where the kernel looks and firmware does not.
//
// Limits: 16,384 files and folders, 16 folders deep, 64 MiB of allocation
// table. Memory: the allocation table, one bit for each cluster, the names.
// Pure; const calls are thread-safe where the view is. Errors: kDiskTruncated
// and the reasons kFat*.

#ifndef ANCHORAGE_VERIFY_MEASURE_DISK_FAT_H_
#define ANCHORAGE_VERIFY_MEASURE_DISK_FAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verify/measure/disk/disk_view.h"

namespace anchorage::verify {

struct FatEntry {
  // From the root, '/'-separated, without a '/' in front: the long name of
  // each part, or the short one where there is no long one. UTF-8; whatever
  // its maker wrote, but without control characters.
  std::string path{};
  bool is_folder = false;
  // In bytes; 0 for a folder.
  std::uint32_t size = 0;
  // Of its chain; 0 where it has none.
  std::uint32_t first_cluster = 0;
};

// Returns `name` as firmware compares names: two that give the same text are
// one name. ASCII and Latin-1 letters have no case; all else is as it is.
std::string FatFold(std::string_view name);

class FatVolume {
 public:
  static absl::StatusOr<FatVolume> Open(const DiskView& partition);

  // Whether firmware would take a partition with these first 512 bytes for FAT:
  // it looks at a few sizes and at no signature (EDK II, FatPkg).
  static bool LooksLikeFat(std::string_view sector);

  // 12, 16 or 32.
  int bits() const { return bits_; }

  // Everything but the root, folders before what is in them, in the order of
  // the disk.
  const std::vector<FatEntry>& entries() const { return entries_; }

  // kFatNotFound for a folder, kFatLimit for more than `limit` bytes.
  absl::StatusOr<std::string> ReadFile(const FatEntry& file,
                                       std::size_t limit) const;

 private:
  explicit FatVolume(DiskView view) : view_(std::move(view)) {}

  class FolderReader;

  absl::Status ReadBootSector();
  absl::Status ReadTable();
  absl::Status ReadTree();

  // What the table says of a cluster: the next one, or kEnd; a failure for
  // one that is free, bad, reserved or not there.
  static constexpr std::uint32_t kEnd = 0;
  absl::StatusOr<std::uint32_t> Next(std::uint32_t cluster) const;

  // The clusters of a chain, in order, of which none was in one before.
  absl::StatusOr<std::vector<std::uint32_t>> ClaimChain(
      std::uint32_t first, std::uint64_t max_clusters,
      std::vector<bool>& claimed) const;
  absl::StatusOr<std::string> ReadClusters(
      const std::vector<std::uint32_t>& clusters) const;

  bool IsCluster(std::uint32_t cluster) const {
    return cluster >= 2 && cluster - 2 < clusters_;
  }

  DiskView view_;
  int bits_ = 0;
  std::uint32_t sector_bytes_ = 0;
  std::uint32_t cluster_bytes_ = 0;
  std::uint32_t clusters_ = 0;
  int table_count_ = 0;
  std::uint64_t table_at_ = 0;
  std::uint64_t table_bytes_ = 0;
  std::uint64_t root_at_ = 0;
  std::uint32_t root_bytes_ = 0;
  std::uint32_t root_cluster_ = 0;
  std::uint64_t data_at_ = 0;
  std::string table_;
  std::vector<FatEntry> entries_;
};

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_DISK_FAT_H_

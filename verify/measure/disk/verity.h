// dm-verity: the hash tree over a partition, and its root hash.
//
//   auto superblock = ReadVeritySuperblock(hash_partition, hash_offset);
//   auto result = ComputeVerity(*superblock, data_partition, hash_partition,
//                               hash_offset, progress);
//   if (result->root_hash == expected && !result->wrong_tree_block) ...
//
// The kernel believes a data block because the tree on the disk leads from it
// to the root hash. So the root hash is computed from the data, and every
// block of the tree on the disk is compared with the one that was computed:
// with the first wrong, other data are there; with the second wrong, the
// machine gets I/O errors.
//
// Source: cryptsetup's "DMVerity" (the on-disk format, version 1), and the
// kernel's Documentation/admin-guide/device-mapper/verity.rst.
//
// Pure. Memory: 1 MiB and a hash block for each level of the tree, of which
// there are fewer than 20. Reads the data once, in order.

#ifndef ANCHORAGE_VERIFY_MEASURE_DISK_VERITY_H_
#define ANCHORAGE_VERIFY_MEASURE_DISK_VERITY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "verify/crypto/block_hasher.h"
#include "verify/measure/disk/disk_view.h"

namespace anchorage::verify {

inline constexpr std::size_t kVeritySuperblockBytes = 512;

struct VeritySuperblock {
  // 1: the salt before a block; 0, of Chrome OS: behind it.
  int hash_type = 1;
  BlockHash hash = BlockHash::kSha256;
  // Powers of two, from 512 to 524,288 bytes.
  std::uint32_t data_block_bytes = 4096;
  std::uint32_t hash_block_bytes = 4096;
  // At least 1.
  std::uint64_t data_blocks = 0;
  // At most 256 bytes.
  std::string salt{};
};

// "sha256" or "sha512".
std::string_view NameOf(BlockHash hash);

// Reads a superblock of kVeritySuperblockBytes. kVeritySuperblock for one that
// cryptsetup does not write, or with another algorithm.
absl::StatusOr<VeritySuperblock> ParseVeritySuperblock(std::string_view bytes);

// The same of a partition. `hash_offset` is where it lies: 0 unless data and
// tree share one partition.
absl::StatusOr<VeritySuperblock> ReadVeritySuperblock(
    const DiskView& partition, std::uint64_t hash_offset);

struct VerityResult {
  // Of the data as they are.
  std::string root_hash;
  // The first block of the tree on the disk that is not the one of the data,
  // counted in hash blocks from the beginning of the partition.
  std::optional<std::uint64_t> wrong_tree_block;
};

// Called now and then, and at the end.
using VerityProgress =
    absl::FunctionRef<void(std::uint64_t done, std::uint64_t total)>;

// `data` and `hashes` may be one partition: that the tree does not lie over the
// data is for the caller to check. kDiskTruncated where the data or the tree do
// not fit.
absl::StatusOr<VerityResult> ComputeVerity(const VeritySuperblock& superblock,
                                           const DiskView& data,
                                           const DiskView& hashes,
                                           std::uint64_t hash_offset,
                                           VerityProgress progress);

}  // namespace anchorage::verify

#endif  // ANCHORAGE_VERIFY_MEASURE_DISK_VERITY_H_

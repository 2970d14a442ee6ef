#include "verify/measure/disk/verity.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verify/encoding/little_endian.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

constexpr std::string_view kSignature{"verity\0\0", 8};
constexpr std::uint32_t kMinBlockBytes = 512;
constexpr std::uint32_t kMaxBlockBytes = 512 * 1024;
constexpr std::size_t kMaxSaltBytes = 256;
constexpr std::size_t kReadBytes = 1 << 20;

absl::Status Invalid(std::string_view what) {
  return DiskError(DiskReason::kVeritySuperblock, what);
}

bool IsZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

bool IsBlockSize(std::uint32_t bytes) {
  return bytes >= kMinBlockBytes && bytes <= kMaxBlockBytes &&
         (bytes & (bytes - 1)) == 0;
}

std::uint64_t DividedUp(std::uint64_t value, std::uint64_t by) {
  return value / by + (value % by != 0 ? 1 : 0);
}

// The tree that grows from digests, level by level, 0 being the one of the
// data's digests.
class Tree {
 public:
  Tree(const VeritySuperblock& superblock, const DiskView& hashes,
       std::uint64_t hash_offset, BlockHasher hasher)
      : digest_bytes_(DigestBytes(superblock.hash)),
        block_bytes_(superblock.hash_block_bytes),
        hashes_(hashes),
        hasher_(std::move(hasher)) {
    const std::uint64_t per_block = block_bytes_ / digest_bytes_;
    std::uint64_t blocks = superblock.data_blocks;
    while (blocks > 1) {
      blocks = DividedUp(blocks, per_block);
      levels_.push_back({.blocks = blocks});
    }
    // The disk has the top first.
    end_ = DividedUp(hash_offset + kVeritySuperblockBytes, block_bytes_);
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
      level->next = end_;
      end_ += level->blocks;
      level->digests.reserve(block_bytes_);
    }
  }

  // Behind the last block, in bytes from the beginning of the partition.
  std::uint64_t end() const { return end_ * block_bytes_; }

  absl::Status AddDataBlock(std::string_view block) { return Add(0, block); }

  absl::StatusOr<VerityResult> Finish() {
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      if (levels_[level].digests.empty()) continue;
      if (auto closed = Close(level); !closed.ok()) return closed;
    }
    return VerityResult{.root_hash = root_hash_,
                        .wrong_tree_block = wrong_block_};
  }

 private:
  struct Level {
    std::uint64_t blocks = 0;
    // The block on the disk that the next one is compared with.
    std::uint64_t next = 0;
    std::string digests{};
  };

  // Adds the digest of `block` to a level; to the one above the highest it is
  // the root hash.
  absl::Status Add(std::size_t level, std::string_view block) {
    char digest[64];
    if (!hasher_.Hash(block, digest)) {
      return absl::UnavailableError("the cryptography library failed");
    }
    if (level == levels_.size()) {
      root_hash_.assign(digest, digest_bytes_);
      return absl::OkStatus();
    }
    std::string& digests = levels_[level].digests;
    digests.append(digest, digest_bytes_);
    return digests.size() == block_bytes_ ? Close(level) : absl::OkStatus();
  }

  absl::Status Close(std::size_t level) {
    Level& closed = levels_[level];
    closed.digests.resize(block_bytes_);
    const auto stored = hashes_.Read(closed.next * block_bytes_, block_bytes_);
    if (!stored.ok()) return stored.status();
    if (*stored != closed.digests) {
      wrong_block_ = std::min(closed.next, wrong_block_.value_or(closed.next));
    }
    ++closed.next;
    auto added = Add(level + 1, closed.digests);
    closed.digests.clear();
    return added;
  }

  const std::size_t digest_bytes_;
  const std::size_t block_bytes_;
  const DiskView& hashes_;
  BlockHasher hasher_;
  std::vector<Level> levels_;
  std::uint64_t end_ = 0;
  std::string root_hash_;
  std::optional<std::uint64_t> wrong_block_;
};

}  // namespace

std::string_view NameOf(BlockHash hash) {
  return hash == BlockHash::kSha256 ? "sha256" : "sha512";
}

absl::StatusOr<VeritySuperblock> ParseVeritySuperblock(std::string_view bytes) {
  if (bytes.size() != kVeritySuperblockBytes ||
      !bytes.starts_with(kSignature)) {
    return Invalid("no superblock of dm-verity");
  }
  const auto u32 = [&](std::size_t at) {
    return LittleEndian<std::uint32_t>(bytes, at);
  };
  if (u32(8) != 1) return Invalid(absl::StrFormat("version %d", u32(8)));
  if (u32(12) > 1) return Invalid(absl::StrFormat("hash type %d", u32(12)));
  VeritySuperblock superblock{
      .hash_type = static_cast<int>(u32(12)),
      .data_block_bytes = u32(64),
      .hash_block_bytes = u32(68),
      .data_blocks = LittleEndian<std::uint64_t>(bytes, 72)};
  const std::string_view field = bytes.substr(32, 32);
  const std::string_view algorithm = field.substr(0, field.find('\0'));
  if (algorithm == NameOf(BlockHash::kSha512)) {
    superblock.hash = BlockHash::kSha512;
  } else if (algorithm != NameOf(BlockHash::kSha256)) {
    return Invalid(
        absl::StrFormat("the algorithm is '%s'; sha256 and sha512 "
                        "are known",
                        algorithm));
  }
  if (!IsBlockSize(superblock.data_block_bytes) ||
      !IsBlockSize(superblock.hash_block_bytes)) {
    return Invalid(absl::StrFormat("blocks of %d and %d bytes",
                                   superblock.data_block_bytes,
                                   superblock.hash_block_bytes));
  }
  if (superblock.data_blocks == 0) return Invalid("no data");
  const std::size_t salt_bytes = LittleEndian<std::uint16_t>(bytes, 80);
  if (salt_bytes > kMaxSaltBytes) {
    return Invalid(absl::StrFormat("a salt of %d bytes", salt_bytes));
  }
  superblock.salt = bytes.substr(88, salt_bytes);
  if (!IsZero(field.substr(algorithm.size())) || !IsZero(bytes.substr(82, 6)) ||
      !IsZero(bytes.substr(88 + salt_bytes))) {
    return Invalid("something stands where nothing belongs");
  }
  return superblock;
}

absl::StatusOr<VeritySuperblock> ReadVeritySuperblock(
    const DiskView& partition, std::uint64_t hash_offset) {
  const auto bytes = partition.Read(hash_offset, kVeritySuperblockBytes);
  if (!bytes.ok()) return bytes.status();
  return ParseVeritySuperblock(*bytes);
}

absl::StatusOr<VerityResult> ComputeVerity(const VeritySuperblock& superblock,
                                           const DiskView& data,
                                           const DiskView& hashes,
                                           std::uint64_t hash_offset,
                                           VerityProgress progress) {
  const std::size_t block = superblock.data_block_bytes;
  if (superblock.data_blocks > data.size() / block) {
    return DiskError(
        DiskReason::kDiskTruncated,
        absl::StrFormat("verity covers %d blocks of %d bytes, the "
                        "partition has %d bytes",
                        superblock.data_blocks, block, data.size()));
  }
  const std::uint64_t total = superblock.data_blocks * block;
  if (hash_offset > hashes.size()) {
    return DiskError(DiskReason::kDiskTruncated, "the hash tree is not there");
  }
  const std::string_view salt = superblock.salt;
  auto hasher = superblock.hash_type == 0
                    ? BlockHasher::Make(superblock.hash, "", salt)
                    : BlockHasher::Make(superblock.hash, salt, "");
  if (!hasher.has_value()) {
    return absl::UnavailableError(
        "no provider of the cryptography library offers SHA-2");
  }
  Tree tree(superblock, hashes, hash_offset, *std::move(hasher));
  if (tree.end() > hashes.size()) {
    return DiskError(DiskReason::kDiskTruncated,
                     absl::StrFormat("the hash tree ends at %d, the partition "
                                     "has %d bytes",
                                     tree.end(), hashes.size()));
  }
  std::string buffer(std::min<std::uint64_t>(total, kReadBytes), '\0');
  for (std::uint64_t done = 0; done < total;) {
    const auto step = static_cast<std::size_t>(
        std::min<std::uint64_t>(buffer.size(), total - done));
    if (auto read = data.ReadInto(done, absl::MakeSpan(buffer.data(), step));
        !read.ok()) {
      return read;
    }
    for (std::size_t at = 0; at < step; at += block) {
      auto added =
          tree.AddDataBlock(std::string_view(buffer).substr(at, block));
      if (!added.ok()) return added;
    }
    done += step;
    progress(done, total);
  }
  return tree.Finish();
}

}  // namespace anchorage::verify

// The Merkle tree of RFC 6962 (SHA-256) over records that are only appended.
//
//   MerkleFrontier tree;
//   tree.Append(LeafHash(record));
//   MerkleHash root = tree.Root();
//   ...
//   if (!ProvesConsistency(old_size, old_root, size, root, proof)) Alarm();
//
// The root commits to every record and to their order: whoever kept an older
// root can be shown, with some hashes, that nothing before it was changed,
// cut or reordered. Names and definitions are those of RFC 6962, 2.1, and of
// RFC 9162, 2.1.3 and 2.1.4, for the verification.
//
// Pure values and functions.

#ifndef ANCHORAGE_ANCHORS_BASE_MERKLE_H_
#define ANCHORAGE_ANCHORS_BASE_MERKLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace anchorage::anchors {

inline constexpr std::size_t kMerkleHashBytes = 32;
using MerkleHash = std::array<std::uint8_t, kMerkleHashBytes>;

// Returns SHA-256(0x00 || record).
MerkleHash LeafHash(std::string_view record);
// Returns SHA-256(0x01 || left || right).
MerkleHash NodeHash(const MerkleHash& left, const MerkleHash& right);

// The part of a tree that suffices to append to it and to compute its root: a
// hash for each bit that is set in its size, at most 64.
class MerkleFrontier {
 public:
  // The empty tree.
  MerkleFrontier() = default;

  // Restores a tree from its size and subtrees(). nullopt if the number of
  // hashes is not that of a tree of `size` leaves.
  static std::optional<MerkleFrontier> FromSubtrees(
      std::uint64_t size, std::vector<MerkleHash> subtrees);

  // Appends a leaf, of at most 2^64 - 1. Makes one node, amortised.
  void Append(const MerkleHash& leaf);

  std::uint64_t size() const { return size_; }
  // The roots of the full subtrees, from the largest to the smallest.
  const std::vector<MerkleHash>& subtrees() const { return subtrees_; }
  // The root hash; for the empty tree, SHA-256 of nothing.
  MerkleHash Root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<MerkleHash> subtrees_;
};

// Returns the root of the tree with these leaves.
MerkleHash MerkleRoot(absl::Span<const MerkleHash> leaves);

// Proves that leaf `index` is in the tree with these leaves. nullopt if there
// is no such leaf. Hashes each leaf once.
std::optional<std::vector<MerkleHash>> InclusionProof(
    absl::Span<const MerkleHash> leaves, std::uint64_t index);

// Proves that the tree of the first `old_size` leaves is a prefix of the tree
// with all of them. nullopt if `old_size` is 0 or more than there are: the
// empty tree is a prefix of every tree, and proves nothing. Hashes each leaf
// once.
std::optional<std::vector<MerkleHash>> ConsistencyProof(
    absl::Span<const MerkleHash> leaves, std::uint64_t old_size);

// Whether `proof` proves that `leaf` is leaf `index` of the tree with `size`
// leaves and that root. Any arguments are legal; makes at most 64 nodes.
[[nodiscard]] bool ProvesInclusion(const MerkleHash& leaf, std::uint64_t index,
                                   std::uint64_t size, const MerkleHash& root,
                                   absl::Span<const MerkleHash> proof);

// Whether `proof` proves that the tree of `old_size` leaves with `old_root` is
// a prefix of the one of `size` leaves with `root`. False for an `old_size` of
// 0.
[[nodiscard]] bool ProvesConsistency(std::uint64_t old_size,
                                     const MerkleHash& old_root,
                                     std::uint64_t size, const MerkleHash& root,
                                     absl::Span<const MerkleHash> proof);

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_MERKLE_H_

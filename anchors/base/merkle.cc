#include "anchors/base/merkle.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "verify/crypto/public_key.h"

namespace anchorage::anchors {
namespace {

constexpr std::string_view kLeafPrefix("\x00", 1);
constexpr std::string_view kNodePrefix("\x01", 1);

std::string_view View(const MerkleHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

MerkleHash ToMerkleHash(const verify::Digest& digest) {
  MerkleHash hash;
  std::copy_n(digest.bytes.begin(), hash.size(), hash.begin());
  return hash;
}

// The largest power of two below `n`, for `n` above 1: where RFC 6962 splits.
std::uint64_t Split(std::uint64_t n) { return std::bit_floor(n - 1); }

// The position of a node on its level and that of the last node there, on the
// way from a leaf to the root.
struct Position {
  std::uint64_t at = 0;
  std::uint64_t last = 0;

  void Rise() {
    at >>= 1;
    last >>= 1;
  }
  // Whether the sibling is on the left. The last node of a level may have
  // none; then the next one on the way up does.
  bool SiblingIsLeft() const { return (at & 1) != 0 || at == last; }
  void SkipLevelsWithoutSibling() {
    while ((at & 1) == 0 && at != 0) Rise();
  }
};

}  // namespace

MerkleHash LeafHash(std::string_view record) {
  return ToMerkleHash(
      verify::HashParts(verify::HashAlgorithm::kSha256, {kLeafPrefix, record}));
}

MerkleHash NodeHash(const MerkleHash& left, const MerkleHash& right) {
  return ToMerkleHash(verify::HashParts(
      verify::HashAlgorithm::kSha256, {kNodePrefix, View(left), View(right)}));
}

std::optional<MerkleFrontier> MerkleFrontier::FromSubtrees(
    std::uint64_t size, std::vector<MerkleHash> subtrees) {
  if (subtrees.size() != static_cast<std::size_t>(std::popcount(size))) {
    return std::nullopt;
  }
  MerkleFrontier frontier;
  frontier.size_ = size;
  frontier.subtrees_ = std::move(subtrees);
  return frontier;
}

void MerkleFrontier::Append(const MerkleHash& leaf) {
  MerkleHash node = leaf;
  // A full subtree as large as the new one merges with it into one of twice the
  // size.
  for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    node = NodeHash(subtrees_.back(), node);
    subtrees_.pop_back();
  }
  subtrees_.push_back(node);
  ++size_;
}

MerkleHash MerkleFrontier::Root() const {
  if (subtrees_.empty()) {
    return ToMerkleHash(verify::Hash(verify::HashAlgorithm::kSha256, ""));
  }
  MerkleHash root = subtrees_.back();
  for (std::size_t i = subtrees_.size() - 1; i-- > 0;) {
    root = NodeHash(subtrees_[i], root);
  }
  return root;
}

MerkleHash MerkleRoot(absl::Span<const MerkleHash> leaves) {
  MerkleFrontier frontier;
  for (const MerkleHash& leaf : leaves) frontier.Append(leaf);
  return frontier.Root();
}

std::optional<std::vector<MerkleHash>> InclusionProof(
    absl::Span<const MerkleHash> leaves, std::uint64_t index) {
  if (index >= leaves.size()) return std::nullopt;
  std::vector<MerkleHash> proof;
  while (leaves.size() > 1) {
    const std::uint64_t split = Split(leaves.size());
    if (index < split) {
      proof.push_back(MerkleRoot(leaves.subspan(split)));
      leaves = leaves.subspan(0, split);
    } else {
      proof.push_back(MerkleRoot(leaves.subspan(0, split)));
      leaves = leaves.subspan(split);
      index -= split;
    }
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

std::optional<std::vector<MerkleHash>> ConsistencyProof(
    absl::Span<const MerkleHash> leaves, std::uint64_t old_size) {
  if (old_size == 0 || old_size > leaves.size()) return std::nullopt;
  std::vector<MerkleHash> proof;
  // Whether the current subtree begins where the old tree begins: then its root
  // is the old root, which the verifier has.
  bool is_old_tree = true;
  while (old_size < leaves.size()) {
    const std::uint64_t split = Split(leaves.size());
    if (old_size <= split) {
      proof.push_back(MerkleRoot(leaves.subspan(split)));
      leaves = leaves.subspan(0, split);
    } else {
      proof.push_back(MerkleRoot(leaves.subspan(0, split)));
      leaves = leaves.subspan(split);
      old_size -= split;
      is_old_tree = false;
    }
  }
  if (!is_old_tree) proof.push_back(MerkleRoot(leaves));
  std::reverse(proof.begin(), proof.end());
  return proof;
}

bool ProvesInclusion(const MerkleHash& leaf, std::uint64_t index,
                     std::uint64_t size, const MerkleHash& root,
                     absl::Span<const MerkleHash> proof) {
  if (index >= size) return false;
  Position position = {index, size - 1};
  MerkleHash node = leaf;
  for (const MerkleHash& sibling : proof) {
    if (position.last == 0) return false;
    if (position.SiblingIsLeft()) {
      node = NodeHash(sibling, node);
      position.SkipLevelsWithoutSibling();
    } else {
      node = NodeHash(node, sibling);
    }
    position.Rise();
  }
  return position.last == 0 && node == root;
}

bool ProvesConsistency(std::uint64_t old_size, const MerkleHash& old_root,
                       std::uint64_t size, const MerkleHash& root,
                       absl::Span<const MerkleHash> proof) {
  if (old_size == 0 || old_size > size) return false;
  if (old_size == size) return proof.empty() && old_root == root;
  Position position = {old_size - 1, size - 1};
  while ((position.at & 1) != 0) position.Rise();
  MerkleHash old_node = old_root;
  // A full old tree is a node of the new one, and then the proof does not
  // repeat its root.
  if (!std::has_single_bit(old_size)) {
    if (proof.empty()) return false;
    old_node = proof.front();
    proof.remove_prefix(1);
  }
  MerkleHash node = old_node;
  for (const MerkleHash& sibling : proof) {
    if (position.last == 0) return false;
    if (position.SiblingIsLeft()) {
      old_node = NodeHash(sibling, old_node);
      node = NodeHash(sibling, node);
      position.SkipLevelsWithoutSibling();
    } else {
      node = NodeHash(node, sibling);
    }
    position.Rise();
  }
  return position.last == 0 && old_node == old_root && node == root;
}

}  // namespace anchorage::anchors

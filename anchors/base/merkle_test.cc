#include "anchors/base/merkle.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "verify/crypto/public_key.h"
#include "verify/encoding/base64.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors {
namespace {

using Hashes = std::vector<MerkleHash>;

constexpr std::size_t kMostLeaves = 40;

MerkleHash FromBytes(std::string_view bytes) {
  MerkleHash hash{};
  if (bytes.size() == hash.size()) {
    std::copy(bytes.begin(), bytes.end(), hash.begin());
  } else {
    // What is no hash equals nothing but itself.
    const auto digest = verify::Hash(verify::HashAlgorithm::kSha256, bytes);
    std::copy_n(digest.bytes.begin(), hash.size(), hash.begin());
  }
  return hash;
}

MerkleHash FromHex(const std::string& hex) {
  return FromBytes(verify::DecodeHex(hex).value());
}

Hashes Leaves(std::size_t n) {
  Hashes leaves;
  for (std::size_t i = 0; i < n; ++i) {
    leaves.push_back(LeafHash("record " + std::to_string(i)));
  }
  return leaves;
}

Hashes Slice(const Hashes& d, std::size_t from, std::size_t to) {
  return {d.begin() + from, d.begin() + to};
}

std::size_t LargestPowerBelow(std::size_t n) {
  std::size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

// RFC 6962, 2.1: MTH, PATH and SUBPROOF, word by word.
MerkleHash NaiveRoot(const Hashes& d) {
  if (d.empty()) return FromBytes("");
  if (d.size() == 1) return d[0];
  const std::size_t k = LargestPowerBelow(d.size());
  return NodeHash(NaiveRoot(Slice(d, 0, k)), NaiveRoot(Slice(d, k, d.size())));
}

Hashes NaivePath(std::size_t m, const Hashes& d) {
  if (d.size() == 1) return {};
  const std::size_t k = LargestPowerBelow(d.size());
  Hashes path = m < k ? NaivePath(m, Slice(d, 0, k))
                      : NaivePath(m - k, Slice(d, k, d.size()));
  path.push_back(m < k ? NaiveRoot(Slice(d, k, d.size()))
                       : NaiveRoot(Slice(d, 0, k)));
  return path;
}

Hashes NaiveSubproof(std::size_t m, const Hashes& d, bool b) {
  if (m == d.size()) return b ? Hashes() : Hashes({NaiveRoot(d)});
  const std::size_t k = LargestPowerBelow(d.size());
  Hashes proof = m <= k ? NaiveSubproof(m, Slice(d, 0, k), b)
                        : NaiveSubproof(m - k, Slice(d, k, d.size()), false);
  proof.push_back(m <= k ? NaiveRoot(Slice(d, k, d.size()))
                         : NaiveRoot(Slice(d, 0, k)));
  return proof;
}

TEST(MerkleTest, KnownAnswers) {
  EXPECT_EQ(
      LeafHash(""),
      FromHex(
          "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"));
  EXPECT_EQ(
      MerkleFrontier().Root(),
      FromHex(
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  MerkleFrontier tree;
  for (const char* hex :
       {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f"}) {
    tree.Append(LeafHash(*hex == '\0' ? std::string()
                                      : verify::DecodeHex(hex).value()));
  }
  EXPECT_EQ(
      tree.Root(),
      FromHex(
          "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"));
}

TEST(MerkleTest, ALeafIsNoNode) {
  const Hashes leaves = Leaves(2);
  std::string both(leaves[0].begin(), leaves[0].end());
  both.append(leaves[1].begin(), leaves[1].end());
  EXPECT_NE(LeafHash(both), NodeHash(leaves[0], leaves[1]));
}

TEST(MerkleTest, RootsAreThoseOfTheDefinition) {
  const Hashes leaves = Leaves(kMostLeaves);
  MerkleFrontier tree;
  for (std::size_t n = 0; n <= kMostLeaves; ++n) {
    const Hashes first = Slice(leaves, 0, n);
    EXPECT_EQ(tree.size(), n);
    EXPECT_EQ(tree.Root(), NaiveRoot(first)) << n;
    EXPECT_EQ(MerkleRoot(first), NaiveRoot(first)) << n;
    if (n < kMostLeaves) tree.Append(leaves[n]);
  }
}

TEST(MerkleTest, AFrontierGoesOnWhereItWasLeft) {
  const Hashes leaves = Leaves(kMostLeaves);
  MerkleFrontier whole;
  for (std::size_t n = 0; n < kMostLeaves; ++n) {
    auto resumed = MerkleFrontier::FromSubtrees(whole.size(), whole.subtrees());
    ASSERT_TRUE(resumed.has_value());
    whole.Append(leaves[n]);
    resumed->Append(leaves[n]);
    EXPECT_EQ(resumed->Root(), whole.Root());
    EXPECT_EQ(resumed->subtrees(), whole.subtrees());
  }
}

TEST(MerkleTest, AFrontierOfAnotherSizeIsRefused) {
  EXPECT_FALSE(MerkleFrontier::FromSubtrees(3, Leaves(1)).has_value());
  EXPECT_FALSE(MerkleFrontier::FromSubtrees(0, Leaves(1)).has_value());
  EXPECT_FALSE(MerkleFrontier::FromSubtrees(4, Leaves(2)).has_value());
  EXPECT_TRUE(MerkleFrontier::FromSubtrees(~0ull, Leaves(64)).has_value());
}

TEST(InclusionTest, ProofsAreThoseOfTheDefinitionAndProve) {
  const Hashes leaves = Leaves(kMostLeaves);
  for (std::size_t n = 1; n <= kMostLeaves; ++n) {
    const Hashes tree = Slice(leaves, 0, n);
    const MerkleHash root = NaiveRoot(tree);
    for (std::size_t i = 0; i < n; ++i) {
      const auto proof = InclusionProof(tree, i);
      ASSERT_TRUE(proof.has_value());
      EXPECT_EQ(*proof, NaivePath(i, tree));
      EXPECT_TRUE(ProvesInclusion(leaves[i], i, n, root, *proof));
    }
    EXPECT_FALSE(InclusionProof(tree, n).has_value());
  }
  EXPECT_FALSE(InclusionProof({}, 0).has_value());
}

TEST(InclusionTest, NothingElseIsProved) {
  const std::size_t n = 13;
  const Hashes tree = Leaves(n);
  const MerkleHash root = NaiveRoot(tree);
  for (std::size_t i = 0; i < n; ++i) {
    const Hashes proof = *InclusionProof(tree, i);
    for (std::size_t other = 0; other < 2 * n; ++other) {
      EXPECT_EQ(ProvesInclusion(tree[i], other, n, root, proof), other == i);
      if (other < n) {
        EXPECT_EQ(ProvesInclusion(tree[other], i, n, root, proof), other == i);
      }
    }
    Hashes longer = proof;
    longer.push_back(root);
    EXPECT_FALSE(ProvesInclusion(tree[i], i, n, root, longer));
    Hashes shorter = proof;
    shorter.pop_back();
    EXPECT_FALSE(ProvesInclusion(tree[i], i, n, root, shorter));
    for (std::size_t at = 0; at < proof.size(); ++at) {
      Hashes changed = proof;
      changed[at][at] ^= 1;
      EXPECT_FALSE(ProvesInclusion(tree[i], i, n, root, changed));
    }
    EXPECT_FALSE(ProvesInclusion(tree[i], i, 0, root, proof));
    EXPECT_FALSE(ProvesInclusion(tree[i], i, ~0ull, root, proof));
  }
}

TEST(ConsistencyTest, ProofsAreThoseOfTheDefinitionAndProve) {
  const Hashes leaves = Leaves(kMostLeaves);
  for (std::size_t n = 1; n <= kMostLeaves; ++n) {
    const Hashes tree = Slice(leaves, 0, n);
    for (std::size_t m = 1; m <= n; ++m) {
      const auto proof = ConsistencyProof(tree, m);
      ASSERT_TRUE(proof.has_value());
      EXPECT_EQ(*proof, NaiveSubproof(m, tree, true));
      EXPECT_TRUE(ProvesConsistency(m, NaiveRoot(Slice(leaves, 0, m)), n,
                                    NaiveRoot(tree), *proof));
    }
    EXPECT_FALSE(ConsistencyProof(tree, 0).has_value());
    EXPECT_FALSE(ConsistencyProof(tree, n + 1).has_value());
  }
}

TEST(ConsistencyTest, AChangedCutOrReorderedBeginningIsNotProved) {
  const std::size_t n = 21;
  const Hashes tree = Leaves(n);
  const MerkleHash root = NaiveRoot(tree);
  for (std::size_t m = 2; m < n; ++m) {
    const MerkleHash old_root = NaiveRoot(Slice(tree, 0, m));
    for (int kind = 0; kind < 3; ++kind) {
      Hashes other = tree;
      if (kind == 0) other[m / 2] = LeafHash("changed");
      if (kind == 1) other.erase(other.begin() + m / 2);
      if (kind == 2) std::swap(other[m - 1], other[m - 2]);
      const auto proof = ConsistencyProof(other, m);
      EXPECT_FALSE(ProvesConsistency(m, old_root, other.size(),
                                     NaiveRoot(other), *proof));
    }
    const Hashes proof = *ConsistencyProof(tree, m);
    EXPECT_FALSE(ProvesConsistency(m, root, n, root, proof));
    EXPECT_FALSE(ProvesConsistency(m, old_root, n, old_root, proof));
    EXPECT_FALSE(ProvesConsistency(n, root, m, old_root, proof));
    EXPECT_FALSE(ProvesConsistency(0, old_root, n, root, proof));
    EXPECT_FALSE(ProvesConsistency(m, old_root, n, root, {}));
    Hashes longer = proof;
    longer.push_back(root);
    EXPECT_FALSE(ProvesConsistency(m, old_root, n, root, longer));
    for (std::size_t at = 0; at < proof.size(); ++at) {
      Hashes changed = proof;
      changed[at][at] ^= 0x80;
      EXPECT_FALSE(ProvesConsistency(m, old_root, n, root, changed));
    }
  }
}

// The cases of other implementations, in the folder that the environment names.
class SharedCases : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("ANCHORAGE_SHARED_VECTORS");
    if (shared == nullptr) {
      GTEST_SKIP() << "skipped: ANCHORAGE_SHARED_VECTORS is not set";
    }
    const std::filesystem::path folder =
        std::string(shared) + "/tlog/rfc6962-merkle/testdata/" + GetParam();
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".json") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      texts_.emplace_back(std::istreambuf_iterator<char>(in),
                          std::istreambuf_iterator<char>());
      names_.push_back(entry.path().filename());
    }
  }

  std::vector<std::string> texts_;
  std::vector<std::string> names_;
};

// No hash at all cannot be said to us.
std::optional<MerkleHash> HashOf(const verify::JsonValue& value) {
  const auto text = value.AsString().value();
  if (text.empty()) return std::nullopt;
  return FromBytes(verify::DecodeBase64(text).value());
}

Hashes ProofOf(const verify::JsonValue& value) {
  Hashes proof;
  const verify::JsonValue* list = value.Find("proof");
  if (list == nullptr) return proof;
  for (const auto& item : list->elements()) {
    proof.push_back(HashOf(item).value_or(MerkleHash()));
  }
  return proof;
}

std::optional<std::uint64_t> Number(const verify::JsonValue& value,
                                    const char* name) {
  const std::string text(value.Find(name)->number_text());
  std::uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

TEST_P(SharedCases, AreDecidedAsTheySay) {
  EXPECT_GT(texts_.size(), 50u);
  int good = 0;
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    const auto json = verify::ParseJson(texts_[i], {texts_[i].size()});
    ASSERT_TRUE(json.ok()) << names_[i];
    const bool inclusion = GetParam() == "inclusion";
    const auto a = Number(*json, inclusion ? "leafIdx" : "size1");
    const auto b = Number(*json, inclusion ? "treeSize" : "size2");
    const auto first = HashOf(*json->Find(inclusion ? "leafHash" : "root1"));
    const auto second = HashOf(*json->Find(inclusion ? "root" : "root2"));
    const Hashes proof = ProofOf(*json);
    const bool proved =
        a && b && first && second &&
        (inclusion ? ProvesInclusion(*first, *a, *b, *second, proof)
                   : ProvesConsistency(*a, *first, *b, *second, proof));
    EXPECT_EQ(proved, !json->Find("wantErr")->AsBool().value()) << names_[i];
    good += proved;
  }
  EXPECT_GT(good, 4);
}

INSTANTIATE_TEST_SUITE_P(MerkleTest, SharedCases,
                         testing::Values("inclusion", "consistency"));

}  // namespace
}  // namespace anchorage::anchors

#include "verify/measure/disk/verity.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/strings/escaping.h"
#include "test/support/disk_writer.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

using test::WriteVerity;

void Ignore(std::uint64_t, std::uint64_t) {}

// `bytes` bytes of which no two blocks are equal.
std::string Data(std::size_t bytes) {
  std::string data(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) {
    data[i] = static_cast<char>(i / 512 * 7 + i);
  }
  return data;
}

absl::StatusOr<VerityResult> Compute(const std::string& data,
                                     const std::string& hashes,
                                     std::uint64_t hash_offset = 0) {
  const DiskView hash_view = DiskView::OfBytes(hashes);
  const auto superblock = ReadVeritySuperblock(hash_view, hash_offset);
  if (!superblock.ok()) return superblock.status();
  return ComputeVerity(*superblock, DiskView::OfBytes(data), hash_view,
                       hash_offset, Ignore);
}

// Sizes around every border: one block, a full hash block, two levels, three.
TEST(VerityTest, ComputesTheRootHashOfATree) {
  for (const bool sha512 : {false, true}) {
    for (const std::size_t block : {512u, 4096u}) {
      for (const std::size_t blocks :
           {1u, 2u, 15u, 16u, 17u, 127u, 128u, 129u, 257u, 300u}) {
        const std::string data = Data(blocks * block);
        const auto verity =
            WriteVerity(data, {.block = block, .sha512 = sha512});
        const auto result = Compute(data, verity.bytes);
        ASSERT_TRUE(result.ok()) << result.status();
        EXPECT_EQ(result->root_hash, verity.root_hash) << blocks;
        EXPECT_EQ(result->wrong_tree_block, std::nullopt) << blocks;
      }
    }
  }
}

// Root hashes that veritysetup of Debian's cryptsetup-bin 2.6.1 printed:
//
//   head -c SIZE /dev/zero >data
//   veritysetup format --salt=SALT --hash=HASH --format=FORMAT
//       --data-block-size=BLOCK --hash-block-size=HASHBLOCK data tree
struct KnownAnswer {
  std::size_t size;
  const char* salt;
  BlockHash hash;
  int format;
  std::uint32_t data_block;
  std::uint32_t hash_block;
  const char* root_hash;
};

constexpr char kSalt[] =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

constexpr KnownAnswer kKnownAnswers[] = {
    {4096, kSalt, BlockHash::kSha256, 1, 4096, 4096,
     "4ce3ecf32c133bf6321901b6092219474b6ac91a19d0304621d629e6bb9987dc"},
    {8192, kSalt, BlockHash::kSha256, 1, 4096, 4096,
     "a14511ce3b66ac548ab3efb1eff05e0aa6e9145985f0dc6c4699a9c983ff4b2b"},
    {524288, kSalt, BlockHash::kSha256, 1, 4096, 4096,
     "1c54be08db02b0494336a7d086c623d9149b1e1f6bdbcaf866843bc43a745b9a"},
    {528384, kSalt, BlockHash::kSha256, 1, 4096, 4096,
     "9a7282df904b2431259deaaa8e86a9a3bc00a44eb5d6353feb2c28cdc696c0e1"},
    {4194304, kSalt, BlockHash::kSha256, 1, 4096, 4096,
     "2d0348f2f4e268fbf5613f2e5a4a96eeef787276b9828a982ef597377955ea55"},
    {1048576, "", BlockHash::kSha256, 1, 4096, 4096,
     "5d98121f8aeff2a38a3fffee013f85980078507a0ffbd99e5a8d616ecfe7db6a"},
    {1048576, kSalt, BlockHash::kSha512, 1, 4096, 4096,
     "014af8ef38e486dd609aa815fa4aa788a8004e56409084dc3eb81d4dc5cbfcf1"
     "8cb2c488b052dc371186388642a0532b6fa212ca817c37b9c50f32c12b281dab"},
    {1048576, kSalt, BlockHash::kSha256, 0, 4096, 4096,
     "ecb676f9bd3beef7778f3aaf926b2d9c80034a22dca3e07611e93d2c9f6352d3"},
    {1048576, kSalt, BlockHash::kSha256, 1, 512, 1024,
     "cd4d404b72d30d89894ecddbb0e242e8e0edef06a843fa37684892ad3bc207c5"},
    {1048576, kSalt, BlockHash::kSha256, 1, 1024, 4096,
     "86d252d358d5f4342ff215bbc1341c65f167955fa16cc7af7c207c99cbcb0497"},
    {1048576, kSalt, BlockHash::kSha512, 0, 4096, 512,
     "a8ab7456ba7d4039dd5d7f68d019e20387b96b99cca5dc0bcd1002484638827b"
     "73188abb267c91e24896079b21a29216227f84e95e8ca7476b3779fd4097bab4"},
};

TEST(VerityTest, GivesTheRootHashesOfVeritysetup) {
  for (const KnownAnswer& known : kKnownAnswers) {
    VeritySuperblock superblock;
    superblock.hash_type = known.format;
    superblock.hash = known.hash;
    superblock.data_block_bytes = known.data_block;
    superblock.hash_block_bytes = known.hash_block;
    superblock.data_blocks = known.size / known.data_block;
    superblock.salt = absl::HexStringToBytes(known.salt);
    const std::string data(known.size, '\0');
    // The tree is not there, so all of it differs: the root hash does not
    // depend on it.
    const std::string tree(known.size / 4 + 65536, '\0');
    const auto result = ComputeVerity(superblock, DiskView::OfBytes(data),
                                      DiskView::OfBytes(tree), 0, Ignore);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(absl::BytesToHexString(result->root_hash), known.root_hash);
  }
}

TEST(VerityTest, AnyChangedByteOfTheDataGivesAnotherRootHash) {
  const std::string good = Data(40 * 512);
  const auto verity = WriteVerity(good, {.block = 512});
  for (std::size_t i = 0; i < good.size(); i += 100) {
    std::string data = good;
    data[i] ^= 1;
    const auto result = Compute(data, verity.bytes);
    ASSERT_TRUE(result.ok());
    EXPECT_NE(result->root_hash, verity.root_hash) << i;
    EXPECT_NE(result->wrong_tree_block, std::nullopt) << i;
  }
}

// The first block has the superblock, in which the id alone means nothing.
TEST(VerityTest, AnyChangedByteOfTheTreeIsFound) {
  const std::string data = Data(40 * 512);
  const auto verity = WriteVerity(data, {.block = 512});
  for (std::size_t i = 512; i < verity.bytes.size(); i += 7) {
    std::string tree = verity.bytes;
    tree[i] ^= 1;
    const auto result = Compute(data, tree);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->root_hash, verity.root_hash);
    EXPECT_EQ(result->wrong_tree_block, i / 512);
  }
}

TEST(VerityTest, DataAndTreeMayShareAPartition) {
  const std::string data = Data(33 * 4096);
  const auto verity = WriteVerity(data);
  const std::string both = data + verity.bytes;
  const auto result = Compute(both, both, data.size());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->root_hash, verity.root_hash);
  EXPECT_EQ(result->wrong_tree_block, std::nullopt);
}

TEST(VerityTest, SaysHowFarItIs) {
  const std::string data = Data(3 << 20);
  const auto verity = WriteVerity(data);
  const auto superblock = ParseVeritySuperblock(verity.bytes.substr(0, 512));
  std::uint64_t last = 0;
  const auto result = ComputeVerity(
      *superblock, DiskView::OfBytes(data), DiskView::OfBytes(verity.bytes), 0,
      [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_GT(done, last);
        EXPECT_EQ(total, data.size());
        last = done;
      });
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(last, data.size());
}

TEST(VerityTest, ASuperblockThatCannotBeIsRefused) {
  const std::string data = Data(8 * 4096);
  const std::string good = WriteVerity(data).bytes;
  const struct {
    const char* what;
    DiskReason reason;
    std::function<void(std::string&)> change;
  } cases[] = {
      {"no signature", DiskReason::kVeritySuperblock,
       [](std::string& s) { s[0] = 'V'; }},
      {"another version", DiskReason::kVeritySuperblock,
       [](std::string& s) { test::PutU32(s, 8, 2); }},
      {"another hash type", DiskReason::kVeritySuperblock,
       [](std::string& s) { test::PutU32(s, 12, 2); }},
      {"a weak algorithm", DiskReason::kVeritySuperblock,
       [](std::string& s) { s.replace(32, 7, std::string("sha1\0\0\0", 7)); }},
      {"an algorithm and more", DiskReason::kVeritySuperblock,
       [](std::string& s) { s[32 + 7] = 'x'; }},
      {"no data blocks", DiskReason::kVeritySuperblock,
       [](std::string& s) { test::PutU64(s, 72, 0); }},
      {"more data than there are", DiskReason::kDiskTruncated,
       [](std::string& s) { test::PutU64(s, 72, 9); }},
      {"far more data than there are", DiskReason::kDiskTruncated,
       [](std::string& s) { test::PutU64(s, 72, ~std::uint64_t{0}); }},
      {"blocks of 0 bytes", DiskReason::kVeritySuperblock,
       [](std::string& s) { test::PutU32(s, 64, 0); }},
      {"blocks of 1000 bytes", DiskReason::kVeritySuperblock,
       [](std::string& s) { test::PutU32(s, 68, 1000); }},
      {"blocks of 1 MiB", DiskReason::kVeritySuperblock,
       [](std::string& s) { test::PutU32(s, 64, 1 << 20); }},
      {"a salt that is too long", DiskReason::kVeritySuperblock,
       [](std::string& s) { test::PutU16(s, 80, 257); }},
      {"something behind the salt", DiskReason::kVeritySuperblock,
       [](std::string& s) { s[88 + 255] = 1; }},
      {"something at the end", DiskReason::kVeritySuperblock,
       [](std::string& s) { s[511] = 1; }},
      {"no tree", DiskReason::kDiskTruncated,
       [](std::string& s) { s.resize(4096); }},
      {"half a superblock", DiskReason::kDiskTruncated,
       [](std::string& s) { s.resize(256); }},
  };
  for (const auto& wrong : cases) {
    std::string hashes = good;
    wrong.change(hashes);
    EXPECT_EQ(DiskReasonOf(Compute(data, hashes).status()), wrong.reason)
        << wrong.what;
  }
  EXPECT_EQ(DiskReasonOf(Compute(data, good, 1 << 30).status()),
            DiskReason::kDiskTruncated);
}

}  // namespace
}  // namespace anchorage::verify

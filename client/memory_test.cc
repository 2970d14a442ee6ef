#include "client/memory.h"

#include <gtest/gtest.h>

#include <string>

#include "anchors/baked/baked.h"
#include "anchors/catalog.h"
#include "verify/crypto/public_key.h"

namespace anchorage::client {
namespace {

Memory Full() {
  Memory memory;
  memory.root_version = 3;
  memory.adopted = absl::FromUnixSeconds(1'800'000'060);
  memory.fresh_until = absl::FromUnixSeconds(1'800'600'000);
  memory.overtaken = absl::FromUnixSeconds(1'800'500'000);
  memory.floor.Set("catalog", 7);
  memory.floor.Set("releases", 2);
  memory.floor_signers = {std::string(64, 'a'), std::string(64, 'b')};
  auto catalog =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  catalog->anchors.resize(2);
  for (auto& anchor : catalog->anchors) {
    anchor.status = verify::AnchorStatus::kRevoked;
  }
  anchors::ReleaseList list;
  anchors::Release release;
  release.product = "signer";
  release.name = "2.3.0";
  release.measurements = {{0, std::string(48, 'a')}};
  release.status = verify::ReleaseStatus::kRevoked;
  list.releases = {release};
  memory.revoked = RevokedIn(*catalog, &list);
  return memory;
}

TEST(MemoryTest, ReadsWhatItWrote) {
  for (const Memory& memory : {Memory(), Full()}) {
    const auto read = ParseMemory(Serialize(memory));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, memory);
  }
}

TEST(MemoryTest, IsNoneIfAnyByteIsAnother) {
  const std::string good = Serialize(Full());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= 1;
    EXPECT_EQ(ParseMemory(bad).status().code(), absl::StatusCode::kDataLoss)
        << at;
  }
  for (std::size_t size = 0; size < good.size(); size += 7) {
    EXPECT_FALSE(ParseMemory(good.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(ParseMemory(good + "\n").ok());
}

// Programs of before read this line, and wrote it.
TEST(MemoryTest, HasTheFloorsInTheOrderOfTheTargets) {
  const std::string good = Serialize(Full());
  EXPECT_NE(good.find("\nfloor 7 2\n"), std::string::npos) << good;
  const auto with_floor = [&](const std::string& line) {
    std::string text = good.substr(0, good.rfind("sha256 "));
    text.replace(text.find("floor 7 2"), 9, line);
    return ParseMemory(text + "sha256 " + verify::Sha256Hex(text) + "\n");
  };
  EXPECT_TRUE(with_floor("floor 7 3").ok());
  Memory later = Full();
  later.floor.Set(anchors::TargetKinds().back().name, 5);
  EXPECT_NE(Serialize(later).find("\nfloor 7 2 0 5\n"), std::string::npos);
  EXPECT_EQ(ParseMemory(Serialize(later))->floor, later.floor);
  for (const char* line :
       {"floor 7", "floor 7 2 1 1 1 1 1 1 1 1", "floor 7 -2", "floor 7 x"}) {
    EXPECT_FALSE(with_floor(line).ok()) << line;
  }
}

TEST(RevokedTest, RefusesTheSameKeyInTheSameSlotAlone) {
  const auto baked =
      anchors::ParseCatalog(anchors::DefaultBakedBundle().files.catalog());
  Revoked revoked = Full().revoked;
  anchors::Catalog catalog = *baked;
  Refuse(revoked, catalog);
  for (std::size_t i = 0; i < catalog.anchors.size(); ++i) {
    EXPECT_EQ(catalog.anchors[i].status, i < 2 ? verify::AnchorStatus::kRevoked
                                               : baked->anchors[i].status);
  }
  revoked.anchors[0].slot.region = "elsewhere-1";
  revoked.anchors.resize(1);
  catalog = *baked;
  Refuse(revoked, catalog);
  EXPECT_EQ(catalog, *baked);
}

// Another release may leave open what this one's measurements fix.
TEST(RevokedTest, RefusesAReleaseThatTheListDoesNotHave) {
  const Revoked revoked = Full().revoked;
  anchors::ReleaseList list;
  Refuse(revoked, list);
  ASSERT_EQ(list.releases.size(), 1u);
  EXPECT_EQ(list.releases[0].status, verify::ReleaseStatus::kRevoked);
  list.releases[0].name = "under another name";
  list.releases[0].status = verify::ReleaseStatus::kActive;
  Refuse(revoked, list);
  ASSERT_EQ(list.releases.size(), 1u);
  EXPECT_EQ(list.releases[0].status, verify::ReleaseStatus::kRevoked);
}

// As after a crash between memory and bundle: two of one name.
TEST(RevokedTest, CanBeReadAgainWhateverWasMerged) {
  Memory memory = Full();
  Revoked more = memory.revoked;
  more.releases[0].measurements = {{0, std::string(48, 'b')}};
  Merge(more, memory.revoked);
  EXPECT_EQ(memory.revoked.releases.size(), 2u);
  memory.adopted = absl::FromUnixSeconds(-5);
  const auto read = ParseMemory(Serialize(memory));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->revoked.releases.size(), 2u);
  EXPECT_EQ(read->adopted, absl::UnixEpoch());
}

TEST(CanStillSignTest, NeedsTheThresholdOfKeysThatAreLeft) {
  anchors::tuf::RoleKeys role;
  role.keyids = {"a", "b", "c"};
  role.threshold = 2;
  EXPECT_TRUE(CanStillSign({"a", "b"}, role));
  EXPECT_FALSE(CanStillSign({"a", "x"}, role));
  EXPECT_FALSE(CanStillSign({}, role));
}

}  // namespace
}  // namespace anchorage::client

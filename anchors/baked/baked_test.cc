#include "anchors/baked/baked.h"

#include <memory>
#include <string>

#include "anchors/baked/build_key.h"
#include "anchors/catalog.h"
#include "anchors/publishing/bundle_builder.h"
#include "anchors/publishing/repository_writer.h"
#include "anchors/publishing/signer.h"
#include "anchors/tuf/trusted_set.h"
#include "gtest/gtest.h"
#include "verify/encoding/json.h"

namespace anchorage::anchors {
namespace {

constexpr char kOtherSeed[] = "some other key, 32 bytes of seed";

std::unique_ptr<tuf::SoftwareKey> Key(std::string_view seed) {
  auto key = tuf::SoftwareKey::Ed25519FromSeed(seed);
  EXPECT_TRUE(key.ok()) << key.status();
  return *std::move(key);
}

// Takes a bundle through the steps of a client.
absl::Status Verify(const BakedBundle& baked, absl::Time now) {
  auto set = FollowRoots(baked.root, baked.files.roots, now);
  if (!set.ok()) return set.status();
  if (absl::Status s = TakeMetadata(baked.files, *set); !s.ok()) return s;
  return ReadTargets(*set, baked.files).status();
}

// A root that gives one role to the build key and the others to another.
std::string RootWithBuildKeyAs(const std::string& role) {
  const auto build = Key(kBuildKeySeed);
  const auto other = Key(kOtherSeed);
  const auto spec = [&](const char* name) {
    return tuf::RoleSpec{
        .keys = {(role == name ? *build : *other).public_key()},
        .threshold = 1};
  };
  auto root = tuf::WriteRoot({.expires = absl::FromUnixSeconds(2'000'000'000),
                              .root = spec("root"),
                              .timestamp = spec("timestamp"),
                              .snapshot = spec("snapshot"),
                              .targets = spec("targets")});
  EXPECT_TRUE(root.ok()) << root.status();
  return *std::move(root);
}

TEST(Baked, TakesThePathThatEveryBundleTakes) {
  const BakedBundle& baked = DefaultBakedBundle();
  EXPECT_TRUE(Verify(baked, baked.as_of).ok()) << Verify(baked, baked.as_of);
  // Long after the program is gone.
  EXPECT_TRUE(Verify(baked, baked.as_of + absl::Hours(24 * 365 * 90)).ok());
}

TEST(Baked, IsNoLongerVerifiedWithOneByteChanged) {
  const auto part_of = [](BakedBundle& baked, int part) -> std::string& {
    std::string* const parts[] = {
        &baked.root, &baked.files.timestamp, &baked.files.snapshot,
        &baked.files.targets,
        &baked.files.target_files.at(std::string(kCatalogTargetPath))};
    return *parts[part];
  };
  for (int part = 0; part < 5; ++part) {
    BakedBundle bad = DefaultBakedBundle();
    std::string& bytes = part_of(bad, part);
    bytes[bytes.size() / 2] ^= 1;
    EXPECT_FALSE(Verify(bad, bad.as_of).ok()) << part;
  }
}

TEST(Baked, HasTheCatalogOfSequenceOne) {
  const BakedBundle& baked = DefaultBakedBundle();
  const auto catalog = ParseCatalog(baked.files.catalog());
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ(catalog->sequence, 1u);
  EXPECT_EQ(catalog->skipped, 0);
  EXPECT_EQ(catalog->anchors.size(), 116u);
  EXPECT_EQ(catalog->created, baked.as_of);
  EXPECT_EQ(SerializeCatalog(*catalog), baked.files.catalog());
}

// Only the catalog in the program is taken as the build checked it, which
// HasTheCatalogOfSequenceOne does: never one that somebody gave.
TEST(Baked, HasCertificatesThatOnlyTheBuildChecks) {
  BakedBundle baked = NewBakedBundle();
  EXPECT_EQ(baked(kCatalogTargetPath), DefaultBakedBundle().files.catalog());
  EXPECT_EQ(baked.checked(), Checked::kByBuild);
  EXPECT_EQ(DefaultBakedBundle().checked(), Checked::kByNobody);
  const auto built = ParseCatalog(baked(kCatalogTargetPath), baked.checked());
  ASSERT_TRUE(built.ok()) << built.status();
  EXPECT_EQ(*built, *ParseCatalog(baked(kCatalogTargetPath)));

  baked.files.SetTarget(kCatalogTargetPath, "{}");
  EXPECT_EQ(baked.checked(), Checked::kByNobody);
  EXPECT_EQ(baked(kCatalogTargetPath), "{}");
}

TEST(Baked, WasComparedWithAwsInNovember2026OrLater) {
  EXPECT_GE(DefaultBakedBundle().as_of,
            absl::FromCivil(absl::CivilDay(2026, 11, 21), absl::UTCTimeZone()));
}

TEST(Baked, IsTheSameForEveryBuild) {
  const BakedBundle& baked = DefaultBakedBundle();
  const auto again = BuildBundle(baked.files.target_files, baked.as_of);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->roots, std::vector{baked.root});
  EXPECT_EQ(again->timestamp, baked.files.timestamp);
  EXPECT_EQ(again->snapshot, baked.files.snapshot);
  EXPECT_EQ(again->targets, baked.files.targets);
}

TEST(Baked, IsNotBuiltFromWhatIsNoCatalog) {
  const BakedBundle& baked = DefaultBakedBundle();
  EXPECT_FALSE(
      BuildBundle({{std::string(kCatalogTargetPath), "{}"}}, baked.as_of).ok());
  EXPECT_FALSE(BuildBundle({}, baked.as_of).ok()) << "nor from nothing";
}

TEST(Baked, HasARootThatIsNoRootOfTrust) {
  EXPECT_TRUE(IsBuildKeyRoot(DefaultBakedBundle().root));
  // Found by its key, not only by its bytes.
  EXPECT_TRUE(IsBuildKeyRoot(DefaultBakedBundle().root + " "));
}

TEST(Baked, KnowsItsKeyInEveryRole) {
  for (const char* role : {"root", "timestamp", "snapshot", "targets"}) {
    EXPECT_TRUE(IsBuildKeyRoot(RootWithBuildKeyAs(role))) << role;
  }
  EXPECT_FALSE(IsBuildKeyRoot(RootWithBuildKeyAs("none")));
}

TEST(Baked, KnowsItsKeyUnderAnotherId) {
  // The same public key in a KEY object with a member of its own has another
  // id.
  const auto parsed = verify::ParseJson(
      R"({"keytype":"ed25519","scheme":"ed25519","x":1,"keyval":{"public":")" +
          std::string(kBuildKeyPublicHex) + R"("}})",
      {.max_bytes = 1024});
  ASSERT_TRUE(parsed.ok());
  const auto disguised = tuf::TufKey::Parse(*parsed);
  ASSERT_TRUE(disguised.ok()) << disguised.status();
  EXPECT_NE(disguised->keyid(), Key(kBuildKeySeed)->public_key().keyid());
  const tuf::RoleSpec role{.keys = {*disguised}, .threshold = 1};
  const auto root =
      tuf::WriteRoot({.expires = absl::FromUnixSeconds(2'000'000'000),
                      .root = role,
                      .timestamp = role,
                      .snapshot = role,
                      .targets = role});
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_TRUE(IsBuildKeyRoot(*root));
}

TEST(Baked, SaysNothingOfBytesThatAreNoRoot) {
  EXPECT_FALSE(IsBuildKeyRoot(""));
  EXPECT_FALSE(IsBuildKeyRoot(DefaultBakedBundle().files.timestamp));
}

TEST(Baked, PublishesTheKeyOfItsSeed) {
  const auto expected =
      tuf::TufKey::Make("ed25519", "ed25519", kBuildKeyPublicHex);
  ASSERT_TRUE(expected.ok());
  EXPECT_EQ(Key(kBuildKeySeed)->public_key().keyid(), expected->keyid());
}

}  // namespace
}  // namespace anchorage::anchors

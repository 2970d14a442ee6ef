#include "verify/image/comparison.h"

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/support/fake_producer.h"

namespace anchorage::verify {
namespace {

using test::SmallManifest;
using R = DifferenceReason;

std::vector<R> ReasonsOf(const Comparison& comparison) {
  std::vector<R> reasons;
  for (const Difference& d : comparison.differences) {
    reasons.push_back(d.reason);
  }
  return reasons;
}

TEST(Comparison, ATreeIsLikeItself) {
  const ImageManifest manifest = SmallManifest();
  const Comparison comparison = Compare(manifest, manifest.entries, {});
  EXPECT_TRUE(comparison.matches());
  EXPECT_EQ(comparison.matched, manifest.entries.size());
}

TEST(Comparison, TheOrderOfWhatWasFoundDoesNotMatter) {
  const ImageManifest manifest = SmallManifest();
  std::vector<ManifestEntry> found(manifest.entries.rbegin(),
                                   manifest.entries.rend());
  EXPECT_TRUE(Compare(manifest, found, {}).matches());
}

// One change of one entry, and the one reason that it has.
struct Change {
  const char* what;
  std::function<void(ManifestEntry&)> make;
  R reason;
  EntryType type = EntryType::kFile;
};

const std::vector<Change>& Changes() {
  static const auto* const changes = new std::vector<Change>{
      {"a byte", [](ManifestEntry& e) { e.sha256[31] ^= 1; }, R::kContent},
      {"the size", [](ManifestEntry& e) { ++e.size; }, R::kContent},
      {"x for all", [](ManifestEntry& e) { e.mode ^= 0111; }, R::kMode},
      {"setuid", [](ManifestEntry& e) { e.mode ^= 04000; }, R::kMode},
      {"setgid", [](ManifestEntry& e) { e.mode ^= 02000; }, R::kMode},
      {"writable", [](ManifestEntry& e) { e.mode ^= 0002; }, R::kMode},
      {"the owner", [](ManifestEntry& e) { e.uid += 1000; }, R::kOwner},
      {"the group", [](ManifestEntry& e) { e.gid += 1000; }, R::kOwner},
      {"a capability", [](ManifestEntry& e) { e.capability += 'x'; },
       R::kCapability},
      {"a link in its place",
       [](ManifestEntry& e) {
         e = {.name = e.name,
              .type = EntryType::kLink,
              .mode = 0777,
              .target = "/bin/sh"};
       },
       R::kType},
      {"a folder in its place",
       [](ManifestEntry& e) { e.type = EntryType::kDirectory; }, R::kType},
      {"a FIFO in its place",
       [](ManifestEntry& e) {
         e.type = EntryType::kSpecial;
         e.target = "fifo";
       },
       R::kType},
      {"another target", [](ManifestEntry& e) { e.target += 'x'; }, R::kLink,
       EntryType::kLink},
      {"another owner of a link", [](ManifestEntry& e) { ++e.uid; }, R::kOwner,
       EntryType::kLink},
      {"a file in the place of a link",
       [](ManifestEntry& e) {
         e.type = EntryType::kFile;
         e.target.clear();
       },
       R::kType, EntryType::kLink},
      {"without sticky", [](ManifestEntry& e) { e.mode ^= 01000; }, R::kMode,
       EntryType::kDirectory},
      {"another device", [](ManifestEntry& e) { e.target = "block 8:0"; },
       R::kType, EntryType::kSpecial},
      {"another mode of a device", [](ManifestEntry& e) { e.mode ^= 0006; },
       R::kMode, EntryType::kSpecial},
  };
  return *changes;
}

TEST(Comparison, EachChangeOfEachEntryIsFoundAlone) {
  const ImageManifest manifest = SmallManifest();
  int tried = 0;
  for (const Change& change : Changes()) {
    for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
      if (manifest.entries[i].type != change.type) continue;
      std::vector<ManifestEntry> found = manifest.entries;
      change.make(found[i]);
      const Comparison comparison = Compare(manifest, found, {});
      EXPECT_EQ(ReasonsOf(comparison), std::vector<R>{change.reason})
          << change.what;
      EXPECT_EQ(comparison.matched, manifest.entries.size() - 1);
      ASSERT_FALSE(comparison.differences.empty());
      EXPECT_EQ(comparison.differences[0].name, manifest.entries[i].name);
      ++tried;
    }
  }
  EXPECT_GT(tried, 40);
}

TEST(Comparison, FsVerityIsDemandedWhereTheManifestHasIt) {
  const ImageManifest manifest = SmallManifest();
  std::vector<ManifestEntry> found = manifest.entries;
  ASSERT_TRUE(found[4].fsverity_sha256.has_value());
  found[4].fsverity_sha256.reset();
  EXPECT_EQ(ReasonsOf(Compare(manifest, found, {})),
            std::vector<R>{R::kFsVerity});
  found = manifest.entries;
  (*found[4].fsverity_sha256)[0] ^= 1;
  EXPECT_EQ(ReasonsOf(Compare(manifest, found, {})),
            std::vector<R>{R::kFsVerity});
  // More protection than was asked for.
  found = manifest.entries;
  found[3].fsverity_sha256 = Sha256Bytes{};
  EXPECT_TRUE(Compare(manifest, found, {}).matches());
}

TEST(Comparison, ClassAndPackageAreNotCompared) {
  const ImageManifest manifest = SmallManifest();
  std::vector<ManifestEntry> found = manifest.entries;
  found[3].package = "rpm:other";
  found[3].file_class = FileClass::kOther;
  EXPECT_TRUE(Compare(manifest, found, {}).matches());
}

TEST(Comparison, SaysWhatIsMissingAndWhatIsNew) {
  const ImageManifest manifest = SmallManifest();
  std::vector<ManifestEntry> found = manifest.entries;
  found[2].name = "tmp2";
  const Comparison comparison = Compare(manifest, found, {});
  ASSERT_EQ(comparison.differences.size(), 2u);
  EXPECT_EQ(comparison.differences[0].reason, R::kMissing);
  EXPECT_EQ(comparison.differences[0].name, "tmp");
  EXPECT_EQ(comparison.differences[1].reason, R::kAdded);
  EXPECT_EQ(comparison.differences[1].name, "tmp2");
}

TEST(Comparison, ANameFoundTwiceIsAdded) {
  const ImageManifest manifest = SmallManifest();
  std::vector<ManifestEntry> found = manifest.entries;
  found.push_back(found[3]);
  EXPECT_EQ(ReasonsOf(Compare(manifest, found, {})), std::vector<R>{R::kAdded});
}

TEST(Comparison, WhatIsExcludedIsNotAdded) {
  const ImageManifest manifest = SmallManifest();
  std::vector<ManifestEntry> found = manifest.entries;
  found.push_back({.name = "var/log/x"});
  EXPECT_TRUE(Compare(manifest, found, {}).matches());
  found.push_back({.name = "var/logs"});
  EXPECT_EQ(ReasonsOf(Compare(manifest, found, {})), std::vector<R>{R::kAdded});
}

TEST(Comparison, AProblemCountsAndIsTheOnlyOneOfItsName) {
  const ImageManifest manifest = SmallManifest();
  std::vector<ManifestEntry> found = manifest.entries;
  found[3].mode = 0;
  found.erase(found.begin() + 4);
  const std::vector<Difference> problems = {
      {.reason = R::kUnreadable, .name = "usr/bin/su"},
      {.reason = R::kChangedWhileRead, .name = "usr/bin/ping"},
      {.reason = R::kUnlistedRunning, .name = "zzz"},
      {.reason = R::kExcludedExecutable, .name = "var/log"},
  };
  const Comparison comparison = Compare(manifest, found, problems);
  EXPECT_EQ(ReasonsOf(comparison),
            (std::vector<R>{R::kChangedWhileRead, R::kUnreadable,
                            R::kExcludedExecutable, R::kUnlistedRunning}));
  EXPECT_EQ(comparison.total, 4u);
}

TEST(Comparison, CountsWhatItDoesNotKeep) {
  ImageManifest manifest = SmallManifest();
  std::vector<ManifestEntry> found = manifest.entries;
  for (int i = 0; i < 100; ++i) {
    found.push_back({.name = absl::StrCat("zz", 100 + i)});
  }
  const Comparison comparison = Compare(manifest, found, {}, 10);
  EXPECT_EQ(comparison.differences.size(), 10u);
  EXPECT_EQ(comparison.total, 100u);
  EXPECT_EQ(comparison.differences[9].name, "zz109");
  EXPECT_FALSE(Compare(manifest, found, {}, 0).matches());
}

TEST(Comparison, OfAForeignManifestContentsAlone) {
  ImageManifest manifest = SmallManifest();
  manifest.content_only = true;
  manifest.entries = {manifest.entries[1]};
  std::vector<ManifestEntry> found = manifest.entries;
  found[0].mode = 04777;
  found[0].uid = 7;
  found[0].size = 3;
  found.push_back({.name = "folder", .type = EntryType::kDirectory});
  EXPECT_TRUE(Compare(manifest, found, {}).matches());
  found[0].sha256[0] ^= 1;
  EXPECT_EQ(ReasonsOf(Compare(manifest, found, {})),
            std::vector<R>{R::kContent});
  found[0] = manifest.entries[0];
  found.push_back({.name = "link", .type = EntryType::kLink, .target = "x"});
  EXPECT_EQ(ReasonsOf(Compare(manifest, found, {})), std::vector<R>{R::kAdded});
}

TEST(Comparison, NamesOfOthersAreEscaped) {
  EXPECT_EQ(TextOf({.reason = R::kAdded, .name = "a\x1b[2J\nb"}),
            "ADDED a\\x1b[2J\\nb");
  EXPECT_EQ(TextOf({.reason = R::kLink, .name = "a", .detail = "to \x1b"}),
            "LINK a: to \\x1b");
}

TEST(Comparison, EveryReasonHasAName) {
  std::set<std::string_view> names;
  for (const R reason : AllDifferenceReasons()) names.insert(NameOf(reason));
  EXPECT_EQ(names.size(), AllDifferenceReasons().size());
}

// Random trees, random changes: the names that differ are the names that were
// changed, no more and no fewer.
TEST(Comparison, FindsExactlyWhatWasChanged) {
  std::mt19937 random(20261130);
  for (int round = 0; round < 300; ++round) {
    ImageManifest manifest = SmallManifest();
    manifest.exclusions.clear();
    manifest.entries.clear();
    for (int i = 0; i < 60; ++i) {
      ManifestEntry entry = SmallManifest().entries[3 + random() % 3];
      entry.name = absl::StrCat("f", 100 + i);
      entry.mode = entry.type == EntryType::kLink ? 0777 : random() & 07777;
      manifest.entries.push_back(entry);
    }
    std::vector<ManifestEntry> found = manifest.entries;
    std::set<std::string> changed;
    for (ManifestEntry& entry : found) {
      if (random() % 5 != 0) continue;
      const Change& change = Changes()[random() % Changes().size()];
      if (change.type != entry.type) continue;
      change.make(entry);
      changed.insert(entry.name);
    }
    const std::size_t removed = random() % found.size();
    changed.insert(found[removed].name);
    found.erase(found.begin() + static_cast<std::ptrdiff_t>(removed));
    found.push_back({.name = absl::StrCat("f", random() % 2 == 0 ? 1 : 999)});
    changed.insert(found.back().name);
    std::shuffle(found.begin(), found.end(), random);
    const Comparison comparison = Compare(manifest, found, {});
    std::set<std::string> named;
    for (const Difference& d : comparison.differences) named.insert(d.name);
    EXPECT_EQ(named, changed);
    EXPECT_TRUE(std::is_sorted(comparison.differences.begin(),
                               comparison.differences.end(),
                               [](const Difference& a, const Difference& b) {
                                 return a.name < b.name;
                               }));
    // The same where what is as it is listed is not among what was found.
    std::vector<bool> as_listed;
    for (const ManifestEntry& entry : manifest.entries) {
      as_listed.push_back(std::erase_if(found, [&](const ManifestEntry& there) {
                            return there.name == entry.name &&
                                   IsAsListed(manifest, entry, there);
                          }) > 0);
    }
    const Comparison compact =
        Compare(manifest, found, {}, kMaxDifferences, as_listed);
    EXPECT_EQ(compact.differences, comparison.differences);
    EXPECT_EQ(compact.total, comparison.total);
    EXPECT_EQ(compact.matched, comparison.matched);
  }
}

TEST(Comparison, WhatIsAsListedMayHaveAProblemOrBeFoundTwice) {
  const ImageManifest manifest = SmallManifest();
  const std::vector<bool> all(manifest.entries.size(), true);
  const auto reasons = [&](std::vector<ManifestEntry> found,
                           std::vector<Difference> problems) {
    return ReasonsOf(Compare(manifest, found, problems, kMaxDifferences, all));
  };
  EXPECT_TRUE(reasons({}, {}).empty());
  const ManifestEntry& entry = manifest.entries[3];
  EXPECT_EQ(reasons({entry}, {}), std::vector<R>{R::kAdded});
  EXPECT_EQ(reasons({}, {{R::kUnreadable, entry.name, ""}}),
            std::vector<R>{R::kUnreadable});
}

}  // namespace
}  // namespace anchorage::verify

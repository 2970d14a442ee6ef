#include "tools/trustctl/image_rpm.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace anchorage::trustctl {
namespace {

using verify::EntryType;
using verify::ManifestEntry;

std::vector<ManifestEntry> Entries() {
  std::vector<ManifestEntry> entries(4);
  entries[0].name = "usr";
  entries[0].type = EntryType::kDirectory;
  entries[1].name = "usr/a\tb";
  entries[2].name = "usr/bash";
  entries[3].name = "usr/sh";
  entries[3].type = EntryType::kLink;
  return entries;
}

TEST(RpmPackagesTest, FilesAndLinksHaveTheFirstThatOwnsThem) {
  auto entries = Entries();
  SetRpmPackages(
      "/usr\tfilesystem=3\n/usr/bash\tbash=5.1-9.el9.x86_64\n"
      "/usr/bash\tother=1\n/usr/sh\tbash=5.1-9.el9.x86_64\n"
      "/usr/a\tb\todd=1\n/usr/none\tbash=5\n",
      entries);
  EXPECT_EQ(entries[0].package, "");
  EXPECT_EQ(entries[1].package, "rpm:odd=1");
  EXPECT_EQ(entries[2].package, "rpm:bash=5.1-9.el9.x86_64");
  EXPECT_EQ(entries[3].package, "rpm:bash=5.1-9.el9.x86_64");
}

TEST(RpmPackagesTest, WhatIsNotInTheFormIsIgnored) {
  auto entries = Entries();
  SetRpmPackages(
      "usr/bash\tbash=5\n/usr/bash\n(contains no files)\n"
      "/usr/bash\tba sh=5\n/usr/bash\tb\x1b[2J\n\n/\t\n/usr/bash\t" +
          std::string(300, 'x'),
      entries);
  EXPECT_EQ(entries, Entries());
}

TEST(RpmPackagesTest, NoDatabaseIsNoFailure) {
  auto entries = Entries();
  EXPECT_TRUE(AddRpmPackages("/none", entries).ok());
  EXPECT_EQ(entries, Entries());
}

}  // namespace
}  // namespace anchorage::trustctl

#include "client/image/inventory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "client/image/beneath.h"
#include "client/image/package_owner.h"

namespace anchorage::client {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using verify::FileClass;
using verify::ManifestEntry;
using verify::ManifestScope;

class InventoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/anchorage-inventory-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = name;
    ::umask(022);
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(root_ + "/" + name).parent_path());
    std::ofstream(root_ + "/" + name) << text;
  }
  void Link(const std::string& name, const std::string& target) {
    fs::create_directories(fs::path(root_ + "/" + name).parent_path());
    fs::create_symlink(target, root_ + "/" + name);
  }

  Inventory List(InventorySubject subject) {
    auto listed = ListImage(root_, subject, {.as_seen = true});
    EXPECT_TRUE(listed.ok()) << listed.status();
    return listed.ok() ? *std::move(listed) : Inventory();
  }
  std::vector<std::string> Names(ManifestScope scope) {
    std::vector<std::string> names;
    for (const ManifestEntry& e : List({.scope = scope}).found) {
      names.push_back(e.name);
    }
    return names;
  }
  const ManifestEntry& Entry(const Inventory& inventory,
                             const std::string& name) {
    const auto it =
        std::find_if(inventory.found.begin(), inventory.found.end(),
                     [&](const ManifestEntry& e) { return e.name == name; });
    EXPECT_NE(it, inventory.found.end()) << name;
    static const ManifestEntry kNone;
    return it == inventory.found.end() ? kNone : *it;
  }

  std::string root_;
};

TEST_F(InventoryTest, ScopesCoverMoreAndMore) {
  Write("usr/bin/a",
        "\x7f"
        "ELF");
  Write("etc/crontab", "text");
  Write("data/b", "text");
  EXPECT_THAT(Names(ManifestScope::kCode),
              ElementsAre("usr", "usr/bin", "usr/bin/a"));
  EXPECT_THAT(Names(ManifestScope::kCodeAndStartup),
              ElementsAre("etc", "etc/crontab", "usr", "usr/bin", "usr/bin/a"));
  EXPECT_THAT(Names(ManifestScope::kEverything),
              ElementsAre("data", "data/b", "etc", "etc/crontab", "usr",
                          "usr/bin", "usr/bin/a"));
}

TEST_F(InventoryTest, LinksCountUnlessTheyLeadToData) {
  Write("data", "text");
  Write("code", "#!/bin/sh\n");
  Link("to_data", "data");
  Link("to_data_from_the_top", "/data");
  Link("to_code", "code");
  Link("to_folder", ".");
  Link("to_nothing", "none");
  Link("to_itself", "to_itself");
  Link("up", "../../../../data");
  EXPECT_THAT(
      Names(ManifestScope::kCode),
      ElementsAre("code", "to_code", "to_folder", "to_itself", "to_nothing"));
}

TEST_F(InventoryTest, EntriesSayWhatIsThere) {
  Write("a",
        "\x7f"
        "ELF");
  ASSERT_EQ(::chmod((root_ + "/a").c_str(), 04711), 0);
  Link("b", "a");
  ASSERT_EQ(::mkfifo((root_ + "/c").c_str(), 0600), 0);
  const Inventory all = List({.scope = ManifestScope::kEverything});
  EXPECT_EQ(Entry(all, "a").mode, 04711);
  EXPECT_EQ(Entry(all, "a").size, 4u);
  EXPECT_EQ(Entry(all, "a").uid, ::geteuid());
  EXPECT_EQ(Entry(all, "a").file_class, FileClass::kElf);
  EXPECT_EQ(Entry(all, "b").target, "a");
  EXPECT_EQ(Entry(all, "c").target, "fifo");
  EXPECT_EQ(all.files, 1u);
  EXPECT_EQ(all.bytes, 4u);
  verify::ImageManifest manifest;
  manifest.product = "p";
  manifest.scope = ManifestScope::kEverything;
  manifest.time = absl::UnixEpoch();
  manifest.entries = all.found;
  EXPECT_TRUE(verify::CheckManifest(manifest).ok())
      << verify::CheckManifest(manifest);
}

TEST_F(InventoryTest, ExclusionsAreExact) {
  Write("log/a", "text");
  Write("logs/b", "text");
  std::vector<std::string> names;
  for (const ManifestEntry& e :
       List({.scope = ManifestScope::kEverything, .exclusions = {"log"}})
           .found) {
    names.push_back(e.name);
  }
  EXPECT_THAT(names, ElementsAre("logs", "logs/b"));
}

TEST_F(InventoryTest, AnExclusionThatHoldsCodeIsToldOf) {
  Write("log/a", "#!/bin/sh\n");
  const Inventory all = List({.exclusions = {"log"}});
  EXPECT_THAT(all.problems, IsEmpty());
  EXPECT_THAT(all.notes, ::testing::Contains(HasSubstr("log/a (script)")));
  Write("etc/cron.d/a", "text");
  const InventorySubject cron = {.scope = ManifestScope::kCode,
                                 .exclusions = {"etc/cron.d"}};
  EXPECT_THAT(List({.exclusions = cron.exclusions}).notes,
              ::testing::Contains(HasSubstr("etc/cron.d/a (startup)")));
  EXPECT_THAT(List(cron).notes,
              ::testing::Not(::testing::Contains(HasSubstr("etc/cron.d"))));
}

TEST_F(InventoryTest, ARootThatOthersMayWriteToIsToldOf) {
  Write("usr/bin/a", "#!/bin/sh\n");
  const auto told = ::testing::Contains(HasSubstr("may write to ROOT"));
  EXPECT_THAT(List({}).notes, ::testing::Not(told));
  ASSERT_EQ(::chmod(root_.c_str(), 0777), 0);
  EXPECT_THAT(List({}).notes, told);
}

TEST_F(InventoryTest, OnlyFilesThatCanMatchAreRead) {
  Write("a.py", "text");
  Write("b.py", "text");
  verify::ImageManifest manifest;
  manifest.scope = ManifestScope::kCode;
  manifest.entries = List({.scope = ManifestScope::kCode}).found;
  Write("b.py", "longer text");
  Write("c.py", "text");
  const auto found = ExamineImage(root_, manifest, {.as_seen = true});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->files, 1u);
  EXPECT_EQ(found->bytes, 4u);
  EXPECT_EQ(found->found.size(), 3u);
  const auto compact =
      ExamineImage(root_, manifest, {.as_seen = true, .compact = true});
  ASSERT_TRUE(compact.ok()) << compact.status();
  EXPECT_EQ(compact->as_listed, (std::vector<bool>{true, false}));
  EXPECT_EQ(compact->found.size(), 2u);
  EXPECT_EQ(
      verify::Compare(manifest, compact->found, {}, 10, compact->as_listed)
          .differences,
      verify::Compare(manifest, found->found, {}).differences);
}

TEST_F(InventoryTest, AModelsFilesAreReadWhateverTheirSize) {
  Write("a", "text");
  verify::ImageManifest manifest;
  manifest.scope = ManifestScope::kEverything;
  manifest.content_only = true;
  manifest.entries = List({.scope = ManifestScope::kEverything}).found;
  const verify::Sha256Bytes digest = manifest.entries[0].sha256;
  manifest.entries[0].size = 0;
  const auto found = ExamineImage(root_, manifest, {.as_seen = true});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->found[0].sha256, digest);
}

TEST_F(InventoryTest, WhatIsNoFolderFails) {
  Write("a", "text");
  for (const char* name : {"/a", "/none"}) {
    EXPECT_TRUE(absl::IsNotFound(
        ListImage(root_ + name, {}, {.as_seen = true}).status()))
        << name;
  }
}

TEST_F(InventoryTest, PackagesOwnTheirFiles) {
  Write("usr/bin/bash", "#!");
  Write("usr/bin/view.real", "#!");
  Write("usr/bin/view", "#!");
  Write("usr/bin/gone", "#!");
  Write("usr/bin/nobodys", "#!");
  Link("bin", "usr/bin");
  Write("var/lib/dpkg/status",
        "Package: bash\nStatus: install ok installed\n"
        "Architecture: amd64\nVersion: 5.2-1\n\n"
        "Package: vim\nStatus: install ok installed\nArchitecture: amd64\n"
        "Multi-Arch: same\nVersion: 2:9\n\n"
        "Package: view\nStatus: install ok installed\nArchitecture: all\n"
        "Version: 3\n\n"
        "Package: gone\nStatus: deinstall ok config-files\n"
        "Architecture: all\nVersion: 1\n");
  Write("var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/bash\n");
  Write("var/lib/dpkg/info/vim:amd64.list", "/usr/bin/view\n");
  Write("var/lib/dpkg/info/view.list", "/usr/bin/view\n");
  Write("var/lib/dpkg/info/gone.list", "/usr/bin/gone\n");
  Write("var/lib/dpkg/diversions", "/usr/bin/view\n/usr/bin/view.real\nview\n");
  const Inventory all = List({.scope = ManifestScope::kCode, .packages = true});
  EXPECT_EQ(Entry(all, "usr/bin/bash").package, "dpkg:bash=5.2-1");
  EXPECT_EQ(Entry(all, "usr/bin/view").package, "dpkg:view=3");
  EXPECT_EQ(Entry(all, "usr/bin/view.real").package, "dpkg:vim:amd64=2:9");
  EXPECT_EQ(Entry(all, "usr/bin/gone").package, "");
  EXPECT_EQ(Entry(all, "usr/bin/nobodys").package, "");
}

TEST_F(InventoryTest, NothingIsOpenedOutside) {
  Link("out", "/etc");
  Write("in/file", "text");
  const auto root = OpenAsSeen(root_);
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_TRUE(OpenBeneath(root->get(), "in/file", O_RDONLY).ok());
  for (const char* name :
       {"..", "../etc", "/etc", "out/passwd", "out", "in/../../etc"}) {
    EXPECT_FALSE(OpenBeneath(root->get(), name, O_RDONLY).ok()) << name;
  }
  EXPECT_FALSE(ResolveInRoot(root->get(), "out/passwd").ok());
  EXPECT_TRUE(ResolveInRoot(root->get(), "in/../../../in/file").ok());
}

}  // namespace
}  // namespace anchorage::client

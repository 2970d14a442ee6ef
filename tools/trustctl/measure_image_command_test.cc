// "trustctl measure image", on small disks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "test/support/bootable_disk.h"
#include "test/support/disk_writer.h"
#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::json;
using test::BootableDiskSpec;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Path(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

std::string Write(const std::string& name, const std::string& bytes) {
  std::ofstream(Path(name), std::ios::binary) << bytes;
  return Path(name);
}

Ran Image(const std::string& path, const std::vector<std::string>& more = {}) {
  std::vector<std::string> line = {"measure", "image", path};
  line.insert(line.end(), more.begin(), more.end());
  return RunCommand(AddMeasure, line);
}

Ran ImageOf(const BootableDiskSpec& spec,
            const std::vector<std::string>& more = {}) {
  return Image(Write("disk.raw", test::WriteBootableDisk(spec)), more);
}

TEST(MeasureImageTest, ShowsRegistersAndTheVerdict) {
  const BootableDiskSpec spec;
  const Ran ran = ImageOf(spec);
  EXPECT_EQ(ran.code, kAccepted) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("PCR4   "));
  EXPECT_THAT(ran.out, HasSubstr("/ is partition 2: squashfs, 69632 bytes"));
  EXPECT_THAT(ran.out, HasSubstr(test::RootHashOf(spec)));
  EXPECT_THAT(ran.out, HasSubstr("\nCOVERED  PCR4 speaks for every file"));
  EXPECT_THAT(ran.out, Not(HasSubstr("open   ")));
}

// What is measured of a disk is what is measured of the image on it.
TEST(MeasureImageTest, GivesTheRegistersOfMeasureUki) {
  const BootableDiskSpec spec;
  const json disk = json::parse(ImageOf(spec, {"-o", "json"}).out);
  const Ran uki = RunCommand(
      AddMeasure,
      {"measure", "uki",
       Write("one.efi",
             test::WriteUki(disk["programs"][0]["cmdline"].get<std::string>())),
       "-o", "json"});
  EXPECT_EQ(disk["Measurements"], json::parse(uki.out)["Measurements"]);
  EXPECT_EQ(disk["programs"][0]["Measurements"], disk["Measurements"]);
  EXPECT_EQ(disk["pcr4_covers_root"], true);
  EXPECT_EQ(disk["partitions"].size(), 3u);
  EXPECT_EQ(disk["programs"][0]["volumes"][0]["root_hash"],
            test::RootHashOf(spec));
}

TEST(MeasureImageTest, ARootFileSystemThatIsNotCoveredIsExitCode5) {
  const BootableDiskSpec spec{.cmdline = "root=PARTLABEL=root ro"};
  const Ran ran = ImageOf(spec);
  EXPECT_EQ(ran.code, kRefusedByPolicy);
  EXPECT_THAT(ran.out, HasSubstr("NOT COVERED  EFI/BOOT/BOOTX64.EFI: "
                                 "ROOT_HASH_MISSING"));
  EXPECT_THAT(ran.out, HasSubstr("open   partition 2: squashfs"));
  EXPECT_THAT(ran.err, HasSubstr("--allow-uncovered-root"));
  EXPECT_EQ(ImageOf(spec, {"--allow-uncovered-root"}).code, kAccepted);
}

TEST(MeasureImageTest, OfWhatIsNotCoveredNoPolicyIsMade) {
  const BootableDiskSpec spec{.cmdline = "root=PARTLABEL=root ro"};
  std::vector<std::string> flags = {
      "-o",          "json",  "--release",       "shop",
      "--name",      "1.4.0", "--kms-condition", "--account",
      "123456789012"};
  const json refused = json::parse(ImageOf(spec, flags).out);
  EXPECT_FALSE(refused.contains("release"));
  EXPECT_FALSE(refused.contains("kms_condition"));
  flags.push_back("--allow-uncovered-root");
  const json meant = json::parse(ImageOf(spec, flags).out);
  EXPECT_TRUE(meant.contains("release"));
  EXPECT_TRUE(meant.contains("kms_condition"));
}

TEST(MeasureImageTest, WhatIsWritableAndNotMeasuredHasALine) {
  BootableDiskSpec spec;
  spec.add = [](test::FatWriter& fat) {
    fat.Add("EFI/BOOT/BOOTX64.EFI.extra.d/debug.raw", "x");
  };
  spec.more = {{.type = test::kSwapTypeGuid, .name = "a\x1b[2J"}};
  const Ran ran = ImageOf(spec);
  EXPECT_EQ(ran.code, kAccepted) << ran.err;
  EXPECT_THAT(ran.out,
              HasSubstr("open   EFI/BOOT/BOOTX64.EFI.extra.d/debug.raw: "));
  EXPECT_THAT(ran.out, HasSubstr("(PCR13 shows it)"));
  EXPECT_THAT(ran.out, HasSubstr("open   partition 4: swap"));
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b")));
}

TEST(MeasureImageTest, ComparesWithWhatIsExpected) {
  const BootableDiskSpec spec;
  const std::string expected =
      Write("expected.json", ImageOf(spec, {"-o", "json"}).out);
  EXPECT_EQ(ImageOf(spec, {"--expect", expected}).code, kAccepted);
  const Ran other =
      ImageOf({.cmdline = "quiet roothash=$HASH"}, {"--expect", expected});
  EXPECT_EQ(other.code, kUsage);
  EXPECT_THAT(other.out, HasSubstr("differs  PCR4 is "));
}

TEST(MeasureImageTest, OneArchitectureIsChosen) {
  BootableDiskSpec spec;
  spec.add = [](test::FatWriter& fat) {
    fat.Add("EFI/BOOT/BOOTAA64.EFI", test::WriteUki("ro", 0xaa64));
  };
  EXPECT_EQ(ImageOf(spec).code, kUsage);
  EXPECT_EQ(ImageOf(spec, {"--architecture", "ia32"}).code, kUsage);
  // The other one may boot too, and is not covered.
  const Ran ran = ImageOf(spec, {"--architecture", "x64"});
  EXPECT_EQ(ran.code, kRefusedByPolicy);
  EXPECT_THAT(ran.out, HasSubstr("NOT COVERED  EFI/BOOT/BOOTAA64.EFI"));
  const json x64 =
      json::parse(ImageOf(spec, {"--architecture", "x64", "-o", "json"}).out);
  const json arm =
      json::parse(ImageOf(spec, {"--architecture", "aa64", "-o", "json"}).out);
  EXPECT_NE(x64["Measurements"]["PCR4"], arm["Measurements"]["PCR4"]);
  EXPECT_EQ(x64["programs"], arm["programs"]);
}

TEST(MeasureImageTest, AnImageWithoutACommandLineNeedsItsFlag) {
  const BootableDiskSpec spec{.cmdline = ""};
  const Ran ran = ImageOf(spec);
  EXPECT_EQ(ran.code, kRefusedByPolicy);
  EXPECT_THAT(ran.err, HasSubstr("--allow-no-command-line"));
  const Ran allowed = ImageOf(spec, {"--allow-no-command-line"});
  EXPECT_EQ(allowed.code, kRefusedByPolicy);
  EXPECT_THAT(allowed.out, HasSubstr("CMDLINE_MISSING"));
}

TEST(MeasureImageTest, WhatIsNoRawDiskIsRefusedWithAHint) {
  const Ran qcow = Image(Write("disk.qcow2", "QFI\xfb" + std::string(999, 0)));
  EXPECT_EQ(qcow.code, kUnreadable);
  EXPECT_THAT(qcow.err, HasSubstr("DISK_NOT_RAW"));
  EXPECT_THAT(qcow.err, HasSubstr("qemu-img convert"));
  const Ran uki = Image(Write("a.efi", test::WriteUki("ro")));
  EXPECT_EQ(uki.code, kUnreadable);
  EXPECT_THAT(uki.err, HasSubstr("measure uki"));
  const std::string disk = test::WriteBootableDisk();
  const Ran half = Image(Write("half.raw", disk.substr(0, disk.size() / 2)));
  EXPECT_EQ(half.code, kUnreadable);
  EXPECT_THAT(half.err, HasSubstr("DISK_TRUNCATED"));
}

TEST(MeasureImageTest, WhatDoesNotBootIsRefusedWithAHint) {
  test::FatWriter fat({});
  fat.Add("shop.efi", test::WriteUki("ro"));
  const std::string esp = fat.Write();
  const auto error = [](const test::PartitionSpec& partition) {
    return Image(Write("none.raw", test::WriteGptDisk({partition}))).err;
  };
  const std::string missing = error({.content = esp});
  EXPECT_THAT(missing, HasSubstr("ESP_MISSING"));
  EXPECT_THAT(missing, HasSubstr("hint: its type is c12a7328-"));
  const std::string empty = error({.type = test::kEspTypeGuid, .content = esp});
  EXPECT_THAT(empty, HasSubstr("BOOT_PROGRAM_MISSING"));
  EXPECT_THAT(empty, HasSubstr("hint: copy the UKI there"));
}

TEST(MeasureImageTest, WhatIsNoFileIsNotWaitedFor) {
  const std::string fifo = Path("fifo");
  ::unlink(fifo.c_str());
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(Image(fifo).code, kAccepted);
  EXPECT_NE(Image(::testing::TempDir()).code, kAccepted);
  EXPECT_NE(Image(Path("missing")).code, kAccepted);
  EXPECT_NE(Image(Write("empty", "")).code, kAccepted);
}

}  // namespace
}  // namespace anchorage::trustctl

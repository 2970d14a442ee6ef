#include "verify/measure/disk/disk_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "test/support/bootable_disk.h"
#include "test/support/disk_writer.h"
#include "test/support/pe_writer.h"
#include "verify/measure/boot/measure_error.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

using test::BootableDiskSpec;
using test::FatWriter;
using test::WriteBootableDisk;
using Kind = UnmeasuredThing::Kind;

absl::StatusOr<DiskImage> Examine(const std::string& disk) {
  return ExamineDiskImage(DiskView::OfBytes(disk), {});
}

// Why PCR4 does not speak for the root file system of `spec`.
std::optional<DiskReason> RootReason(const BootableDiskSpec& spec) {
  const auto image = Examine(WriteBootableDisk(spec));
  EXPECT_TRUE(image.ok()) << image.status();
  if (!image.ok()) return std::nullopt;
  EXPECT_EQ(image->programs.size(), 1u);
  EXPECT_EQ(
      image->pcr4_covers_root(),
      image->programs[0].root.ok() && image->programs[0].measurements.ok());
  return DiskReasonOf(image->programs[0].root);
}

const UnmeasuredThing* Find(const DiskImage& image, std::string_view name) {
  const auto found =
      std::find_if(image.unmeasured.begin(), image.unmeasured.end(),
                   [&](const auto& thing) { return thing.name == name; });
  return found == image.unmeasured.end() ? nullptr : &*found;
}

TEST(DiskImageTest, Pcr4SpeaksForAVerifiedRootFileSystem) {
  const BootableDiskSpec spec;
  const auto image = Examine(WriteBootableDisk(spec));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->esp, 1);
  ASSERT_EQ(image->programs.size(), 1u);
  const BootProgram& program = image->programs[0];
  EXPECT_TRUE(program.root.ok()) << program.root;
  EXPECT_TRUE(image->pcr4_covers_root());
  EXPECT_EQ(program.path, "EFI/BOOT/BOOTX64.EFI");
  EXPECT_EQ(program.architecture, "x64");
  EXPECT_TRUE(program.measurements.ok()) << program.measurements.status();
  EXPECT_EQ(program.cmdline, absl::StrCat("root=/dev/mapper/root ro roothash=",
                                          RootHashOf(spec)));
  ASSERT_EQ(program.volumes.size(), 1u);
  const VerifiedVolume& root = program.volumes[0];
  EXPECT_EQ(root.mount_point, "/");
  EXPECT_EQ(root.root_hash, RootHashOf(spec));
  EXPECT_EQ(root.data_partition, 2);
  EXPECT_EQ(root.hash_partition, 3);
  EXPECT_EQ(root.data_bytes, spec.data.size());
  EXPECT_EQ(root.content, DiskContent::kSquashfs);
  EXPECT_TRUE(image->unmeasured.empty());
}

TEST(DiskImageTest, TheRegistersAreThoseOfTheImageItself) {
  const std::string disk = WriteBootableDisk();
  const auto image = Examine(disk);
  ASSERT_TRUE(image.ok() && image->programs[0].measurements.ok());
  const std::string uki = test::WriteUki(image->programs[0].cmdline);
  const auto pe = PeImage::Parse(uki);
  ASSERT_TRUE(pe.ok());
  BootInputs inputs;
  inputs.images = {&*pe};
  const auto boot = MeasureBoot(inputs);
  ASSERT_TRUE(boot.ok());
  EXPECT_EQ(image->programs[0].measurements->registers.at(4).view(),
            boot->registers.at(4).view());
}

TEST(DiskImageTest, OtherWaysToNameTheSamePartitionsAreFollowed) {
  for (const char* cmdline :
       {"roothash=$HASH", "root=gpt-auto roothash=$HASH",
        "root=overlay:MAPPER=root roothash=$HASH",
        "roothash=$HASH systemd.verity_root_data=PARTUUID=$DATA "
        "systemd.verity_root_hash=PARTUUID=$TREE",
        "roothash=$HASH systemd.verity_root_data=/dev/disk/by-partlabel/root "
        "systemd.verity_root_hash=PARTLABEL=root-verity",
        "roothash=$HASH systemd.verity_root_data=/dev/disk/by-partuuid/$DATA "
        "systemd.verity_root_hash=/dev/disk/by-partuuid/$TREE",
        "root=tmpfs usrhash=$HASH mount.usr=/dev/mapper/usr",
        "usrhash=$HASH systemd.volatile=yes",
        "roothash=$HASH systemd.volatile=overlay"}) {
    EXPECT_EQ(RootReason({.cmdline = cmdline}), std::nullopt) << cmdline;
  }
  EXPECT_EQ(RootReason({.verity = {.sha512 = true}}), std::nullopt);
}

TEST(DiskImageTest, DataAndTreeMayShareAPartition) {
  const std::string offset = std::to_string(test::SquashfsData().size());
  BootableDiskSpec spec;
  spec.one_partition = true;
  spec.cmdline = absl::StrCat(
      "roothash=$HASH systemd.verity_root_data=PARTLABEL=root "
      "systemd.verity_root_hash=PARTLABEL=root "
      "systemd.verity_root_options=panic-on-corruption,hash-offset=",
      offset);
  EXPECT_EQ(RootReason(spec), std::nullopt);
  // What would be hashed then is the tree itself.
  spec.cmdline =
      "roothash=$HASH systemd.verity_root_data=PARTLABEL=root "
      "systemd.verity_root_hash=PARTLABEL=root";
  spec.data.replace(0, 512, test::WriteVerity(spec.data).bytes.substr(0, 512));
  EXPECT_EQ(RootReason(spec), DiskReason::kVeritySuperblock);
}

TEST(DiskImageTest, WherePcr4DoesNotSpeakForTheRootFileSystemTheReasonIsSaid) {
  const struct {
    const char* cmdline;
    DiskReason reason;
  } cases[] = {
      {"", DiskReason::kCmdlineMissing},
      {"root=PARTLABEL=root ro", DiskReason::kRootHashMissing},
      {"roothash=$HASH systemd.verity=0", DiskReason::kRootHashMissing},
      {"roothash=$HASH systemd.verity_root_options=ignore-corruption",
       DiskReason::kRootHashMissing},
      {"roothash=zz", DiskReason::kRootHashInvalid},
      {"roothash=$HASH roothash=$HASH", DiskReason::kCmdlineAmbiguous},
      {"roothash=$HASH a='b'", DiskReason::kCmdlineAmbiguous},
      {"roothash="
       "0000000000000000000000000000000000000000000000000000000000000000",
       DiskReason::kVerityPartition},
      {"roothash=$HASH systemd.verity_root_data=/dev/nvme0n1p2 "
       "systemd.verity_root_hash=/dev/nvme0n1p3",
       DiskReason::kVerityPartition},
      {"roothash=$HASH systemd.verity_root_data=PARTLABEL=other "
       "systemd.verity_root_hash=PARTLABEL=root-verity",
       DiskReason::kVerityPartition},
      {"roothash=$HASH systemd.verity_root_data=PARTUUID=2 "
       "systemd.verity_root_hash=PARTUUID=3",
       DiskReason::kVerityPartition},
      {"roothash=$HASH systemd.verity_root_data=PARTLABEL=root-verity "
       "systemd.verity_root_hash=PARTLABEL=root",
       DiskReason::kVeritySuperblock},
      {"roothash=$HASH root=LABEL=other", DiskReason::kRootNotCovered},
      {"roothash=$HASH mount.usr=LABEL=usr", DiskReason::kRootNotCovered},
      {"usrhash=$HASH", DiskReason::kRootNotCovered},
      {"usrhash=$HASH root=LABEL=root", DiskReason::kRootNotCovered},
      {"roothash=$HASH rd.root.overlay.write=/dev/vda4",
       DiskReason::kRootWritable},
      {"roothash=$HASH resume=/dev/vda5", DiskReason::kRootWritable},
      {"roothash=$HASH rd.systemd.mount-extra=/dev/xvdb:/sysroot/usr:ext4:rw",
       DiskReason::kRootWritable},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(RootReason({.cmdline = each.cmdline}), each.reason)
        << each.cmdline;
  }
}

TEST(DiskImageTest, ChangedDataAreNotWhatTheCommandLineNames) {
  const BootableDiskSpec spec;
  std::string disk = WriteBootableDisk(spec);
  disk[disk.find("hsqs") + 5000] ^= 1;
  const auto image = Examine(disk);
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(DiskReasonOf(image->programs[0].root), DiskReason::kVerityRootHash);
  EXPECT_FALSE(image->pcr4_covers_root());
  EXPECT_TRUE(image->programs[0].volumes.empty());
}

TEST(DiskImageTest, AChangedTreeWouldNotBeRead) {
  std::string disk = WriteBootableDisk();
  disk[disk.find("verity") + 4096] ^= 1;
  const auto image = Examine(disk);
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(DiskReasonOf(image->programs[0].root), DiskReason::kVerityTree);
}

// A root hash of 64 bytes beside a tree of SHA-256.
TEST(DiskImageTest, ARootHashOfAnotherAlgorithmIsRefused) {
  BootableDiskSpec spec;
  spec.cmdline =
      "roothash=$HASH$HASH systemd.verity_root_data=PARTLABEL=root "
      "systemd.verity_root_hash=PARTLABEL=root-verity";
  EXPECT_EQ(RootReason(spec), DiskReason::kVeritySuperblock);
}

TEST(DiskImageTest, OnlyFileSystemsThatAreMountedReadOnlyPass) {
  const auto with = [](std::size_t at, std::string_view magic) {
    std::string data(32 * 4096, '\0');
    data.replace(at, magic.size(), magic);
    // The number of its devices, where it is btrfs.
    data[0x10000 + 0x88] = 1;
    return data;
  };
  const struct {
    std::size_t at;
    std::string_view magic;
    DiskContent content;
    bool passes;
    bool passes_rw;
  } cases[] = {
      {0, "hsqs", DiskContent::kSquashfs, true, true},
      {1024, "\xe2\xe1\xf5\xe0", DiskContent::kErofs, true, true},
      {1080, "\x53\xef", DiskContent::kExt, true, false},
      {0, "XFSB", DiskContent::kXfs, true, false},
      {0x10040, "_BHRfS_M", DiskContent::kBtrfs, true, false},
      {0, "LUKS\xba\xbe", DiskContent::kLuks, false, false},
      {4086, "SWAPSPACE2", DiskContent::kSwap, false, false},
      {16374, "SWAPSPACE2", DiskContent::kSwap, false, false},
      {65526, "SWAPSPACE2", DiskContent::kSwap, false, false},
      {0, "nothing", DiskContent::kUnknown, false, false},
  };
  for (const auto& each : cases) {
    const std::string data = with(each.at, each.magic);
    EXPECT_EQ(*ContentOf(DiskView::OfBytes(data)), each.content);
    for (const bool rw : {false, true}) {
      const auto reason =
          RootReason({.cmdline = rw ? "rw roothash=$HASH" : "roothash=$HASH",
                      .data = data});
      EXPECT_EQ(reason == std::nullopt, rw ? each.passes_rw : each.passes)
          << NameOf(each.content) << rw;
    }
  }
  EXPECT_EQ(
      RootReason({.cmdline = "rw roothash=$HASH", .data = with(0, "XFSB")}),
      DiskReason::kRootWritable);
}

TEST(DiskImageTest, AFileSystemOverSeveralDevicesIsNotCovered) {
  std::string erofs(32 * 4096, '\0');
  erofs.replace(1024, 4, "\xe2\xe1\xf5\xe0");
  EXPECT_EQ(RootReason({.data = erofs}), std::nullopt);
  erofs[1024 + 86] = 1;
  EXPECT_EQ(RootReason({.data = erofs}), DiskReason::kRootNotCovered);
  std::string btrfs(32 * 4096, '\0');
  btrfs.replace(0x10040, 8, "_BHRfS_M");
  btrfs[0x10000 + 0x88] = 2;
  EXPECT_EQ(RootReason({.data = btrfs}), DiskReason::kRootNotCovered);
  // It looks like another one as well.
  btrfs.replace(0, 4, "hsqs");
  EXPECT_EQ(RootReason({.data = btrfs}), DiskReason::kRootNotCovered);
}

// Firmware does not look at the type of a partition.
TEST(DiskImageTest, AProgramOnAnotherFatMakesTheDiskAmbiguous) {
  const auto reason = [](const std::string& volume) {
    const BootableDiskSpec spec{.more = {{.content = volume}}};
    return DiskReasonOf(Examine(WriteBootableDisk(spec)).status());
  };
  FatWriter data({});
  data.Add("EFI/Linux/a.efi", "x");
  EXPECT_EQ(reason(data.Write()), std::nullopt);
  FatWriter boots({});
  boots.Add("efi/boot/bootx64.efi", "x");
  const std::string volume = boots.Write();
  EXPECT_EQ(reason(volume), DiskReason::kEspAmbiguous);
  // Those that firmware reads and this does not.
  const auto changed = [&](std::size_t at, std::uint16_t value) {
    std::string other = volume;
    test::PutU16(other, at, value);
    return reason(other);
  };
  EXPECT_EQ(changed(510, 0), DiskReason::kFatInvalid);
  EXPECT_EQ(changed(11, 8192), DiskReason::kFatInvalid);
  EXPECT_EQ(changed(11, 16384), std::nullopt);
  // The medium, behind the upper half of a size that is 0.
  EXPECT_EQ(changed(20, 0xf000), DiskReason::kEspAmbiguous);
  EXPECT_EQ(changed(20, 0x0000), DiskReason::kFatInvalid);
  EXPECT_EQ(changed(20, 0x0100), DiskReason::kFatInvalid);
  EXPECT_EQ(changed(20, 0x0200), std::nullopt);
  EXPECT_EQ(changed(20, 0xf700), std::nullopt);
}

TEST(DiskImageTest, ASecondProgramThatBootsMustBeCoveredToo) {
  BootableDiskSpec spec;
  spec.add = [](FatWriter& fat) {
    fat.Add("EFI/BOOT/BOOTAA64.EFI",
            test::WriteUki("root=/dev/vda2", kMachineArm64));
  };
  const auto image = Examine(WriteBootableDisk(spec));
  ASSERT_TRUE(image.ok());
  ASSERT_EQ(image->programs.size(), 2u);
  EXPECT_EQ(image->programs[0].architecture, "aa64");
  EXPECT_EQ(DiskReasonOf(image->programs[0].root),
            DiskReason::kRootHashMissing);
  EXPECT_TRUE(image->programs[1].root.ok());
  EXPECT_FALSE(image->pcr4_covers_root());
}

TEST(DiskImageTest, WhatIsWritableAndNotMeasuredIsListed) {
  BootableDiskSpec spec;
  spec.cmdline += " systemd.debug-shell";
  spec.add = [](FatWriter& fat) {
    fat.Add("EFI/BOOT/BOOTX64.EFI.extra.d/debug.raw", "x");
    fat.Add("EFI/BOOT/BOOTX64.EFI.extra.d/password.cred", "x");
    fat.Add("EFI/BOOT/BOOTX64.EFI.extra.d/more.addon.efi", "x");
    fat.Add("EFI/BOOT/grub.cfg", "x");
    fat.Add("EFI/Linux/other.efi", "x");
    fat.Add("loader/addons/all.addon.efi", "x");
    fat.Add("loader/credentials/a.cred", "x");
    fat.Add("loader/entries/a.conf", "x");
    fat.Add("loader/random-seed", "x");
    fat.Add("startup.nsh", "x");
  };
  std::string swap(8192, '\0');
  swap.replace(4086, 10, "SWAPSPACE2");
  std::string ext(8192, '\0');
  ext.replace(1080, 2, "\x53\xef");
  spec.more = {{.name = "data", .content = ext},
               {.name = "swap", .content = swap},
               {.type = test::kSwapTypeGuid}};
  const auto image = Examine(WriteBootableDisk(spec));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_TRUE(image->pcr4_covers_root()) << image->programs[0].root;
  const struct {
    const char* name;
    Kind kind;
    std::optional<int> pcr;
  } things[] = {
      {"systemd.debug_shell", Kind::kParameter, std::nullopt},
      {"partition 4", Kind::kPartition, std::nullopt},
      {"partition 5", Kind::kSwap, std::nullopt},
      {"partition 6", Kind::kSwap, std::nullopt},
      {"EFI/BOOT/BOOTX64.EFI.extra.d/debug.raw", Kind::kExtension, 13},
      {"EFI/BOOT/BOOTX64.EFI.extra.d/password.cred", Kind::kCredential, 12},
      {"EFI/BOOT/BOOTX64.EFI.extra.d/more.addon.efi", Kind::kAddon, 12},
      {"EFI/BOOT/grub.cfg", Kind::kLoaderEntry, std::nullopt},
      {"EFI/Linux/other.efi", Kind::kEfiProgram, 4},
      {"loader/addons/all.addon.efi", Kind::kAddon, 12},
      {"loader/credentials/a.cred", Kind::kCredential, 12},
      {"loader/entries/a.conf", Kind::kLoaderEntry, 4},
      {"loader/random-seed", Kind::kFile, std::nullopt},
      {"startup.nsh", Kind::kLoaderEntry, std::nullopt},
  };
  for (const auto& expected : things) {
    const UnmeasuredThing* const thing = Find(*image, expected.name);
    ASSERT_NE(thing, nullptr) << expected.name;
    EXPECT_EQ(thing->kind, expected.kind) << expected.name;
    EXPECT_EQ(thing->pcr, expected.pcr) << expected.name;
    EXPECT_FALSE(thing->sentence.empty());
  }
  EXPECT_EQ(image->unmeasured.size(), std::size(things));
}

TEST(DiskImageTest, AProgramThatIsWrongIsSaidBesideTheOthers) {
  const auto measure_reason = [](const BootableDiskSpec& spec) {
    const auto image = Examine(WriteBootableDisk(spec));
    EXPECT_TRUE(image.ok()) << image.status();
    EXPECT_FALSE(image->pcr4_covers_root());
    return MeasureReasonOf(image->programs[0].measurements.status());
  };
  EXPECT_EQ(measure_reason({.change_uki = [](std::string& uki) { uki = "x"; }}),
            MeasureReason::kNotPe);
  const auto rewrite = [](const std::function<void(test::PeSpec&)>& change) {
    return [change](std::string& uki) {
      test::PeSpec spec = test::UkiSpec("257");
      change(spec);
      uki = test::WritePe(spec);
    };
  };
  EXPECT_EQ(measure_reason({.change_uki = rewrite([](test::PeSpec& spec) {
                              spec.sections.push_back(spec.Section(".linux"));
                            })}),
            MeasureReason::kPeSectionTwice);
  EXPECT_EQ(measure_reason({.cmdline = ""}),
            MeasureReason::kCommandLineMissing);
  EXPECT_EQ(measure_reason({.change_uki = rewrite([](test::PeSpec& spec) {
                              spec.Remove(".initrd");
                            })}),
            MeasureReason::kInitrdMissing);
  // An image without a kernel is a boot loader.
  EXPECT_EQ(RootReason({.change_uki =
                            [](std::string& uki) {
                              uki = test::WritePe(test::EfiApplicationSpec());
                            }}),
            DiskReason::kCmdlineMissing);
}

TEST(DiskImageTest, WithoutAnInitrdNothingReadsTheRootHash) {
  const auto root = [](const std::string& more, bool behind_profile) {
    const auto image =
        Examine(WriteBootableDisk({.change_uki = [&](std::string& uki) {
          test::PeSpec spec = test::UkiSpec("257");
          spec.Section(".cmdline").content =
              absl::StrCat("roothash=", test::RootHashOf({}), more);
          const auto section = spec.Section(".initrd");
          spec.Remove(".initrd");
          if (behind_profile) {
            spec.sections.push_back({".profile", "ID=a"});
            spec.sections.push_back(section);
          }
          uki = test::WritePe(spec);
        }}));
    EXPECT_TRUE(image.ok()) << image.status();
    return image->programs[0].root;
  };
  EXPECT_EQ(DiskReasonOf(root("", false)), DiskReason::kInitrdMissing);
  EXPECT_EQ(DiskReasonOf(root("", true)), DiskReason::kInitrdMissing);
  const absl::Status named = root(" initrd=/evil.img", false);
  EXPECT_EQ(DiskReasonOf(named), DiskReason::kInitrdMissing);
  EXPECT_NE(named.message().find("/evil.img"), std::string::npos) << named;
}

// Whatever is allowed when the registers are computed.
TEST(DiskImageTest, WhatOneProfileHasSpeaksForNoOther) {
  const std::string cmdline = "roothash=" + test::RootHashOf({});
  const auto root = [&](const char* moved, bool profile) {
    const auto image =
        Examine(WriteBootableDisk({.change_uki = [&](std::string& uki) {
          test::PeSpec spec = test::UkiSpec("257");
          spec.Section(".cmdline").content = cmdline;
          const auto section = spec.Section(moved);
          spec.Remove(moved);
          if (profile) spec.sections.push_back({".profile", "ID=a"});
          spec.sections.push_back(section);
          uki = test::WritePe(spec);
        }}));
    EXPECT_TRUE(image.ok()) << image.status();
    return DiskReasonOf(image->programs[0].root);
  };
  for (const char* moved : {".cmdline", ".linux"}) {
    EXPECT_EQ(root(moved, false), std::nullopt);
    EXPECT_EQ(root(moved, true), DiskReason::kCmdlineMissing);
  }
}

TEST(DiskImageTest, OtherFormatsThanRawAreRefused) {
  for (const std::string_view begin :
       {std::string_view("QFI\xfb"), std::string_view("KDMV"),
        std::string_view("\xfd"
                         "7zXZ\0",
                         6),
        std::string_view("\x1f\x8b"), std::string_view("\x28\xb5\x2f\xfd"),
        std::string_view("vhdxfile")}) {
    std::string disk = WriteBootableDisk();
    disk.replace(0, begin.size(), begin);
    EXPECT_EQ(DiskReasonOf(Examine(disk).status()), DiskReason::kDiskNotRaw);
  }
  std::string vhd = WriteBootableDisk() + "conectix";
  vhd.resize(vhd.size() + 504);
  EXPECT_EQ(DiskReasonOf(Examine(vhd).status()), DiskReason::kDiskNotRaw);
}

TEST(DiskImageTest, ADiskOfWhichItIsNotKnownWhatBootsIsRefused) {
  const auto reason = [](const std::string& disk) {
    return DiskReasonOf(Examine(disk).status());
  };
  FatWriter fat({});
  fat.Add("EFI/BOOT/BOOTX64.EFI", test::WriteUki("ro"));
  const std::string esp = fat.Write();
  FatWriter nothing({});
  nothing.Add("EFI/BOOT/BOOTMGR.EFI", "x");
  nothing.AddFolder("EFI/BOOT/BOOTX64.EFI");
  EXPECT_EQ(reason(test::WriteGptDisk({{.content = esp}})),
            DiskReason::kEspMissing);
  EXPECT_EQ(reason(test::WriteGptDisk(
                {{.type = test::kEspTypeGuid, .content = esp},
                 {.type = test::kEspTypeGuid, .content = esp}})),
            DiskReason::kEspAmbiguous);
  EXPECT_EQ(reason(test::WriteGptDisk(
                {{.type = test::kEspTypeGuid, .content = nothing.Write()}})),
            DiskReason::kBootProgramMissing);
  EXPECT_EQ(reason(test::WriteGptDisk({{.type = test::kEspTypeGuid}})),
            DiskReason::kFatInvalid);
  EXPECT_EQ(reason(""), DiskReason::kDiskTruncated);
  EXPECT_EQ(reason(std::string(1 << 20, '\0')), DiskReason::kGptMissing);
  const std::string good = WriteBootableDisk();
  EXPECT_EQ(reason(good.substr(0, good.size() / 2)),
            DiskReason::kDiskTruncated);
}

TEST(DiskImageTest, PartitionsOfOneLabelAreNotGuessedAt) {
  BootableDiskSpec spec;
  spec.cmdline =
      "roothash=$HASH systemd.verity_root_data=PARTLABEL=root "
      "systemd.verity_root_hash=PARTLABEL=root-verity";
  spec.more = {{.name = "root"}};
  EXPECT_EQ(RootReason(spec), DiskReason::kVerityPartition);
}

}  // namespace
}  // namespace anchorage::verify

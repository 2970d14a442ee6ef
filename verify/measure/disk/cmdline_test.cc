#include "verify/measure/disk/cmdline.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

const std::string kHash(64, 'a');
const std::string kOther(64, 'b');

std::optional<DiskReason> ReasonOf(std::string_view cmdline) {
  return DiskReasonOf(ReadBootArguments(cmdline).status());
}

std::string TextOf(std::string_view cmdline) {
  const auto parameters = SplitCmdline(cmdline);
  if (!parameters.ok()) return std::string(parameters.status().message());
  std::string text;
  for (const CmdlineParameter& parameter : *parameters) {
    absl::StrAppend(&text, "[", parameter.name, "|",
                    parameter.value.value_or("-"), "]");
  }
  return text;
}

TEST(CmdlineTest, IsSplitAsTheKernelDoes) {
  EXPECT_EQ(TextOf("a b=c  d=e=f\tg=\n"), "[a|-][b|c][d|e=f][g|]");
  EXPECT_EQ(TextOf("x=\"a b\" \"y=c d\" z"), "[x|a b][y|c d][z|-]");
  EXPECT_EQ(TextOf("a-b.c-d=e-f"), "[a_b.c_d|e-f]");
  EXPECT_EQ(TextOf(std::string("ro\0\0", 4)), "[ro|-]");
  EXPECT_EQ(TextOf(" \n"), "");
}

TEST(CmdlineTest, WhatTwoReadersReadDifferentlyIsRefused) {
  for (const char* cmdline : {"a='b'", "a=\\b", "a=\"b", "a -- b",
                              "a=b\"c d\"e", "a\"b\"=c", "\"a\"=b"}) {
    EXPECT_EQ(ReasonOf(cmdline), DiskReason::kCmdlineAmbiguous) << cmdline;
  }
}

TEST(CmdlineTest, WhatNoCommandLineHasIsRefused) {
  EXPECT_EQ(ReasonOf("a\x01"), DiskReason::kCmdlineInvalid);
  EXPECT_EQ(ReasonOf("a\xc3\xa9"), DiskReason::kCmdlineInvalid);
  EXPECT_EQ(ReasonOf(std::string("a\0b", 3)), DiskReason::kCmdlineInvalid);
  EXPECT_EQ(ReasonOf(std::string(2047, 'a')), std::nullopt);
  EXPECT_EQ(ReasonOf(std::string(2048, 'a')), DiskReason::kCmdlineInvalid);
}

TEST(CmdlineTest, ReadsRootHashes) {
  const auto arguments = ReadBootArguments(absl::StrCat(
      "root=/dev/mapper/root ro roothash=", kHash, " usrhash=", kOther,
      " mount.usr=/dev/mapper/usr systemd.verity_usr_data=PARTUUID=a "
      "systemd.verity-usr-hash=PARTUUID=b systemd.verity_usr_options="
      "panic-on-corruption,hash-offset=4096"));
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  ASSERT_TRUE(arguments->root.has_value());
  EXPECT_EQ(arguments->root->root_hash, std::string(32, '\xaa'));
  EXPECT_EQ(arguments->root->data_device, "");
  ASSERT_TRUE(arguments->usr.has_value());
  EXPECT_EQ(arguments->usr->root_hash, std::string(32, '\xbb'));
  EXPECT_EQ(arguments->usr->data_device, "PARTUUID=a");
  EXPECT_EQ(arguments->usr->hash_device, "PARTUUID=b");
  EXPECT_EQ(arguments->usr->hash_offset, 4096u);
  EXPECT_EQ(arguments->root_device, "/dev/mapper/root");
  EXPECT_EQ(arguments->usr_device, "/dev/mapper/usr");
  EXPECT_FALSE(arguments->read_write);
  EXPECT_FALSE(arguments->only_usr);
  EXPECT_EQ(arguments->verity_is_off, "");
  EXPECT_TRUE(arguments->notes.empty());
}

TEST(CmdlineTest, WithoutARootHashThereIsNone) {
  const auto arguments = ReadBootArguments("root=LABEL=root rw");
  ASSERT_TRUE(arguments.ok());
  EXPECT_FALSE(arguments->root.has_value());
  EXPECT_FALSE(arguments->usr.has_value());
  EXPECT_TRUE(arguments->read_write);
}

TEST(CmdlineTest, NamesThatStandThereTwiceAreRefused) {
  const std::string good = absl::StrCat("roothash=", kHash);
  for (const std::string& more :
       {absl::StrCat("roothash=", kHash), absl::StrCat("rd.roothash=", kOther),
        std::string("root=a root=a"), std::string("ro rw"),
        std::string("systemd.verity=1 systemd-verity=0 systemd.verity=1"),
        std::string("systemd.verity_root_data=a systemd.verity-root-data=b"),
        std::string("mount.usr=a mount.usr=b"),
        std::string("systemd.volatile=yes systemd.volatile=no")}) {
    EXPECT_EQ(ReasonOf(good + " " + more), DiskReason::kCmdlineAmbiguous)
        << more;
  }
  EXPECT_EQ(ReasonOf(good), std::nullopt);
}

TEST(CmdlineTest, RootHashesThatAreNoneAreRefused) {
  for (const std::string& hash : {std::string(63, 'a'), std::string(40, 'a'),
                                  std::string(65, 'a'), std::string(64, 'g')}) {
    EXPECT_EQ(ReasonOf("roothash=" + hash), DiskReason::kRootHashInvalid);
  }
  EXPECT_EQ(ReasonOf("roothash="), DiskReason::kCmdlineInvalid);
  EXPECT_EQ(ReasonOf("usrhash"), DiskReason::kCmdlineInvalid);
  EXPECT_EQ(ReasonOf("roothash=" + std::string(128, 'A')), std::nullopt);
}

TEST(CmdlineTest, VerityThatIsTurnedOffIsSaid) {
  const std::string good = absl::StrCat("roothash=", kHash, " ");
  for (const char* off : {"systemd.verity=0", "rd.systemd.verity=no",
                          "systemd.verity_root_options=ignore-corruption"}) {
    const auto arguments = ReadBootArguments(good + off);
    ASSERT_TRUE(arguments.ok()) << arguments.status();
    EXPECT_NE(arguments->verity_is_off, "") << off;
  }
  const auto on =
      ReadBootArguments(good + "rd.systemd.verity systemd.verity=1");
  ASSERT_TRUE(on.ok());
  EXPECT_EQ(on->verity_is_off, "");
  EXPECT_EQ(ReasonOf(good + "systemd.verity=maybe"),
            DiskReason::kCmdlineInvalid);
}

TEST(CmdlineTest, OptionsThatChangeTheMeaningOfAPartitionAreRefused) {
  const std::string good = absl::StrCat("roothash=", kHash, " ");
  for (const char* option :
       {"superblock=no", "data-blocks=3", "format=0", "hash=sha1", "salt=00",
        "hash-offset=5", "hash-offset=-512", "tomorrow"}) {
    EXPECT_EQ(
        ReasonOf(absl::StrCat(good, "systemd.verity_root_options=", option)),
        DiskReason::kCmdlineInvalid)
        << option;
  }
  EXPECT_EQ(ReasonOf(good + "systemd.verity_root_data=a"),
            DiskReason::kCmdlineInvalid);
}

// Each with and without: `voids` of a parameter, or nullopt for none.
TEST(CmdlineTest, WhatOpensAMachineIsNoted) {
  const struct {
    const char* parameter;
    std::optional<bool> voids;
  } cases[] = {
      {"rd.root.overlay.write=/dev/vda4", true},
      {"rd.overlay=LABEL=data", true},
      {"rd.overlay=1", std::nullopt},
      {"rd.live.overlay=none", std::nullopt},
      {"rd.live.overlay=LABEL=data", true},
      {"overlayroot=tmpfs", std::nullopt},
      {"overlayroot=device:dev=/dev/vdb", true},
      {"resume=/dev/vda5", true},
      {"dm-mod.create=x", true},
      {"verityroot=/dev/vda2", false},
      {"systemd.swap-extra=/dev/vda5", false},
      {"systemd.debug_shell", false},
      {"systemd.debug-shell=0", std::nullopt},
      {"init=/bin/sh", false},
      {"rd.break", false},
      {"break=premount", false},
      {"systemd.mount-extra=/dev/xvdb:/usr:ext4:rw", true},
      {"systemd.mount_extra=/dev/xvdb:/usr:ext4:rw", true},
      {"rd.systemd.mount-extra=/dev/xvdb:/sysroot/usr:ext4:rw", true},
      {"rd.systemd.mount_extra=/dev/xvdb:/sysroot/usr", true},
      {"systemd.mount-extra=/dev/xvdb:/mnt/../usr", true},
      {"systemd.mount-extra=/dev/xvdb:/mntx", true},
      {"systemd.mount-extra=:/srv:/usr", true},
      {"systemd.mount-extra=/dev/xvdb:/run/systemd/system", true},
      {"systemd.mount-extra=/dev/xvdb", true},
      {"systemd.mount-extra", true},
      {"systemd.mount-extra=/dev/xvdb:/srv", false},
      {"rd.systemd.mount-extra=/dev/xvdb:/sysroot/mnt/data", false},
      {"boot=live", true},
      {"boot=./live", true},
      {"boot=local", std::nullopt},
      {"boot=UUID=0123", std::nullopt},
      {"noinitrd", true},
      {"initrdmem=0x1000,5", true},
      {"initrd=/a.img", false},
      {"netroot=nbd:192.0.2.1:root", true},
      {"systemd.pull=raw:root:https://a/b", true},
      {"rd.systemd.pull=raw:root:https://a/b", true},
      {"rootfstype=overlay", true},
      {"rootfstype=ext4,overlay", true},
      {"rootfstype=squashfs", std::nullopt},
      {"rootflags=lowerdir=/a,upperdir=/b", true},
      {"rootflags=noatime", std::nullopt},
      {"mount.usrfstype=overlay", true},
      {"mount.usrflags=upperdir=/b", true},
      {"systemd.unit=a.target", false},
      {"rd.systemd.unit=a.target", false},
      {"systemd.wants=a.service", false},
      {"systemd.run=/bin/a", false},
      {"rd.systemd.debug-shell", false},
      {"rd.systemd.swap-extra=/dev/vda5", false},
      {"1", false},
      {"S", false},
      {"s", false},
      {"-s", false},
      {"-b", false},
      {"single", false},
      {"emergency", false},
      {"rescue", false},
      {"rd.emergency", false},
      {"rd.rescue", false},
      {"systemd.crash-shell", false},
      {"systemd.crash-shell=no", std::nullopt},
      {"systemd.early-core-pattern=/core", false},
      {"systemd.set-credential=a:b", false},
      {"systemd.set-credential-binary=a:Yg==", false},
      {"systemd.set-credential=fstab.extra:a", true},
      {"systemd.set-credential-binary=fstab.extra:YQ==", true},
      {"systemd.setenv=A=b", false},
      {"firmware_class.path=/a", false},
      {"quiet", std::nullopt},
  };
  for (const auto& each : cases) {
    const auto arguments = ReadBootArguments(each.parameter);
    ASSERT_TRUE(arguments.ok()) << each.parameter << arguments.status();
    ASSERT_EQ(arguments->notes.size(), each.voids.has_value() ? 1u : 0u)
        << each.parameter;
    if (each.voids.has_value()) {
      EXPECT_EQ(arguments->notes[0].voids_root_hash, *each.voids)
          << each.parameter;
    }
  }
  const auto once = ReadBootArguments(absl::StrCat(
      "roothash=", kHash, " systemd.verity_root_options=check-at-most-once"));
  ASSERT_TRUE(once.ok());
  ASSERT_EQ(once->notes.size(), 1u);
  EXPECT_FALSE(once->notes[0].voids_root_hash);
}

TEST(CmdlineTest, AVolatileSystemMayUseOnlyUsr) {
  EXPECT_TRUE(ReadBootArguments("systemd.volatile=yes")->only_usr);
  EXPECT_FALSE(ReadBootArguments("systemd.volatile=overlay")->only_usr);
  EXPECT_FALSE(ReadBootArguments("systemd.volatile=state")->only_usr);
  EXPECT_EQ(ReasonOf("systemd.volatile=perhaps"), DiskReason::kCmdlineInvalid);
}

}  // namespace
}  // namespace anchorage::verify

#include "verify/image/file_class.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace anchorage::verify {
namespace {

using std::literals::operator""sv;

struct Case {
  std::string_view name;
  std::uint32_t mode;
  std::string_view head;
  FileClass is;
};

constexpr std::string_view kElf =
    "\x7f"
    "ELF\2\1\1";

// By content, whatever the mode and, but for modules, the name.
const Case kCases[] = {
    {"usr/lib/libc.so.6", 0644, kElf, FileClass::kElf},
    {"srv/picture.png", 0600, kElf, FileClass::kElf},
    {"srv/bad", 0600,
     "\x7f"
     "ELF",
     FileClass::kElf},
    {"usr/lib/modules/6.1/kernel/a.ko", 0644, kElf, FileClass::kModule},
    {"srv/a.ko", 0644, kElf, FileClass::kModule},
    {"lib/modules/6.1/a.ko.xz", 0644,
     "\xfd"
     "7zXZ\0rest"sv,
     FileClass::kModule},
    {"usr/lib/modules/6.1/a.ko.zst", 0644, "\x28\xb5\x2f\xfd"sv,
     FileClass::kModule},
    {"lib/modules/6.1/a.ko.gz", 0644, "\x1f\x8b\x08", FileClass::kModule},
    {"srv/a.ko.gz", 0644, "\x1f\x8b\x08", FileClass::kOther},
    {"usr/share/doc/changelog.gz", 0644, "\x1f\x8b\x08", FileClass::kOther},
    {"boot/vmlinuz-6.1", 0644, "MZ\xea", FileClass::kEfi},
    {"boot/efi/EFI/BOOT/BOOTX64.EFI", 0700, "MZ", FileClass::kEfi},
    {"srv/tool", 0644, "#!/bin/sh\n", FileClass::kScript},
    {"srv/tool", 0644, "#", FileClass::kOther},
    {"usr/lib/python3/site.py", 0644, "import os\n", FileClass::kScript},
    {"usr/lib/python3/evil.pth", 0644, "import os\n", FileClass::kScript},
    {"srv/x", 0644, "\xa7\x0d\x0d\x0a\0\0\0\0"sv, FileClass::kByteCode},
    {"srv/x", 0644, "\xf3\x0d\x0d\x0a"sv, FileClass::kByteCode},
    {"srv/x", 0644, "\x2b\x0e\x0d\x0a"sv, FileClass::kByteCode},
    {"srv/x.pyc", 0644, "", FileClass::kByteCode},
    {"srv/x.jar", 0644, "PK\3\4", FileClass::kByteCode},
    {"srv/x", 0644, "\xca\xfe\xba\xbe", FileClass::kByteCode},
    {"srv/x", 0644, "\0asm\1"sv, FileClass::kByteCode},
    {"usr/lib/python311.zip", 0644, "PK\3\4", FileClass::kByteCode},
    {"srv/x", 0644, "PK\3\4", FileClass::kByteCode},
    {"srv/x.zip", 0644, "", FileClass::kByteCode},
    {"usr/lib/jvm/lib/modules", 0644, "\xda\xda\xfe\xca", FileClass::kByteCode},
    {"srv/x", 0644, "\xca\xfe\xda\xda", FileClass::kByteCode},
    {"srv/x", 0644, "BC\xc0\xde", FileClass::kByteCode},
    {"srv/x", 0644, "Caml1999X031", FileClass::kByteCode},
    {"srv/x.asar", 0644, "", FileClass::kByteCode},
    {"usr/share/perl5/auto/x.al", 0644, "", FileClass::kScript},
    {"usr/lib/tcl/tclIndex", 0644, "", FileClass::kScript},
    {"srv/x.inc", 0644, "<?php", FileClass::kScript},
    {"srv/x", 0755, "text", FileClass::kExecutable},
    {"srv/x", 0654, "text", FileClass::kExecutable},
    {"srv/x", 0645, "text", FileClass::kExecutable},
    {"srv/x", 04644, "text", FileClass::kExecutable},
    {"srv/x", 02644, "", FileClass::kExecutable},
    {"srv/x", 0644, "text", FileClass::kOther},
    {"srv/x", 0666, "", FileClass::kOther},
};

TEST(FileClassTest, IsDecidedByContent) {
  for (const Case& c : kCases) {
    EXPECT_EQ(NameOf(ClassifyFile(c.name, c.mode, c.head, BinaryFormats())),
              NameOf(c.is))
        << c.name << " " << c.mode;
  }
}

TEST(FileClassTest, NothingBehindTheHeadCounts) {
  const std::string far = std::string(kHeadBytes, ' ') + "text";
  BinaryFormats formats;
  formats.Add(":far:M:250:aaaaaa::/bin/x:");
  EXPECT_EQ(formats.size(), 1u);
  EXPECT_FALSE(formats.Match("x", far));
}

TEST(FileClassTest, WhatStartsCode) {
  for (const std::string_view name : {
           "etc/ld.so.preload",
           "etc/ld.so.conf",
           "etc/ld.so.conf.d/x.conf",
           "etc/ld.so.cache",
           "etc/systemd/system/a.service",
           "etc/systemd/system/a.service.d/override.conf",
           "usr/lib/systemd/system/a.timer",
           "lib/systemd/system-generators/g",
           "usr/local/lib/systemd/system/a.service",
           "etc/crontab",
           "etc/cron.d/x",
           "etc/cron.daily/x",
           "var/spool/cron/crontabs/root",
           "etc/udev/rules.d/99-x.rules",
           "usr/lib/udev/rules.d/99-x.rules",
           "etc/modprobe.d/x.conf",
           "usr/lib/modprobe.d/x.conf",
           "etc/modules-load.d/x.conf",
           "usr/lib/modules/6.1/modules.dep",
           "etc/pam.d/sshd",
           "etc/security/pam_env.conf",
           "etc/sudoers",
           "etc/sudoers.d/x",
           "etc/profile",
           "etc/profile.d/x",
           "etc/init.d/x",
           "etc/rc.local",
           "etc/rc3.d/S01x",
           "boot/grub/grub.cfg",
           "boot/loader/entries/a.conf",
           "efi/loader/loader.conf",
           "boot/initrd.img",
           "etc/environment.d/x.conf",
           "etc/xinetd.d/x",
           "usr/share/dbus-1/system-services/x.service",
           "etc/polkit-1/rules.d/x.rules",
           "etc/apt/apt.conf.d/x",
           "etc/dpkg/dpkg.cfg.d/x",
           "etc/kernel/postinst.d/x",
           "usr/lib/kernel/install.d/x",
           "etc/binfmt.d/x.conf",
           "etc/nsswitch.conf",
           "root/.bashrc",
           "root/.ssh/authorized_keys",
           "home/someone/.profile",
           "home/someone/.config/systemd/user/x.service",
           "usr/lib/x86_64-linux-gnu/gconv/gconv-modules",
           "usr/lib/lsb/init-functions",
           "usr/lib/lsb/init-functions.d/x",
           "etc/ucf.conf",
           "usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/x.conf",
           "srv/gconv-modules.d",
           "etc/hosts.allow",
           "etc/hosts.deny",
           "etc/request-key.conf",
           "etc/request-key.d/x.conf",
           "etc/lvm/lvm.conf",
           "etc/shadow",
           "etc/gshadow",
           "etc/group",
           "usr/bin/pyvenv.cfg",
           "var/lib/cloud/seed/nocloud/user-data",
           "usr/share/binfmts/x",
           "var/lib/binfmts/x",
           "etc/ld-musl-x86_64.path",
           "etc/overlayroot.conf",
           "etc/supervisor/conf.d/x.conf",
           "etc/supervisord.conf",
           "etc/fail2ban/action.d/x.conf",
           "etc/keepalived/keepalived.conf",
           "etc/dnsmasq.conf",
           "etc/dnsmasq.d/x",
           "etc/redis/redis.conf",
           "etc/mysql/my.cnf",
           "etc/my.cnf",
           "etc/postgresql/15/main/postgresql.conf",
           "etc/zabbix/zabbix_agentd.conf",
           "etc/ipsec.conf",
           "etc/ImageMagick-6/delegates.xml",
           "etc/selinux/config",
           "usr/share/debconf/confmodule",
           "etc/incron.d/x",
           // The link in the place of a folder.
           "etc/systemd",
           "etc/rc0.d",
       }) {
    EXPECT_TRUE(IsStartUpName(name)) << name;
    EXPECT_EQ(ClassifyFile(name, 0644, "text", BinaryFormats()),
              FileClass::kStartUp)
        << name;
  }
  for (const std::string_view name : {
           "etc/hostname",
           "etc/machine-id",
           "etc/systemdx/a",
           "etc/pam",
           "srv/etc/crontab",
           "usr/share/doc/systemd/README",
           "home/.bashrc",
           "home/someone/notes",
           "root/notes",
           "var/log/syslog",
           "usr",
           "etc",
       }) {
    EXPECT_FALSE(IsStartUpName(name)) << name;
  }
}

TEST(FileClassTest, FoldersOfCode) {
  for (const std::string_view name :
       {"etc", "etc/cron.d", "etc/systemd/system", "root", "root/.ssh", "usr",
        "usr/local", "usr/local/sbin", "bin", "usr/games", "usr/local/lib",
        "usr/local/lib/python3.11/dist-packages", "usr/lib64",
        "usr/share/perl5/X", "var/spool", "var/spool/cron/crontabs", "opt",
        "home", "home/someone/.config/systemd/user"}) {
    EXPECT_TRUE(IsFolderOfCode(name)) << name;
  }
  for (const std::string_view name : {"srv", "srv/bin", "var/lib/x", "var/log",
                                      "home/someone", "tmp", "usr/share/doc"}) {
    EXPECT_FALSE(IsFolderOfCode(name)) << name;
  }
}

TEST(FileClassTest, ScopesNest) {
  for (const FileClass c :
       {FileClass::kElf, FileClass::kModule, FileClass::kScript,
        FileClass::kEfi, FileClass::kByteCode, FileClass::kExecutable}) {
    EXPECT_TRUE(IsInScope(c, ManifestScope::kCode));
    EXPECT_TRUE(IsInScope(c, ManifestScope::kCodeAndStartup));
  }
  EXPECT_FALSE(IsInScope(FileClass::kStartUp, ManifestScope::kCode));
  EXPECT_TRUE(IsInScope(FileClass::kStartUp, ManifestScope::kCodeAndStartup));
  EXPECT_FALSE(IsInScope(FileClass::kOther, ManifestScope::kCodeAndStartup));
  EXPECT_TRUE(IsInScope(FileClass::kOther, ManifestScope::kEverything));
}

TEST(BinaryFormatsTest, MagicMaskOffsetAndExtension) {
  BinaryFormats formats;
  formats.Add(
      "# a comment\n"
      "; another\n"
      ":win:M::\\x4d\\x5aX::/usr/bin/wine:\n"
      ",masked,M,2,\\xf0,\\xf0,/bin/x,OC\n"
      ":text:E::abc::/bin/x:\n");
  EXPECT_EQ(formats.size(), 3u);
  EXPECT_TRUE(formats.Match("a", "MZX"));
  EXPECT_FALSE(formats.Match("a", "MZ"));
  EXPECT_TRUE(formats.Match("a", "--\xf7"));
  EXPECT_FALSE(formats.Match("a", "--\x77"));
  EXPECT_TRUE(formats.Match("a.abc", ""));
  EXPECT_FALSE(formats.Match("abc", ""));
  EXPECT_EQ(ClassifyFile("srv/a.abc", 0644, "", formats), FileClass::kByteCode);
}

TEST(BinaryFormatsTest, WhatTheKernelRefusesIsIgnored) {
  BinaryFormats formats;
  for (const std::string_view line : {
           ":::::::",
           ":a:M::::/bin/x:",
           ":a:M::mm:m:/bin/x:",
           ":a:M:-1:m::/bin/x:",
           ":a:M:1x:m::/bin/x:",
           ":a:M:256:m::/bin/x:",
           ":a:M:99999999999999999999:m::/bin/x:",
           ":a:M::\\xg0::/bin/x:",
           ":a:M::\\x1::/bin/x:",
           ":a:Q::m::/bin/x:",
           ":a:M::m:::",
           ":a:E::::/bin/x:",
           "a",
           "",
           ":",
       }) {
    formats.Add(line);
    EXPECT_EQ(formats.size(), 0u) << line;
  }
}

TEST(BinaryFormatsTest, OfBinfmtSupport) {
  BinaryFormats formats;
  formats.AddOfBinfmtSupport(
      "package x\ninterpreter /bin/x\noffset 2\nmagic \\x4dX\n"
      "mask \\xff\\xff\n");
  EXPECT_TRUE(formats.Match("a", "--MX"));
  EXPECT_FALSE(formats.Match("a", "MX"));
  formats.AddOfBinfmtSupport("package x\ninterpreter /bin/x\nextension abc\n");
  EXPECT_TRUE(formats.Match("x.abc", ""));
  formats.AddOfBinfmtSupport("x\nmagic\n0\nodd\n\n/bin/x\n\nno\n");
  EXPECT_TRUE(formats.Match("a", "odd one"));
  formats.AddOfBinfmtSupport("x\nextension\n0\nodd\n\n/bin/x\n");
  EXPECT_TRUE(formats.Match("a.odd", ""));
  EXPECT_EQ(formats.size(), 4u);
  for (const std::string_view text :
       {"", "\n\n\n\n\n\n", "magic", "magic \\xg0\n", "offset 1\n",
        "x\nmagic\n257\nm\n\n/bin/x\n", "x\nmagic\n0\nmm\nm\n"}) {
    formats.AddOfBinfmtSupport(text);
    EXPECT_EQ(formats.size(), 4u) << text;
  }
}

TEST(BinaryFormatsTest, AreBounded) {
  BinaryFormats formats;
  std::string many;
  for (int i = 0; i < 3'000; ++i) many += ":a:M::m::/bin/x:\n";
  formats.Add(many);
  formats.Add(many);
  EXPECT_EQ(formats.size(), BinaryFormats::kMaxFormats);
}

}  // namespace
}  // namespace anchorage::verify

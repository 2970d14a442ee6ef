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
    {"usr/lib/perl/List/Util/Util.bs", 0644, "", FileClass::kScript},
    {"usr/lib/perl/auto/X/autosplit.ix", 0644, "", FileClass::kScript},
    {"srv/http-9.tm", 0644, "", FileClass::kScript},
    {"srv/a.gemspec", 0644, "", FileClass::kScript},
    {"srv/obj.pkl", 0644, "cos\n", FileClass::kByteCode},
    {"srv/obj.pickle", 0644, "", FileClass::kByteCode},
    {"srv/x", 0644, "\x80\2}", FileClass::kByteCode},
    {"srv/x", 0644, "\x80\5\x95", FileClass::kByteCode},
    {"srv/x", 0644, "\x80\1", FileClass::kOther},
    {"srv/x", 0644, "\x80\6", FileClass::kOther},
    {"srv/x", 0644, "\x80", FileClass::kOther},
    {"srv/x", 0644, "hsqs", FileClass::kByteCode},
    {"srv/x", 0644, "LUKS\xba\xbe", FileClass::kByteCode},
    {"srv/x", 0644, "QFI\xfb", FileClass::kByteCode},
    {"srv/x", 0644, "0707010", FileClass::kByteCode},
    {"srv/x", 0644, "0707020", FileClass::kByteCode},
    {"srv/x.img", 0644, "", FileClass::kByteCode},
    {"srv/x.raw", 0644, "", FileClass::kByteCode},
    {"srv/x.snap", 0644, "", FileClass::kByteCode},
    {"srv/x.squashfs", 0644, "", FileClass::kByteCode},
    {"srv/x.erofs", 0644, "", FileClass::kByteCode},
    {"srv/x.iso", 0644, "", FileClass::kByteCode},
    {"srv/x.qcow2", 0644, "", FileClass::kByteCode},
    {"boot/initrd.img", 0644, "text", FileClass::kByteCode},
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
           // All settings, and the link in the place of a folder.
           "etc",
           "usr/etc",
           "etc/ld.so.preload",
           "etc/systemd",
           "etc/pam",
           "etc/nobody-knows/it.conf",
           "usr/local/etc/x",
           "etc/hosts.allow",
           "etc/machine-info",
           "etc/passwd",
           "etc/ssh/sshd_config",
           "etc/ssh/ca.pub",
           "etc/initrd-release",
           "etc/lvm/lvm.conf",
           "etc/iscsi/initiatorname.iscsi",
           "etc/krb5.keytab",
           "etc/cups/printers.conf",
           "etc/cups/subscriptions.conf",
           "usr/lib/systemd/system/a.timer",
           "lib/systemd/system-generators/g",
           "usr/local/lib/systemd/system/a.service",
           "var/spool/cron/crontabs/root",
           "usr/lib/udev/rules.d/99-x.rules",
           "usr/lib/modprobe.d/x.conf",
           "usr/lib/modules/6.1/modules.dep",
           "boot/grub/grub.cfg",
           "boot/loader/entries/a.conf",
           "efi/loader/loader.conf",
           "EFI/debian/grub.cfg",
           "loader/entries/a.conf",
           "grub/grub.cfg",
           "grub2/grub.cfg",
           "extlinux/extlinux.conf",
           "syslinux/syslinux.cfg",
           "usr/share/dbus-1/system-services/x.service",
           "usr/lib/kernel/install.d/x",
           "root/.bashrc",
           "root/.ssh/authorized_keys",
           "home/someone/.profile",
           "home/someone/.config/systemd/user/x.service",
           "usr/lib/x86_64-linux-gnu/gconv/gconv-modules",
           "usr/lib/lsb/init-functions",
           "usr/lib/lsb/init-functions.d/x",
           "usr/lib/x86_64-linux-gnu/gconv/gconv-modules.d/x.conf",
           "srv/gconv-modules.d",
           "usr/bin/pyvenv.cfg",
           "var/lib/cloud/seed/nocloud/user-data",
           "usr/share/binfmts/x",
           "var/lib/binfmts/x",
           "usr/share/debconf/confmodule",
           "usr/lib/credstore/sysctl.extra",
           "lib/credstore.encrypted/x",
           "usr/lib/os-release",
           "usr/lib/apparmor/rc.apparmor.functions",
           "usr/lib/git-core/git-sh-prompt",
           "usr/share/grub/grub-mkconfig_lib",
           "usr/share/apache2/apache2-maintscript-helper",
           "usr/share/postgresql-common/init.d-functions",
           "usr/lib/userdb/x.user",
           "usr/lib/passwd",
           "usr/lib/group",
           "var/lib/extrausers/passwd",
           "usr/lib/sysupdate.d/x.transfer",
           "usr/share/factory/etc/pam.d/login",
           "usr/lib/ostree/prepare-root.conf",
           "usr/lib/bootc/kargs.d/x.toml",
           "var/lib/postgresql/15/main/postgresql.auto.conf",
           "srv/db/postgresql.conf",
           "srv/db/pg_hba.conf",
           "usr/share/keyrings/x.gpg",
           "usr/lib/jvm/java-17/lib/jvm.cfg",
           "var/lib/machines/a/etc/passwd",
           "var/lib/cloud/instance/user-data.txt",
           "var/lib/amazon/ssm/i-0/document/state/pending/x",
           "opt/aws/amazon-cloudwatch-agent/etc/x.toml",
           "var/lib/docker/containers/0/config.v2.json",
           "var/lib/lxc/a/config",
           "var/lib/kubelet/config.yaml",
           "var/lib/rancher/k3s/server/manifests/x.yaml",
           "initrd.evil",
           "vmlinuz",
           "srv/x/package.json",
           "srv/www/.htaccess",
           "srv/www/.user.ini",
           // The home of a person may be any folder.
           ".bashrc",
           "home/.bashrc",
           "var/lib/postgresql/.ssh/authorized_keys",
           "srv/alice/.bashrc",
           "root/.aws/config",
           "root/.aws/credentials",
           "root/.kube/config",
           "root/.docker/config.json",
           "root/.config/bash_completion",
           "root/.local/share/bash-completion/completions/ls",
           "root/.shosts",
           "root/.rhosts",
           "root/.k5login",
           "root/.config/user-tmpfiles.d/x.conf",
           "root/.local/share/user-tmpfiles.d/x.conf",
           "root/.config/containers/containers.conf",
           "root/.selected_editor",
           "root/.config/Yubico/u2f_keys",
           "root/.yubico/authorized_yubikeys",
           "root/.google_authenticator",
           "root/.emacs",
           "root/.exrc",
           "root/.psqlrc",
           "root/.mailrc",
           "root/.mkshrc",
       }) {
    EXPECT_TRUE(IsStartUpName(name)) << name;
    EXPECT_EQ(ClassifyFile(name, 0644, "text", BinaryFormats()),
              FileClass::kStartUp)
        << name;
  }
  for (const std::string_view name : {
           // What boots, logins and daily jobs write.
           "etc/machine-id",
           "etc/hostname",
           "etc/hosts",
           "etc/resolv.conf",
           "etc/mtab",
           "etc/adjtime",
           "etc/localtime",
           "etc/timezone",
           "etc/.updated",
           "etc/.pwd.lock",
           "etc/passwd-",
           "etc/shadow-",
           "etc/ssh/ssh_host_ed25519_key",
           "etc/lvm/backup/vg",
           "etc/motd",
           "root/.bash_history",
           "home/someone/.zsh_history",
           "opt/aws/etc",
           "opt/aws/agent/var/x",
           "var/lib/docker/containers/0/0-json.log",
           "var/lib/lxc/config",
           "srv/etc/crontab",
           "usr/share/doc/systemd/README",
           "home/someone/notes",
           "root/notes",
           "var/log/syslog",
           "usr",
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

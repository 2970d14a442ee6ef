// What can be done to an image, and with which reason it is found. README.md
// has the same table, which this test compares with its own.

#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/image/inventory.h"
#include "verify/image/comparison.h"

namespace anchorage::client {
namespace {

namespace fs = std::filesystem;
using std::literals::operator""s;
using verify::DifferenceReason;
using verify::ManifestScope;
using enum verify::DifferenceReason;

const std::string kElf =
    "\x7f"
    "ELF\2\1\1\0";
// cap_net_raw+ep, and cap_sys_admin+ep (linux/capability.h, revision 2).
const std::string kNetRaw = "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
const std::string kSysAdmin = "\1\0\0\2\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0"s;

// A tree on the disk. A step that fails, fails the test.
class Tree {
 public:
  explicit Tree(std::string root) : root_(std::move(root)) {
    fs::create_directories(root_);
  }

  const std::string& root() const { return root_; }
  std::string Path(const std::string& name) const { return root_ + "/" + name; }

  void Write(const std::string& name, const std::string& text,
             mode_t mode = 0644) const {
    fs::create_directories(fs::path(Path(name)).parent_path());
    std::ofstream(Path(name), std::ios::trunc) << text;
    Mode(name, mode);
  }
  void Append(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::app) << text;
  }
  void Mode(const std::string& name, mode_t mode) const {
    EXPECT_EQ(::chmod(Path(name).c_str(), mode), 0) << name;
  }
  void Owner(const std::string& name, uid_t uid, gid_t gid) const {
    EXPECT_EQ(::lchown(Path(name).c_str(), uid, gid), 0) << name;
  }
  void Remove(const std::string& name) const { fs::remove_all(Path(name)); }
  void Folder(const std::string& name, mode_t mode = 0755) const {
    fs::create_directories(Path(name));
    Mode(name, mode);
  }
  void Link(const std::string& name, const std::string& target) const {
    fs::create_directories(fs::path(Path(name)).parent_path());
    Remove(name);
    fs::create_symlink(target, Path(name));
  }
  void HardLink(const std::string& name, const std::string& to) const {
    Remove(name);
    fs::create_hard_link(Path(to), Path(name));
  }
  void Rename(const std::string& from, const std::string& to) const {
    fs::rename(Path(from), Path(to));
  }
  void Node(const std::string& name, mode_t kind, dev_t device = 0) const {
    Remove(name);
    EXPECT_EQ(::mknod(Path(name).c_str(), kind | 0755, device), 0) << name;
  }
  void Capability(const std::string& name, const std::string& bytes) const {
    EXPECT_EQ(::setxattr(Path(name).c_str(), "security.capability",
                         bytes.data(), bytes.size(), 0),
              0)
        << name;
  }
  // Mounts something on `name`; unmounted by ~Case().
  void Mount(const std::string& source, const std::string& name,
             const char* type, unsigned long flags,
             const std::string& options = "") const {
    EXPECT_EQ(::mount(source.c_str(), Path(name).c_str(), type, flags,
                      options.empty() ? nullptr : options.c_str()),
              0)
        << name << ": " << std::strerror(errno);
  }

 private:
  const std::string root_;
};

// The tree that everything is done to.
void MakeImage(const Tree& t) {
  t.Write("usr/bin/ls", kElf + "ls", 0755);
  t.Write("usr/bin/su", kElf + "su", 04755);
  t.Write("usr/bin/ping", kElf + "ping", 0755);
  t.Write("usr/bin/one", kElf + "one", 0755);
  t.Write("usr/bin/two", kElf + "two", 0755);
  t.Write("usr/bin/gzip", kElf + "gzip", 0755);
  t.HardLink("usr/bin/gunzip", "usr/bin/gzip");
  t.Write("usr/bin/tool", "#!/bin/sh\nexit\n", 0755);
  t.Write("usr/bin/empty", "", 0755);
  t.Write("usr/bin/sparse", kElf, 0755);
  EXPECT_EQ(::truncate(t.Path("usr/bin/sparse").c_str(), 1 << 20), 0);
  t.Link("usr/bin/view", "ls");
  t.Write("usr/lib/libc.so.6", kElf + "libc");
  t.Link("usr/lib/libc.so", "libc.so.6");
  t.Write("usr/lib/modules/6.1/a.ko", kElf + "module");
  t.Write("usr/lib/python3/site.py", "import os\n");
  t.Write("usr/lib/systemd/system/a.service", "[Service]\n");
  t.Link("lib", "usr/lib");
  t.Link("etc/systemd/system/default.target.wants/a.service",
         "/usr/lib/systemd/system/a.service");
  t.Write("etc/ld.so.conf", "include ld.so.conf.d/*.conf\n");
  t.Write("etc/pam.d/login", "auth required pam_unix.so\n");
  t.Write("etc/hostname", "image\n");
  t.Write("boot/vmlinuz", "MZ kernel", 0644);
  t.Write("boot/initrd.img", "\x28\xb5\x2f\xfd initrd", 0644);
  t.Write("boot/loader/entries/a.conf", "options quiet\n");
  t.Write("usr/share/doc/readme", "read me\n");
  t.Link("srv/current", "../usr/share/doc/readme");
  t.Write("opt/data/table", "1 2 3\n");
  t.Write("var/log/syslog", "a line\n");
  t.Folder("tmp", 01777);
  t.Folder("usr/local/games", 0775);
}

// What a manipulation needs beside a folder to write to.
enum class Needs {
  kNothing,
  // Owners, devices, capabilities of files.
  kRoot,
  // A mount namespace of its own.
  kMounts,
};

struct Found {
  DifferenceReason reason;
  std::string name;
};

struct Manipulation {
  // As in README.md.
  const char* what;
  Needs needs;
  std::function<void(const Tree&)> change;
  // Everything that is found, and nothing else.
  std::vector<Found> found;
  ManifestScope scope = ManifestScope::kCodeAndStartup;
};

// A file with some text at that name, which only has to be there.
std::function<void(const Tree&)> Add(const std::string& name,
                                     const std::string& text = "text\n",
                                     mode_t mode = 0644) {
  return [=](const Tree& t) { t.Write(name, text, mode); };
}

std::function<void(const Tree&)> AddLink(const std::string& name,
                                         const std::string& target) {
  return [=](const Tree& t) { t.Link(name, target); };
}

// 9,900 links to data in `folder`, each through as many long ones as may be.
std::function<void(const Tree&)> AddSlowLinks(const std::string& folder) {
  return [=](const Tree& t) {
    t.Folder(folder + "/a");
    t.Write(folder + "/data", "text");
    std::string far;
    while (far.size() < 4'050) far += "a/../";
    std::string last = "data";
    for (int i = 0; i < 39; ++i) {
      t.Link(folder + "/chain" + std::to_string(i), far + last);
      last = "chain" + std::to_string(i);
    }
    for (int i = 0; i < 9'900; ++i) {
      fs::create_symlink(last, t.Path(folder + "/" + std::to_string(i)));
    }
  };
}

// A program below `name` whose path is too long for any call.
std::function<void(const Tree&)> AddFarBelow(const std::string& name) {
  return [=](const Tree& t) {
    const fs::path before = fs::current_path();
    fs::current_path(t.Path(name));
    const std::string part(250, 'd');
    for (int i = 0; i < 17; ++i) {
      fs::create_directory(part);
      fs::current_path(fs::path(part));
    }
    std::ofstream("evil") << kElf;
    fs::current_path(before);
  };
}

const std::vector<Manipulation>& Manipulations() {
  constexpr auto kNothing = Needs::kNothing;
  constexpr auto kRoot = Needs::kRoot;
  constexpr auto kMounts = Needs::kMounts;
  constexpr auto kEverything = ManifestScope::kEverything;
  static const auto* const all = new std::vector<Manipulation>{
      // --- Contents ---------------------------------------------------------
      {"a byte of a program changed",
       kNothing,
       Add("usr/bin/ls", kElf + "lS", 0755),
       {{kContent, "usr/bin/ls"}}},
      {"the same, with the old times set again",
       kNothing,
       [](const Tree& t) {
         const auto time = fs::last_write_time(t.Path("usr/bin/ls"));
         t.Write("usr/bin/ls", kElf + "lS", 0755);
         fs::last_write_time(t.Path("usr/bin/ls"), time);
       },
       {{kContent, "usr/bin/ls"}}},
      {"a library without an x bit changed",
       kNothing,
       Add("usr/lib/libc.so.6", kElf + "libd"),
       {{kContent, "usr/lib/libc.so.6"}}},
      {"bytes appended to a kernel module",
       kNothing,
       [](const Tree& t) { t.Append("usr/lib/modules/6.1/a.ko", "more"); },
       {{kContent, "usr/lib/modules/6.1/a.ko"}}},
      {"a program emptied",
       kNothing,
       Add("usr/bin/tool", "", 0755),
       {{kContent, "usr/bin/tool"}}},
      {"a program that became a text without an x bit",
       kNothing,
       Add("usr/bin/tool", "nothing\n", 0644),
       {{kContent, "usr/bin/tool"}, {kMode, "usr/bin/tool"}}},
      {"an empty program filled",
       kNothing,
       Add("usr/bin/empty", kElf, 0755),
       {{kContent, "usr/bin/empty"}}},
      {"a hole of a sparse file filled",
       kNothing,
       [](const Tree& t) {
         std::fstream file(t.Path("usr/bin/sparse"));
         file.seekp(1 << 19);
         file << "x";
       },
       {{kContent, "usr/bin/sparse"}}},
      {"bytes of a program replaced by a hole",
       kNothing,
       [](const Tree& t) {
         EXPECT_EQ(::truncate(t.Path("usr/bin/ls").c_str(), 4), 0);
         EXPECT_EQ(::truncate(t.Path("usr/bin/ls").c_str(),
                              static_cast<off_t>(kElf.size() + 2)),
                   0);
       },
       {{kContent, "usr/bin/ls"}}},
      {"names of two programs swapped",
       kNothing,
       [](const Tree& t) {
         t.Rename("usr/bin/one", "usr/bin/three");
         t.Rename("usr/bin/two", "usr/bin/one");
         t.Rename("usr/bin/three", "usr/bin/two");
       },
       {{kContent, "usr/bin/one"}, {kContent, "usr/bin/two"}}},
      {"a module of Python changed",
       kNothing,
       Add("usr/lib/python3/site.py", "import sy\n"),
       {{kContent, "usr/lib/python3/site.py"}}},
      {"a rule of PAM changed",
       kNothing,
       Add("etc/pam.d/login", "auth required pam_permit.so\n"),
       {{kContent, "etc/pam.d/login"}}},
      {"an entry of the boot loader changed",
       kNothing,
       Add("boot/loader/entries/a.conf", "options init=/bin/sh\n"),
       {{kContent, "boot/loader/entries/a.conf"}}},
      {"an initrd changed",
       kNothing,
       Add("boot/initrd.img", "other"),
       {{kContent, "boot/initrd.img"}}},
      {"a unit changed",
       kNothing,
       Add("usr/lib/systemd/system/a.service", "[Service]\nUser=root\n"),
       {{kContent, "usr/lib/systemd/system/a.service"}}},
      {"data changed, in the scope everything",
       kNothing,
       Add("etc/hostname", "other\n"),
       {{kContent, "etc/hostname"}},
       kEverything},
      {"a program changed and made immutable",
       kRoot,
       [](const Tree& t) {
         t.Write("usr/bin/ls", kElf + "lS", 0755);
         const int file = ::open(t.Path("usr/bin/ls").c_str(), O_RDONLY);
         int flags = FS_IMMUTABLE_FL;
         ::ioctl(file, FS_IOC_SETFLAGS, &flags);
         ::close(file);
       },
       {{kContent, "usr/bin/ls"}}},

      // --- What starts code, added ------------------------------------------
      {"etc/ld.so.preload",
       kNothing,
       Add("etc/ld.so.preload"),
       {{kAdded, "etc/ld.so.preload"}}},
      {"a folder of libraries for the loader",
       kNothing,
       Add("etc/ld.so.conf.d/x.conf"),
       {{kAdded, "etc/ld.so.conf.d/x.conf"}}},
      {"a drop-in of a unit",
       kNothing,
       Add("etc/systemd/system/a.service.d/x.conf"),
       {{kAdded, "etc/systemd/system/a.service.d/x.conf"}}},
      {"a unit in etc that covers the one in usr",
       kNothing,
       Add("etc/systemd/system/a.service"),
       {{kAdded, "etc/systemd/system/a.service"}}},
      {"a unit masked",
       kNothing,
       AddLink("etc/systemd/system/b.service", "/dev/null"),
       {{kAdded, "etc/systemd/system/b.service"}}},
      {"a unit enabled",
       kNothing,
       AddLink("etc/systemd/system/default.target.wants/b.service",
               "/usr/share/doc/readme"),
       {{kAdded, "etc/systemd/system/default.target.wants/b.service"}}},
      {"a generator of systemd",
       kNothing,
       Add("usr/lib/systemd/system-generators/g"),
       {{kAdded, "usr/lib/systemd/system-generators/g"}}},
      {"a rule of udev",
       kNothing,
       Add("etc/udev/rules.d/9.rules"),
       {{kAdded, "etc/udev/rules.d/9.rules"}}},
      {"a job of cron",
       kNothing,
       Add("etc/cron.d/job"),
       {{kAdded, "etc/cron.d/job"}}},
      {"a table of cron of a person",
       kNothing,
       Add("var/spool/cron/crontabs/root"),
       {{kAdded, "var/spool/cron/crontabs/root"}}},
      {"an install line of modprobe",
       kNothing,
       Add("etc/modprobe.d/x.conf"),
       {{kAdded, "etc/modprobe.d/x.conf"}}},
      {"a module to be loaded at the start",
       kNothing,
       Add("etc/modules-load.d/x.conf"),
       {{kAdded, "etc/modules-load.d/x.conf"}}},
      {"a rule of sudo",
       kNothing,
       Add("etc/sudoers.d/x"),
       {{kAdded, "etc/sudoers.d/x"}}},
      {"a file of profile.d",
       kNothing,
       Add("etc/profile.d/x"),
       {{kAdded, "etc/profile.d/x"}}},
      {"rc.local", kNothing, Add("etc/rc.local"), {{kAdded, "etc/rc.local"}}},
      {"a variable for all units",
       kNothing,
       Add("etc/environment.d/x.conf"),
       {{kAdded, "etc/environment.d/x.conf"}}},
      {"a service of D-Bus",
       kNothing,
       Add("usr/share/dbus-1/system-services/x.service"),
       {{kAdded, "usr/share/dbus-1/system-services/x.service"}}},
      {"a rule of polkit",
       kNothing,
       Add("etc/polkit-1/rules.d/x.rules"),
       {{kAdded, "etc/polkit-1/rules.d/x.rules"}}},
      {"a hook of apt",
       kNothing,
       Add("etc/apt/apt.conf.d/99x"),
       {{kAdded, "etc/apt/apt.conf.d/99x"}}},
      {"a hook of kernel installations",
       kNothing,
       Add("etc/kernel/postinst.d/x"),
       {{kAdded, "etc/kernel/postinst.d/x"}}},
      {"a start-up file of root's shell",
       kNothing,
       Add("root/.bashrc"),
       {{kAdded, "root/.bashrc"}}},
      {"a key that may log in",
       kNothing,
       Add("home/someone/.ssh/authorized_keys"),
       {{kAdded, "home/someone/.ssh/authorized_keys"}}},
      {"a format of programs, and one of that format",
       kNothing,
       [](const Tree& t) {
         t.Write("etc/binfmt.d/x.conf", ":x:M::odd::/bin/odd:\n");
         t.Write("srv/odd", "odd one");
       },
       {{kAdded, "etc/binfmt.d/x.conf"}, {kAdded, "srv/odd"}}},
      {"a format of update-binfmts, and one of that format",
       kNothing,
       [](const Tree& t) {
         t.Write("usr/share/binfmts/x", "interpreter /bin/odd\nmagic odd\n");
         t.Write("srv/odd", "odd one");
       },
       {{kAdded, "usr/share/binfmts/x"}, {kAdded, "srv/odd"}}},

      {"a setting of a program that nobody knows",
       kNothing,
       Add("etc/nobody-knows/it.conf"),
       {{kAdded, "etc/nobody-knows/it.conf"}}},
      {"a setting that a shell of root sources",
       kNothing,
       Add("usr/lib/os-release"),
       {{kAdded, "usr/lib/os-release"}}},
      {"a credential of systemd",
       kNothing,
       Add("usr/lib/credstore/tmpfiles.extra"),
       {{kAdded, "usr/lib/credstore/tmpfiles.extra"}}},
      {"a key that packages are signed with",
       kNothing,
       Add("usr/share/keyrings/x.gpg"),
       {{kAdded, "usr/share/keyrings/x.gpg"}}},
      {"a user, in a record of userdb",
       kNothing,
       Add("usr/lib/userdb/x.user"),
       {{kAdded, "usr/lib/userdb/x.user"}}},
      {"the mark of an initrd",
       kNothing,
       Add("etc/initrd-release"),
       {{kAdded, "etc/initrd-release"}}},
      {"a program that AWS's tools ask for credentials",
       kNothing,
       Add("root/.aws/config"),
       {{kAdded, "root/.aws/config"}}},
      {"a key that may log in, in a home elsewhere",
       kNothing,
       Add("var/lib/postgresql/.ssh/authorized_keys"),
       {{kAdded, "var/lib/postgresql/.ssh/authorized_keys"}}},
      {"a command that an agent has not run yet",
       kNothing,
       Add("var/lib/amazon/ssm/i-0/document/state/pending/x"),
       {{kAdded, "var/lib/amazon/ssm/i-0/document/state/pending/x"}}},
      {"a container that is started at boot",
       kNothing,
       Add("var/lib/docker/containers/0/config.v2.json"),
       {{kAdded, "var/lib/docker/containers/0/config.v2.json"}}},
      {"a list of what a module for Node is",
       kNothing,
       Add("srv/x/package.json"),
       {{kAdded, "srv/x/package.json"}}},
      {"a FIFO in the place of start-up files",
       kNothing,
       [](const Tree& t) { t.Node("etc/ld.so.preload", S_IFIFO); },
       {{kAdded, "etc/ld.so.preload"}}},
      {"a socket in the place of start-up files",
       kNothing,
       [](const Tree& t) { t.Node("etc/systemd/system/b.service", S_IFSOCK); },
       {{kAdded, "etc/systemd/system/b.service"}}},
      {"a unit masked by a whiteout of an overlay",
       kRoot,
       [](const Tree& t) { t.Node("etc/systemd/system/b.service", S_IFCHR); },
       {{kAdded, "etc/systemd/system/b.service"}}},

      // --- Code, added ------------------------------------------------------
      {"a program without an x bit",
       kNothing,
       Add("srv/picture.png", kElf),
       {{kAdded, "srv/picture.png"}}},
      {"a script without an x bit",
       kNothing,
       Add("srv/note", "#!/bin/sh\n"),
       {{kAdded, "srv/note"}}},
      {"a text with an x bit",
       kNothing,
       Add("srv/text", "text", 0755),
       {{kAdded, "srv/text"}}},
      {"byte code", kNothing, Add("srv/x", "\xa7\r\r\n"), {{kAdded, "srv/x"}}},
      {"a start-up file of Python",
       kNothing,
       Add("usr/lib/python3/x.pth", "import os\n"),
       {{kAdded, "usr/lib/python3/x.pth"}}},
      {"a start-up file of Perl",
       kNothing,
       Add("usr/lib/perl/List/Util/Util.bs", "text\n"),
       {{kAdded, "usr/lib/perl/List/Util/Util.bs"}}},
      {"a pickle of Python",
       kNothing,
       Add("srv/x", "\x80\4\x95"),
       {{kAdded, "srv/x"}}},
      {"a file system in a file",
       kNothing,
       Add("srv/x", "hsqs"),
       {{kAdded, "srv/x"}}},
      {"a compressed module of the kernel",
       kNothing,
       Add("usr/lib/modules/6.1/b.ko.zst", "\x28\xb5\x2f\xfd"),
       {{kAdded, "usr/lib/modules/6.1/b.ko.zst"}}},
      {"a second boot loader",
       kNothing,
       Add("boot/efi/EFI/BOOT/BOOTX64.EFI", "MZ"),
       {{kAdded, "boot/efi/EFI/BOOT/BOOTX64.EFI"}}},
      {"data, in the scope everything",
       kNothing,
       Add("etc/note"),
       {{kAdded, "etc/note"}},
       kEverything},
      {"a FIFO, in the scope everything",
       kNothing,
       [](const Tree& t) { t.Node("srv/fifo", S_IFIFO); },
       {{kAdded, "srv/fifo"}},
       kEverything},

      // --- Names ------------------------------------------------------------
      {"a program removed",
       kNothing,
       [](const Tree& t) { t.Remove("usr/bin/ls"); },
       {{kMissing, "usr/bin/ls"}}},
      {"a folder removed",
       kNothing,
       [](const Tree& t) { t.Remove("usr/lib/python3"); },
       {{kMissing, "usr/lib/python3"}, {kMissing, "usr/lib/python3/site.py"}}},
      {"a name in another case",
       kNothing,
       [](const Tree& t) { t.Rename("usr/bin/ls", "usr/bin/LS"); },
       {{kAdded, "usr/bin/LS"}, {kMissing, "usr/bin/ls"}}},
      {"a name with a blank behind it",
       kNothing,
       Add("usr/bin/ls ", kElf, 0755),
       {{kAdded, "usr/bin/ls "}}},
      {"a name with a dot before it",
       kNothing,
       Add("usr/bin/.ls", kElf, 0755),
       {{kAdded, "usr/bin/.ls"}}},
      {"a name with a line feed",
       kNothing,
       Add("usr/bin/a\nACCEPTED", kElf, 0755),
       {{kAdded, "usr/bin/a\nACCEPTED"}}},
      {"a name with escape codes",
       kNothing,
       Add("usr/bin/\x1b[2J\x1b]0;x\a", kElf, 0755),
       {{kAdded, "usr/bin/\x1b[2J\x1b]0;x\a"}}},
      {"a name that is no UTF-8",
       kNothing,
       Add("usr/bin/\xff\xfe", kElf),
       {{kAdded, "usr/bin/\xff\xfe"}}},
      {"a name that reads from right to left",
       kNothing,
       Add("usr/bin/\u202esl", kElf),
       {{kAdded, "usr/bin/\u202esl"}}},
      {"a name that looks like another",
       kNothing,
       Add("usr/bin/l\u0455", kElf),
       {{kAdded, "usr/bin/l\u0455"}}},
      {"a name too long for a path",
       kNothing,
       AddFarBelow("srv"),
       {{kLimitExceeded,
         [] {
           std::string name = "srv";
           for (int i = 0; i < 17; ++i) name += "/" + std::string(250, 'd');
           return name;
         }()}}},

      // --- Links ------------------------------------------------------------
      {"a link that leads to another program",
       kNothing,
       AddLink("usr/bin/view", "su"),
       {{kLink, "usr/bin/view"}}},
      {"a link to the same program by another path",
       kNothing,
       AddLink("usr/bin/view", "/usr/bin/ls"),
       {{kLink, "usr/bin/view"}}},
      {"a link that leads to data now",
       kNothing,
       AddLink("usr/lib/libc.so", "../share/doc/readme"),
       {{kLink, "usr/lib/libc.so"}}},
      {"a link to data that leads to a program now",
       kNothing,
       AddLink("srv/current", "../usr/bin/su"),
       {{kAdded, "srv/current"}}},
      {"a link removed",
       kNothing,
       [](const Tree& t) { t.Remove("usr/bin/view"); },
       {{kMissing, "usr/bin/view"}}},
      {"a second name for a program, by a link",
       kNothing,
       AddLink("usr/bin/cat", "su"),
       {{kAdded, "usr/bin/cat"}}},
      {"a link that leads nowhere yet",
       kNothing,
       AddLink("usr/bin/cat", "/srv/later"),
       {{kAdded, "usr/bin/cat"}}},
      {"a link that leads out of the image",
       kNothing,
       AddLink("usr/bin/cat", "../../../../../../bin/cat"),
       {{kAdded, "usr/bin/cat"}}},
      {"a program replaced by a link to a copy of it",
       kNothing,
       [](const Tree& t) {
         t.Rename("usr/bin/ls", "srv/ls");
         t.Link("usr/bin/ls", "/srv/ls");
       },
       {{kAdded, "srv/ls"}, {kType, "usr/bin/ls"}}},
      {"a link replaced by a copy of what it leads to",
       kNothing,
       [](const Tree& t) {
         t.Remove("usr/bin/view");
         t.Write("usr/bin/view", kElf + "ls", 0755);
       },
       {{kType, "usr/bin/view"}}},
      {"a folder replaced by a link to a copy of it",
       kNothing,
       [](const Tree& t) {
         t.Rename("usr/lib/python3", "srv/python3");
         t.Link("usr/lib/python3", "/srv/python3");
       },
       {{kAdded, "srv/python3/site.py"},
        {kType, "usr/lib/python3"},
        {kMissing, "usr/lib/python3/site.py"}}},
      {"a hard link moved to another file",
       kNothing,
       [](const Tree& t) { t.HardLink("usr/bin/gunzip", "usr/bin/ls"); },
       {{kContent, "usr/bin/gunzip"}}},
      {"a second name for a program, by a hard link",
       kNothing,
       [](const Tree& t) { t.HardLink("usr/bin/cat", "usr/bin/su"); },
       {{kAdded, "usr/bin/cat"}}},
      {"one name of a hard link written to",
       kNothing,
       [](const Tree& t) { t.Append("usr/bin/gunzip", "x"); },
       {{kContent, "usr/bin/gunzip"}, {kContent, "usr/bin/gzip"}}},

      // --- Other things in the place of a file ------------------------------
      {"a folder in the place of a program",
       kNothing,
       [](const Tree& t) {
         t.Remove("usr/bin/ls");
         t.Folder("usr/bin/ls");
       },
       {{kType, "usr/bin/ls"}}},
      {"a FIFO in the place of a program",
       kNothing,
       [](const Tree& t) { t.Node("usr/bin/ls", S_IFIFO); },
       {{kType, "usr/bin/ls"}}},
      {"a socket in the place of a program",
       kNothing,
       [](const Tree& t) { t.Node("usr/bin/ls", S_IFSOCK); },
       {{kType, "usr/bin/ls"}}},
      {"a device in the place of a program",
       kRoot,
       [](const Tree& t) { t.Node("usr/bin/ls", S_IFCHR, ::makedev(1, 5)); },
       {{kType, "usr/bin/ls"}}},
      {"a whiteout of an overlay in the place of a program",
       kRoot,
       [](const Tree& t) { t.Node("usr/bin/ls", S_IFCHR, 0); },
       {{kType, "usr/bin/ls"}}},

      // --- Rights -----------------------------------------------------------
      {"setuid added",
       kNothing,
       [](const Tree& t) { t.Mode("usr/bin/ls", 04755); },
       {{kMode, "usr/bin/ls"}}},
      {"setgid added",
       kNothing,
       [](const Tree& t) { t.Mode("usr/bin/ls", 02755); },
       {{kMode, "usr/bin/ls"}}},
      {"setuid taken away",
       kNothing,
       [](const Tree& t) { t.Mode("usr/bin/su", 0755); },
       {{kMode, "usr/bin/su"}}},
      {"setuid on what was data",
       kNothing,
       [](const Tree& t) { t.Mode("etc/hostname", 04644); },
       {{kAdded, "etc/hostname"}}},
      {"a program that everybody may write to",
       kNothing,
       [](const Tree& t) { t.Mode("usr/bin/ls", 0777); },
       {{kMode, "usr/bin/ls"}}},
      {"a program with mode 000",
       kRoot,
       [](const Tree& t) { t.Mode("usr/bin/ls", 0); },
       {{kMode, "usr/bin/ls"}}},
      {"an access list that lets another write",
       kRoot,
       [](const Tree& t) {
         // user::rwx user:65534:rwx group::r-x mask::rwx other::r-x
         const std::string list =
             "\2\0\0\0"
             "\1\0\7\0\xff\xff\xff\xff"
             "\2\0\7\0\xfe\xff\0\0"
             "\4\0\5\0\xff\xff\xff\xff"
             "\x10\0\7\0\xff\xff\xff\xff"
             "\x20\0\5\0\xff\xff\xff\xff"s;
         EXPECT_EQ(
             ::setxattr(t.Path("usr/bin/ls").c_str(), "system.posix_acl_access",
                        list.data(), list.size(), 0),
             0);
       },
       {{kMode, "usr/bin/ls"}}},
      {"a folder of programs that everybody may write to",
       kNothing,
       [](const Tree& t) { t.Mode("usr/bin", 0777); },
       {{kMode, "usr/bin"}}},
      {"an empty folder of programs that everybody may write to",
       kNothing,
       [](const Tree& t) { t.Folder("usr/local/sbin", 0777); },
       {{kAdded, "usr/local/sbin"}}},
      {"an empty folder of start-up files that everybody may write to",
       kNothing,
       [](const Tree& t) { t.Folder("etc/cron.d", 0777); },
       {{kAdded, "etc/cron.d"}}},
      {"an empty folder of Python's modules that is another's",
       kRoot,
       [](const Tree& t) {
         t.Folder("usr/local/lib/python3.11/dist-packages");
         t.Owner("usr/local/lib/python3.11/dist-packages", 65534, 0);
       },
       {{kAdded, "usr/local/lib/python3.11/dist-packages"}}},
      {"an empty folder of programs that more may write to",
       kNothing,
       [](const Tree& t) { t.Mode("usr/local/games", 0777); },
       {{kMode, "usr/local/games"}}},
      {"a root that everybody may write to",
       kNothing,
       [](const Tree& t) { t.Mode("", 0777); },
       {{kMode, "."}}},
      {"a root that is another's",
       kRoot,
       [](const Tree& t) { t.Owner("", 65534, 0); },
       {{kOwner, "."}}},
      {"a disk for everybody, outside dev",
       kRoot,
       [](const Tree& t) {
         t.Node("usr/lib/sda", S_IFBLK, ::makedev(8, 0));
         t.Mode("usr/lib/sda", 0666);
       },
       {{kAdded, "usr/lib/sda"}}},
      {"the kernel's memory, outside dev",
       kRoot,
       [](const Tree& t) { t.Node("srv/mem", S_IFCHR, ::makedev(1, 1)); },
       {{kAdded, "srv/mem"}}},
      {"a sticky folder without its sticky bit",
       kNothing,
       [](const Tree& t) { t.Mode("tmp", 0777); },
       {{kMode, "tmp"}}},
      {"another owner",
       kRoot,
       [](const Tree& t) { t.Owner("usr/lib/libc.so.6", 65534, 0); },
       {{kOwner, "usr/lib/libc.so.6"}}},
      {"another group",
       kRoot,
       [](const Tree& t) { t.Owner("usr/lib/libc.so.6", 0, 65534); },
       {{kOwner, "usr/lib/libc.so.6"}}},
      {"another owner of a folder of programs",
       kRoot,
       [](const Tree& t) { t.Owner("usr/bin", 65534, 0); },
       {{kOwner, "usr/bin"}}},
      {"another owner of a link",
       kRoot,
       [](const Tree& t) { t.Owner("usr/bin/view", 65534, 0); },
       {{kOwner, "usr/bin/view"}}},
      {"a capability added",
       kRoot,
       [](const Tree& t) { t.Capability("usr/bin/ls", kSysAdmin); },
       {{kCapability, "usr/bin/ls"}}},
      {"a capability exchanged",
       kRoot,
       [](const Tree& t) { t.Capability("usr/bin/ping", kSysAdmin); },
       {{kCapability, "usr/bin/ping"}}},
      {"a capability taken away",
       kRoot,
       [](const Tree& t) {
         EXPECT_EQ(::removexattr(t.Path("usr/bin/ping").c_str(),
                                 "security.capability"),
                   0);
       },
       {{kCapability, "usr/bin/ping"}}},

      // --- Mounts -----------------------------------------------------------
      {"another file mounted over a program",
       kMounts,
       [](const Tree& t) {
         t.Mount(t.Path("usr/bin/su"), "usr/bin/ls", nullptr, MS_BIND);
       },
       {{kHiddenByMount, "usr/bin/ls"}}},
      {"a folder mounted over one with programs",
       kMounts,
       [](const Tree& t) {
         t.Mount(t.Path("srv"), "usr/bin", nullptr, MS_BIND);
       },
       {{kHiddenByMount, "usr/bin"}}},
      {"an empty file system mounted over libraries",
       kMounts,
       [](const Tree& t) { t.Mount("none", "usr/lib", "tmpfs", 0); },
       {{kHiddenByMount, "usr/lib"}}},
      {"a program hidden under a mount",
       kMounts,
       [](const Tree& t) {
         t.Write("opt/data/evil", kElf);
         t.Mount("none", "opt/data", "tmpfs", MS_NOEXEC | MS_NOSUID);
       },
       {{kAdded, "opt/data/evil"}}},
      {"a program in an excluded folder",
       kNothing,
       Add("var/log/evil", kElf),
       {{kExcludedExecutable, "var/log"}}},
      {"a script deep in an excluded folder",
       kNothing,
       Add("var/log/a/b/c", "#!/bin/sh\n"),
       {{kExcludedExecutable, "var/log"}}},
      {"what starts code in an excluded folder",
       kNothing,
       Add("var/log/pyvenv.cfg"),
       {{kExcludedExecutable, "var/log"}}},
      {"the same, in the scope everything",
       kNothing,
       Add("var/log/pyvenv.cfg"),
       {{kExcludedExecutable, "var/log"}},
       kEverything},
      {"an excluded folder replaced by a link",
       kNothing,
       AddLink("var/log", "/srv"),
       {{kExcludedExecutable, "var/log"}}},
      {"a link in an excluded folder to a program",
       kNothing,
       AddLink("var/log/a/b", "/usr/bin/ls"),
       {{kExcludedExecutable, "var/log"}}},
      {"a link in an excluded folder to a folder outside",
       kNothing,
       AddLink("var/log/a/b", "../../../srv"),
       {{kExcludedExecutable, "var/log"}}},
      {"links in an excluded folder that take too long to follow",
       kNothing,
       AddSlowLinks("var/log"),
       {{kLimitExceeded, "var/log"}}},
      {"too many links in an excluded folder",
       kNothing,
       [](const Tree& t) {
         for (int i = 0; i <= 10'000; ++i) {
           fs::create_symlink(".", t.Path("var/log/" + std::to_string(i)));
         }
       },
       {{kLimitExceeded, "var/log"}}},
      {"a device in an excluded folder",
       kRoot,
       [](const Tree& t) { t.Node("var/log/sda", S_IFBLK, ::makedev(8, 0)); },
       {{kExcludedExecutable, "var/log"}}},
      {"an excluded folder that is a mount with programs allowed",
       kMounts,
       [](const Tree& t) { t.Mount("none", "var/log", "tmpfs", MS_NOSUID); },
       {{kExcludedExecutable, "var/log"}}},
      {"an excluded folder that is a mount with setuid allowed",
       kMounts,
       [](const Tree& t) { t.Mount("none", "var/log", "tmpfs", MS_NOEXEC); },
       {{kExcludedExecutable, "var/log"}}},
  };
  return *all;
}

// What is done to an image every day, and must not be found.
const std::vector<Manipulation>& Harmless() {
  static const auto* const all = new std::vector<Manipulation>{
      {"nothing", Needs::kNothing, [](const Tree&) {}, {}},
      {"nothing, in the scope everything",
       Needs::kNothing,
       [](const Tree&) {},
       {},
       ManifestScope::kEverything},
      {"times",
       Needs::kNothing,
       [](const Tree& t) {
         fs::last_write_time(t.Path("usr/bin/ls"),
                             fs::file_time_type::clock::now());
       },
       {}},
      {"data changed", Needs::kNothing, Add("etc/hostname", "x\n"), {}},
      {"data added", Needs::kNothing, Add("srv/data"), {}},
      {"what boots and logins write",
       Needs::kNothing,
       [](const Tree& t) {
         for (const char* const name :
              {"etc/.updated", "etc/.pwd.lock", "etc/adjtime", "etc/machine-id",
               "etc/passwd-", "etc/resolv.conf", "etc/ssh/ssh_host_rsa_key",
               "etc/lvm/backup/vg", "root/.bash_history"}) {
           t.Write(name, "text\n");
         }
       },
       {}},
      {"a line in an excluded folder",
       Needs::kNothing,
       Add("var/log/other", "a line\n"),
       {},
       ManifestScope::kEverything},
      {"links in an excluded folder: to data, to nothing and to folders of it",
       Needs::kNothing,
       [](const Tree& t) {
         t.Folder("var/log/a/b");
         t.Link("var/log/a/data", "/etc/hostname");
         t.Link("var/log/a/gone", "nothing");
         t.Link("var/log/a/b/up", "../..");
         t.Link("var/log/b", "/var/log/a/b");
       },
       {}},
      {"a path in an excluded folder that is too long",
       Needs::kNothing,
       AddFarBelow("var/log"),
       {}},
      {"a link to data",
       Needs::kNothing,
       AddLink("srv/now", "/usr/share/doc/readme"),
       {}},
      {"folders of programs and of data",
       Needs::kNothing,
       [](const Tree& t) {
         t.Folder("usr/local/sbin");
         t.Folder("srv/upload", 0777);
       },
       {}},
      {"a device in dev, and a whiteout of an overlay",
       Needs::kRoot,
       [](const Tree& t) {
         t.Folder("dev");
         t.Node("dev/sda", S_IFBLK, ::makedev(8, 0));
         t.Node("srv/gone", S_IFCHR, 0);
         t.Node("var/log/gone", S_IFCHR, 0);
         t.Node("var/log/pipe", S_IFIFO);
       },
       {}},
      {"a hole stored as zeros",
       Needs::kNothing,
       [](const Tree& t) {
         t.Write("usr/bin/sparse",
                 kElf + std::string((1 << 20) - kElf.size(), '\0'), 0755);
       },
       {}},
      {"a hard link that became a copy",
       Needs::kNothing,
       [](const Tree& t) {
         t.Remove("usr/bin/gunzip");
         t.Write("usr/bin/gunzip", kElf + "gzip", 0755);
       },
       {}},
      {"an excluded folder that is a mount without programs",
       Needs::kMounts,
       [](const Tree& t) {
         t.Mount("none", "var/log", "tmpfs", MS_NOEXEC | MS_NOSUID);
       },
       {}},
      {"a mount where nothing is",
       Needs::kMounts,
       [](const Tree& t) { t.Mount("none", "tmp", "tmpfs", 0); },
       {}},
  };
  return *all;
}

bool IsRoot() { return ::geteuid() == 0; }

// Whether mounts of this test are its own.
bool HasMounts() {
  static const bool has =
      ::unshare(CLONE_NEWNS) == 0 &&
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return has;
}

class ManipulationTest : public ::testing::Test {
 protected:
  static bool Can(Needs needs) {
    switch (needs) {
      case Needs::kNothing:
        return true;
      case Needs::kRoot:
        return IsRoot();
      case Needs::kMounts:
        return HasMounts();
    }
    return false;
  }

  void SetUp() override {
    HasMounts();
    char name[] = "/tmp/anchorage-image-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    ::umask(022);
  }
  void TearDown() override { Clean(folder_); }

  static void Clean(const std::string& folder) {
    std::error_code ignored;
    std::vector<std::string> mounts;
    std::ifstream list("/proc/self/mounts");
    for (std::string device, point, rest; list >> device >> point;) {
      std::getline(list, rest);
      if (point.starts_with(folder)) mounts.push_back(point);
    }
    for (auto it = mounts.rbegin(); it != mounts.rend(); ++it) {
      ::umount2(it->c_str(), MNT_DETACH);
    }
    // What was made immutable.
    const std::string path = folder + "/usr/bin/ls";
    const int file = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    int flags = 0;
    if (file >= 0) ::ioctl(file, FS_IOC_SETFLAGS, &flags);
    ::close(file);
    fs::remove_all(folder, ignored);
  }

  static verify::ImageManifest ManifestOf(const Tree& tree,
                                          ManifestScope scope) {
    verify::ImageManifest manifest;
    manifest.product = "image";
    manifest.scope = scope;
    manifest.exclusions = {"var/log"};
    auto listed = ListImage(tree.root(),
                            {.scope = scope, .exclusions = manifest.exclusions},
                            Options());
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (!listed.ok()) return manifest;
    for (const auto& p : listed->problems) ADD_FAILURE() << TextOf(p);
    manifest.entries = std::move(listed->found);
    return manifest;
  }

  static InventoryOptions Options() {
    return {.as_seen = !HasMounts(), .threads = 2};
  }

  static std::vector<std::string> Differences(
      const Tree& tree, const verify::ImageManifest& manifest) {
    auto found = ExamineImage(tree.root(), manifest, Options());
    EXPECT_TRUE(found.ok()) << found.status();
    if (!found.ok()) return {};
    const auto comparison = verify::Compare(manifest, std::move(found->found),
                                            std::move(found->problems));
    std::vector<std::string> lines;
    for (const auto& difference : comparison.differences) {
      lines.push_back(std::string(NameOf(difference.reason)) + " " +
                      difference.name);
      const std::string text = TextOf(difference);
      for (const char c : text) EXPECT_GE(static_cast<unsigned char>(c), ' ');
    }
    return lines;
  }

  void Try(const Manipulation& manipulation) {
    SCOPED_TRACE(manipulation.what);
    if (!Can(manipulation.needs)) {
      std::cout << "skipped: " << manipulation.what << ": needs "
                << (manipulation.needs == Needs::kRoot ? "root"
                                                       : "CAP_SYS_ADMIN")
                << "\n";
      return;
    }
    const Tree tree(folder_ + "/root");
    MakeImage(tree);
    if (IsRoot()) tree.Capability("usr/bin/ping", kNetRaw);
    const auto manifest = ManifestOf(tree, manipulation.scope);
    manipulation.change(tree);
    std::vector<std::string> expected;
    for (const Found& found : manipulation.found) {
      expected.push_back(std::string(NameOf(found.reason)) + " " + found.name);
    }
    EXPECT_THAT(Differences(tree, manifest),
                ::testing::UnorderedElementsAreArray(expected));
    Clean(tree.root());
    ++tried_;
  }

  std::string folder_;
  int tried_ = 0;
};

TEST_F(ManipulationTest, EachIsFoundWithItsReason) {
  EXPECT_GE(Manipulations().size(), 60u);
  for (const Manipulation& m : Manipulations()) Try(m);
  std::cout << tried_ << " of " << Manipulations().size()
            << " manipulations tried\n";
}

TEST_F(ManipulationTest, WhatIsHarmlessIsNotFound) {
  for (const Manipulation& m : Harmless()) Try(m);
}

// Nobody waits for all of them: what is left then counts, whatever it leads to.
TEST_F(ManipulationTest, LinksThatTakeTooLongToFollowAreFound) {
  const Tree tree(folder_ + "/root");
  MakeImage(tree);
  const auto manifest = ManifestOf(tree, ManifestScope::kCode);
  AddSlowLinks("srv/links")(tree);
  const auto lines = Differences(tree, manifest);
  EXPECT_THAT(lines, ::testing::Contains("ADDED srv/links/9899"));
  EXPECT_THAT(lines,
              ::testing::Not(::testing::Contains("ADDED srv/links/1000")));
}

TEST_F(ManipulationTest, TheManualHasTheTable) {
  std::string table;
  for (const Manipulation& m : Manipulations()) {
    std::string reasons;
    for (const Found& found : m.found) {
      const std::string reason = "`" + std::string(NameOf(found.reason)) + "`";
      if (reasons.find(reason) == std::string::npos) {
        reasons += (reasons.empty() ? "" : ", ") + reason;
      }
    }
    table += "| " + std::string(m.what) + " | " + reasons + " |\n";
  }
  std::ifstream file("client/image/README.md");
  std::stringstream manual;
  manual << file.rdbuf();
  EXPECT_NE(manual.str().find(table), std::string::npos) << table;
}

TEST_F(ManipulationTest, AMountThatAllowsDevicesIsNoted) {
  if (!HasMounts()) GTEST_SKIP() << "needs CAP_SYS_ADMIN, to mount";
  const Tree tree(folder_ + "/root");
  MakeImage(tree);
  const auto manifest = ManifestOf(tree, ManifestScope::kCode);
  tree.Mount("none", "var/log", "tmpfs", MS_NOEXEC | MS_NOSUID);
  const auto found = ExamineImage(tree.root(), manifest, Options());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(found->problems.empty());
  EXPECT_THAT(found->notes,
              ::testing::Contains("var/log: a mount (tmpfs) without nodev"));
}

// Whoever has the disk can write into a folder's list that a program is a FIFO:
// the kernel starts it all the same.
TEST_F(ManipulationTest, AProgramThatItsFolderCallsAFifoIsFound) {
  const Tree tree(folder_ + "/root");
  MakeImage(tree);
  const auto manifest = ManifestOf(tree, ManifestScope::kCode);
  tree.Write("usr/bin/called-fifo", kElf, 0755);
  const auto run = [&](const std::string& command) {
    return std::system(
               ("PATH=$PATH:/usr/sbin; cd " + folder_ + " && " + command)
                   .c_str()) == 0;
  };
  // A list without a check sum can be changed with one byte.
  if (!HasMounts() ||
      !run("truncate -s 8M disk && mke2fs -q -t ext4 -O ^metadata_csum -d "
           "root disk")) {
    GTEST_SKIP() << "needs CAP_SYS_ADMIN and mke2fs";
  }
  std::stringstream bytes;
  bytes << std::ifstream(folder_ + "/disk", std::ios::binary).rdbuf();
  // The length of the name, and the type: 1 is a file, 5 a FIFO (ext4).
  const std::size_t at = bytes.str().find(
      "\x0b\x01"
      "called-fifo");
  ASSERT_NE(at, std::string::npos);
  std::fstream disk(folder_ + "/disk");
  disk.seekp(static_cast<std::streamoff>(at) + 1).put('\x05');
  disk.close();
  if (!run("mkdir mounted && mount -o loop,ro disk mounted")) {
    GTEST_SKIP() << "needs a loop device";
  }
  EXPECT_THAT(Differences(Tree(folder_ + "/mounted"), manifest),
              ::testing::ElementsAre("CHANGED_WHILE_READ usr/bin/called-fifo"));
}

TEST_F(ManipulationTest, WhatNobodyMayReadIsAFailure) {
  if (!IsRoot()) GTEST_SKIP() << "needs root, to be somebody else";
  const Tree tree(folder_ + "/root");
  MakeImage(tree);
  const auto manifest = ManifestOf(tree, ManifestScope::kCode);
  tree.Mode("usr/bin/ls", 0711);
  tree.Folder("usr/lib/python3", 0700);
  EXPECT_EQ(::chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  const auto refused = ExamineImage(tree.root(), manifest, {});
  auto found = ExamineImage(tree.root(), manifest, {.as_seen = true});
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(refused.status())) << refused.status();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(found->as_seen);
  std::vector<std::string> lines;
  for (const auto& p : found->problems) {
    lines.push_back(std::string(NameOf(p.reason)) + " " + p.name);
  }
  EXPECT_THAT(lines, ::testing::ElementsAre("UNREADABLE usr/bin/ls",
                                            "UNREADABLE usr/lib/python3"));
}

TEST_F(ManipulationTest, AnOverlaysUpperFolderIsFound) {
  if (!HasMounts()) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
  // On a file system of its own, as the one below may be an overlay.
  const Tree disk(folder_ + "/disk");
  disk.Mount("none", "", "tmpfs", 0);
  const Tree lower(disk.Path("lower")), upper(disk.Path("upper")),
      work(disk.Path("work")), merged(disk.Path("merged"));
  MakeImage(lower);
  merged.Mount("none", "", "overlay", 0,
               "lowerdir=" + lower.root() + ",upperdir=" + upper.root() +
                   ",workdir=" + work.root());
  const auto manifest = ManifestOf(merged, ManifestScope::kCodeAndStartup);
  merged.Write("etc/hostname", "data\n");
  EXPECT_THAT(Differences(merged, manifest), ::testing::IsEmpty());
  merged.Remove("usr/bin/su");
  merged.Write("usr/lib/libc.so.6", kElf + "libd");
  EXPECT_THAT(
      Differences(merged, manifest),
      ::testing::UnorderedElementsAre("OVERLAY_UPPER .", "MISSING usr/bin/su",
                                      "CONTENT usr/lib/libc.so.6"));
}

TEST_F(ManipulationTest, ManifestsOfTwoRunsAreTheSame) {
  const Tree tree(folder_ + "/root");
  MakeImage(tree);
  for (int i = 0; i < 200; ++i) {
    tree.Write("usr/lib/many/" + std::to_string(i) + ".py",
               std::string(static_cast<std::size_t>(i) * 997, 'x'));
  }
  const auto one = ListImage(tree.root(), {.scope = ManifestScope::kEverything},
                             {.as_seen = !HasMounts(), .threads = 1});
  const auto many =
      ListImage(tree.root(), {.scope = ManifestScope::kEverything},
                {.as_seen = !HasMounts(), .threads = 16});
  ASSERT_TRUE(one.ok() && many.ok());
  EXPECT_EQ(one->found, many->found);
}

}  // namespace
}  // namespace anchorage::client

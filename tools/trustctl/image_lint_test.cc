#include "tools/trustctl/image_lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "test/support/run_command.h"
#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A tree of an image; the first is one in which nothing is found.
class Tree {
 public:
  Tree() : root_(::testing::TempDir() + "/tree") {
    fs::remove_all(root_);
    Write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    Write("/etc/fstab",
          "# nothing is written\n"
          "/dev/mapper/root / erofs ro 0 0\n"
          "tmpfs /tmp tmpfs defaults 0 0\n");
    Write("/etc/shadow", "root:*:19000:0:99999:7:::\ndaemon:!:19000::::::\n");
    Write("/etc/kernel/cmdline", "root=/dev/mapper/root ro quiet\n");
    // systemd brings these along, and nothing starts them.
    Write("/usr/lib/systemd/system/serial-getty@.service", "[Service]\n");
    Write("/usr/lib/systemd/system/debug-shell.service",
          "[Install]\nWantedBy=sysinit.target\n");
    Write("/usr/lib/systemd/system/dev-sda2.swap", "[Swap]\n");
    Link("/lib", "usr/lib");
  }

  Tree& Write(const std::string& path, const std::string& text = "x") {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
    return *this;
  }
  Tree& Link(const std::string& path, const std::string& target) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    fs::create_symlink(target, root_ + path);
    return *this;
  }
  Tree& Enable(const std::string& unit) {
    return Link("/etc/systemd/system/multi-user.target.wants/" + unit,
                "/usr/lib/systemd/system/" + unit);
  }

  const std::string& root() const { return root_; }

  // "rule file: what" of each finding.
  std::vector<std::string> Findings() const {
    const auto report = LintImage(root_);
    EXPECT_TRUE(report.ok()) << report.status();
    std::vector<std::string> lines;
    for (const LintFinding& finding : report->findings) {
      lines.push_back(std::string(finding.rule->id) + " " + finding.file +
                      ": " + finding.what);
    }
    return lines;
  }

  std::set<std::string> Rules() const {
    std::set<std::string> rules;
    for (const std::string& line : Findings()) {
      rules.insert(line.substr(0, line.find(' ')));
    }
    return rules;
  }

 private:
  std::string root_;
};

TEST(ImageLintTest, NothingIsFoundInAnImageThatIsAsItShouldBe) {
  EXPECT_THAT(Tree().Findings(), IsEmpty());
}

// Each row of the table, by each file and unit that it names.
TEST(ImageLintTest, EachFileOfARuleIsFound) {
  for (const LintRule& rule : LintRules()) {
    std::istringstream files{std::string(rule.files)};
    for (std::string pattern; files >> pattern;) {
      std::string path = pattern;
      std::replace(path.begin(), path.end(), '*', 'a');
      Tree tree;
      tree.Write(path);
      EXPECT_THAT(tree.Findings(), ElementsAre(std::string(rule.id) + " " +
                                               path + ": installed"));
    }
  }
}

TEST(ImageLintTest, WhatWasInstalledByHandIsFound) {
  EXPECT_THAT(Tree().Write("/usr/local/sbin/sshd").Rules(), ElementsAre("ssh"));
  EXPECT_THAT(Tree().Write("/usr/local/bin/amazon-ssm-agent").Rules(),
              ElementsAre("ssm"));
}

TEST(ImageLintTest, EachUnitOfARuleIsFound) {
  for (const LintRule& rule : LintRules()) {
    std::istringstream units{std::string(rule.units)};
    for (std::string pattern; units >> pattern;) {
      std::string unit = pattern;
      std::replace(unit.begin(), unit.end(), '*', 'a');
      const std::string id(rule.id);
      const std::string path = "/usr/lib/systemd/system/" + unit;
      Tree installed;
      installed.Write(path, "[Unit]\n");
      if (rule.only_started) {
        EXPECT_THAT(installed.Findings(), IsEmpty()) << unit;
      } else {
        EXPECT_THAT(installed.Findings(),
                    ElementsAre(id + " " + path + ": installed"));
      }
      Tree enabled;
      enabled.Write(path, "[Unit]\n").Enable(unit);
      EXPECT_THAT(
          enabled.Findings(),
          ElementsAre(id + " /etc/systemd/system/multi-user.target.wants/" +
                      unit + ": enabled"));
      Tree masked;
      masked.Write(path, "[Unit]\n")
          .Enable(unit)
          .Link("/etc/systemd/system/" + unit, "/dev/null");
      if (rule.only_started) {
        EXPECT_THAT(masked.Findings(), IsEmpty()) << unit;
      } else {
        EXPECT_THAT(masked.Findings(), Contains(HasSubstr("masked")));
      }
    }
  }
}

TEST(ImageLintTest, AUnitIsEnabledByMoreThanWants) {
  for (const char* folder : {"/etc/systemd/system/a.target.requires/",
                             "/usr/lib/systemd/system/a.target.upholds/",
                             "/usr/local/lib/systemd/system/a.service.wants/",
                             "/lib/systemd/system/getty.target.wants/"}) {
    Tree tree;
    tree.Link(std::string(folder) + "serial-getty@ttyS0.service",
              "../serial-getty@.service");
    EXPECT_THAT(tree.Rules(), ElementsAre("serial-getty")) << folder;
  }
  // A serial console is none by its template alone.
  for (const char* name : {"ttyS0", "ttyAMA0", "hvc0"}) {
    Tree tree;
    tree.Write("/usr/lib/systemd/system/getty@.service", "[Service]\n")
        .Link("/etc/systemd/system/getty.target.wants/getty@" +
                  std::string(name) + ".service",
              "/usr/lib/systemd/system/getty@.service");
    EXPECT_THAT(tree.Rules(), ElementsAre("serial-getty")) << name;
  }
  Tree screen;
  screen.Write("/usr/lib/systemd/system/getty@.service", "[Service]\n")
      .Enable("getty@tty1.service");
  EXPECT_THAT(screen.Findings(), IsEmpty());
  // A script of SysV, and one of which there is a unit.
  Tree sysv;
  sysv.Write("/etc/init.d/ssh").Link("/etc/rc3.d/S01ssh", "../init.d/ssh");
  EXPECT_THAT(sysv.Rules(), ElementsAre("ssh"));
  Tree stopped;
  stopped.Write("/etc/init.d/ssh").Link("/etc/rc3.d/K01ssh", "../init.d/ssh");
  EXPECT_THAT(stopped.Findings(), IsEmpty());
}

TEST(ImageLintTest, AUnitIsStartedByAnotherOne) {
  const std::string folder = "/etc/systemd/system/";
  const struct {
    const char* name;
    const char* text;
    const char* rule;
  } cases[] = {
      {"a.service", "[Unit]\nWants=b.service debug-shell.service\n",
       "debug-shell"},
      {"a.service", "[Unit]\nWants = \\\n# c\n \"debug-shell.service\"\n",
       "debug-shell"},
      {"a.service", "[Unit]\nRequires=serial-getty@ttyS0.service\n",
       "serial-getty"},
      {"a.service", "[Unit]\nUpholds=dev-sda2.swap\n", "swap"},
      {"a.service", "[Unit]\nBindsTo=debug-shell.service\n", "debug-shell"},
      {"a.service", "[Unit]\nOnFailure=debug-shell.service\n", "debug-shell"},
      {"basic.target.d/a.conf", "[Unit]\nWants=debug-shell.service\n",
       "debug-shell"},
      {"a.timer", "[Timer]\nUnit=debug-shell.service\n", "debug-shell"},
      {"debug-shell.path", "[Path]\nPathExists=/\n", "debug-shell"},
      {"a.service", "[Unit]\nAfter=debug-shell.service\n", ""},
      {"a.service", "[Unit]\n#Wants=debug-shell.service\n", ""},
      // There is none.
      {"a.service", "[Unit]\nWants=console-getty.service\n", ""},
  };
  for (const auto& each : cases) {
    Tree tree;
    tree.Write(folder + each.name, each.text);
    if (*each.rule == '\0') {
      EXPECT_THAT(tree.Findings(), IsEmpty()) << each.text;
      continue;
    }
    EXPECT_THAT(tree.Findings(),
                ElementsAre(AllOf(HasSubstr(each.rule),
                                  HasSubstr(folder + each.name + ": starts "))))
        << each.text;
  }
  // By another name.
  Tree alias;
  alias.Link(folder + "a.service",
             "/usr/lib/systemd/system/debug-shell.service");
  EXPECT_THAT(alias.Findings(),
              ElementsAre("debug-shell /etc/systemd/system/a.service: starts "
                          "debug-shell.service"));
  // What is masked is not started.
  Tree masked;
  masked.Write(folder + "a.service", "[Unit]\nWants=debug-shell.service\n")
      .Link(folder + "debug-shell.service", "/dev/null");
  EXPECT_THAT(masked.Findings(), IsEmpty());
}

TEST(ImageLintTest, AMaskedTemplateMasksItsInstances) {
  Tree tree;
  tree.Enable("serial-getty@ttyS0.service")
      .Link("/etc/systemd/system/serial-getty@.service", "/dev/null");
  EXPECT_THAT(tree.Findings(), IsEmpty());
  Tree empty;
  empty.Enable("debug-shell.service")
      .Write("/etc/systemd/system/debug-shell.service", "");
  EXPECT_THAT(empty.Findings(), IsEmpty());
  // What is in /etc counts, not what it replaces.
  Tree replaced;
  replaced.Enable("debug-shell.service")
      .Write("/etc/systemd/system/debug-shell.service", "[Service]\n");
  EXPECT_THAT(replaced.Rules(), ElementsAre("debug-shell"));
}

TEST(ImageLintTest, PresetsCountOnTheFirstBoot) {
  const auto first_boot = [](const std::string& presets) {
    Tree tree;
    fs::remove(tree.root() + "/etc/machine-id");
    if (!presets.empty()) {
      tree.Write("/usr/lib/systemd/system-preset/90-a.preset", presets);
    }
    return tree;
  };
  const std::string found =
      "debug-shell /usr/lib/systemd/system/debug-shell.service: enabled on the "
      "first boot";
  EXPECT_THAT(first_boot("").Findings(), ElementsAre(found));
  EXPECT_THAT(first_boot("enable debug-*\ndisable *\n").Findings(),
              ElementsAre(found));
  EXPECT_THAT(first_boot("disable debug-*\nenable *\n").Findings(), IsEmpty());
  Tree overruled = first_boot("disable *\n");
  overruled.Write("/etc/systemd/system-preset/10-b.preset", "enable *\n");
  EXPECT_THAT(overruled.Findings(), ElementsAre(found));
  Tree uninitialized;
  uninitialized.Write("/etc/machine-id", "uninitialized\n");
  EXPECT_THAT(uninitialized.Findings(), ElementsAre(found));
}

TEST(ImageLintTest, TheGeneratorOfGettysIsFoundWhereItMayStartOne) {
  const std::string generator =
      "/usr/lib/systemd/system-generators/systemd-getty-generator";
  Tree tree;
  tree.Write(generator);
  EXPECT_THAT(tree.Rules(), ElementsAre("serial-getty"));
  tree.Write("/etc/kernel/cmdline", "ro systemd.getty_auto=no");
  EXPECT_THAT(tree.Findings(), IsEmpty());
  tree.Write("/boot/loader/entries/b.conf", "title b\noptions ro\n");
  EXPECT_THAT(tree.Rules(), ElementsAre("serial-getty"));
  Tree masked;
  masked.Write(generator).Link("/etc/systemd/system/serial-getty@.service",
                               "/dev/null");
  EXPECT_THAT(masked.Findings(), IsEmpty());
  Tree disabled;
  disabled.Write(generator).Link(
      "/etc/systemd/system-generators/systemd-getty-generator", "/dev/null");
  EXPECT_THAT(disabled.Findings(), IsEmpty());
}

TEST(ImageLintTest, ChronyMustNotTakeCommands) {
  Tree tree;
  tree.Write("/usr/sbin/chronyd");
  EXPECT_THAT(tree.Rules(), ElementsAre("chrony"));
  tree.Write("/etc/chrony.conf", "server 169.254.169.123\n# cmdport 0\n");
  EXPECT_THAT(tree.Rules(), ElementsAre("chrony"));
  tree.Write("/etc/chrony.conf", "cmdport 323\n");
  EXPECT_THAT(tree.Rules(), ElementsAre("chrony"));
  for (const char* line : {"cmdport 323", "CmdPort 323", "cmdport",
                           "include /etc/x.conf", "confdir /etc/chrony.d"}) {
    tree.Write("/etc/chrony.conf", std::string("cmdport 0\n") + line + "\n");
    EXPECT_THAT(tree.Findings(), ElementsAre(HasSubstr(line))) << line;
  }
  tree.Write("/etc/chrony.conf", "cmdport 0\n");
  EXPECT_THAT(tree.Findings(), IsEmpty());
}

TEST(ImageLintTest, AccountsMustBeLocked) {
  Tree tree;
  tree.Write("/etc/shadow", "root::1::::::\na:$6$x$y:1::::::\nb:!$6$x:1:::\n");
  EXPECT_THAT(tree.Findings(),
              ElementsAre("password /etc/shadow: a has a password",
                          "password /etc/shadow: root needs no password"));
  // passwd(5): without an 'x' nobody asks /etc/shadow.
  const struct {
    const char* field;
    const char* what;
  } cases[] = {{"", "root needs no password"},
               {"$6$x$y", "root has a password"},
               {"xy", "root has a password"},
               {"x", ""},
               {"*", ""},
               {"!$6$x", ""}};
  for (const auto& each : cases) {
    Tree passwd;
    passwd.Write("/etc/passwd",
                 std::string("root:") + each.field + ":0:0::/root:/bin/sh\n");
    if (*each.what == '\0') {
      EXPECT_THAT(passwd.Findings(), IsEmpty()) << each.field;
    } else {
      EXPECT_THAT(
          passwd.Findings(),
          ElementsAre(std::string("password /etc/passwd: ") + each.what))
          << each.field;
    }
  }
}

TEST(ImageLintTest, WaysInThatAReviewFound) {
  EXPECT_THAT(Tree()
                  .Write("/usr/sbin/tinysshd")
                  .Write("/usr/lib/systemd/system/tinysshd.socket", "[Unit]\n")
                  .Enable("tinysshd.socket")
                  .Rules(),
              ElementsAre("ssh"));
  EXPECT_THAT(Tree().Write("/etc/inetd.conf", "telnet stream tcp\n").Rules(),
              ElementsAre("inetd"));
  EXPECT_THAT(
      Tree().Write("/etc/credstore/passwd.hashed-password.root").Rules(),
      ElementsAre("password"));
}

TEST(ImageLintTest, KeysAreFoundInEachHome) {
  const std::string keys = "/var/lib/postgresql/.ssh/authorized_keys";
  Tree tree;
  tree.Write(keys).Write("/dev/.ssh/authorized_keys");
  EXPECT_THAT(tree.Findings(), IsEmpty());
  tree.Write("/etc/passwd",
             "root:x:0:0::/root:/bin/sh\nsys:x:3:3::/dev:/bin/sh\n"
             "pg:x:9:9::/var/lib/postgresql/:/bin/sh\n");
  EXPECT_THAT(tree.Findings(),
              ElementsAre("authorized-keys " + keys + ": installed"));
}

TEST(ImageLintTest, RecordsOfAccountsAreLookedAt) {
  Tree tree;
  tree.Write("/etc/userdb/a.user", "{\"userName\":\"a\"}");
  EXPECT_THAT(tree.Findings(), IsEmpty());
  tree.Write("/etc/userdb/a.user-privileged",
             "{\"hashedPassword\":[\"$6$x$y\"]}");
  EXPECT_THAT(tree.Findings(),
              ElementsAre("password /etc/userdb/a.user-privileged: an account "
                          "with a password"));
  Tree key;
  key.Write("/usr/lib/userdb/a.user",
            "{\"privileged\":{\"sshAuthorizedKeys\":[\"x\"]}}");
  EXPECT_THAT(key.Rules(), ElementsAre("authorized-keys"));
}

TEST(ImageLintTest, PamMustNotLetEverybodyIn) {
  const struct {
    const char* file;
    const char* text;
    bool is_found;
  } cases[] = {
      {"/etc/pam.d/login", "auth sufficient pam_permit.so\n", true},
      {"/usr/lib/pam.d/login", "-auth required pam_permit.so\n", true},
      {"/etc/pam.d/login", "auth [success=done] \\\n pam_permit.so\n", true},
      {"/etc/pam.conf", "login AUTH sufficient pam_permit.so\n", true},
      {"/etc/pam.conf", "x\n", false},
      {"/etc/pam.d/x", "auth\n#auth required pam_permit.so\n", false},
      {"/etc/pam.d/x", "session optional pam_permit.so\n", false},
      // As pam-auth-update writes it.
      {"/etc/pam.d/common-auth",
       "auth [success=1 default=ignore] pam_unix.so nullok\n"
       "auth requisite pam_deny.so\nauth required pam_permit.so\n",
       false},
      {"/etc/pam.d/x", "auth optional pam_deny.so\nauth required pam_permit.so",
       true},
  };
  for (const auto& each : cases) {
    Tree tree;
    tree.Write(each.file, each.text);
    if (each.is_found) {
      EXPECT_THAT(tree.Rules(), ElementsAre("password")) << each.text;
    } else {
      EXPECT_THAT(tree.Findings(), IsEmpty()) << each.text;
    }
  }
}

TEST(ImageLintTest, NoGettyMayLogInByItself) {
  for (const char* option : {"--autologin root", "--auto=root", "-a root"}) {
    for (const char* file :
         {"getty@tty1.service.d/a.conf", "container-getty@.service"}) {
      Tree tree;
      tree.Write(
          std::string("/etc/systemd/system/") + file,
          std::string("[Service]\nExecStart=\nExecStart=-/sbin/agetty ") +
              option + " %I\n");
      EXPECT_THAT(tree.Rules(), ElementsAre("password")) << option;
    }
  }
  Tree tree;
  tree.Write(
      "/etc/systemd/system/getty@.service",
      "[Service]\nExecStart=-/sbin/agetty -o '-p -- \\\\u' --noclear %I\n");
  EXPECT_THAT(tree.Findings(), IsEmpty());
}

TEST(ImageLintTest, ParametersOfTheKernelAreLookedAt) {
  const struct {
    const char* cmdline;
    const char* rule;
  } cases[] = {
      {"rw", "writable-root"},
      {"ro systemd.debug-shell", "boot-parameter"},
      {"ro init=/bin/sh", "boot-parameter"},
      {"ro rd.root.overlay.write=/dev/vda4", "overlay-on-disk"},
      {"ro systemd.swap-extra=/dev/vda5", "swap"},
      {"ro a='b'", "unreadable"},
  };
  for (const auto& each : cases) {
    Tree kernel;
    kernel.Write("/etc/kernel/cmdline", each.cmdline);
    EXPECT_THAT(kernel.Rules(), ElementsAre(each.rule)) << each.cmdline;
    Tree grub;
    grub.Write("/etc/default/grub", std::string("GRUB_CMDLINE_LINUX=\"") +
                                        each.cmdline + "\"\nGRUB_TIMEOUT=1\n");
    EXPECT_THAT(grub.Rules(), ElementsAre(each.rule)) << each.cmdline;
  }
}

TEST(ImageLintTest, MountsThatKeepSomethingAreFound) {
  const struct {
    const char* line;
    const char* rule;
  } cases[] = {
      {"/dev/vda2 / ext4 defaults 0 1", "writable-root"},
      {"/dev/vda2 / ext4", "writable-root"},
      {"/dev/vda2 / ext4 ro,noatime 0 1", ""},
      {"/dev/vda2 / ext4 ro,rw 0 1", "writable-root"},
      {"/dev/vda2 / ext4 rw,ro 0 1", ""},
      {"/dev/vda2 / squashfs defaults", ""},
      {"/dev/vda1 /boot/efi vfat umask=0077", "writable-mount"},
      {"/dev/vda1 /boot/efi vfat ro", ""},
      {"LABEL=data /var ext4 error=remount-ro", "writable-mount"},
      {"fs-1:/ /data nfs4 defaults", "writable-mount"},
      {"/dev/vdb /var none bind", "writable-mount"},
      {"/data / none rbind", "writable-root"},
      {"/data /var none bind,ro", ""},
      {"/data /var tmpfs bind", "writable-mount"},
      {"/data /var tmpfs noexec\\054b\\151nd", "writable-mount"},
      {"/data /var overlay bind", "writable-mount"},
      {"/dev/vda5 none swap sw", "swap"},
      {"/dev/vda5 none swap sw,noauto", ""},
      {"/dev/vda5 none swap sw,noauto,auto", "swap"},
      {"o /etc overlay lowerdir=/etc,upperdir=/data/u,workdir=/data/w",
       "overlay-on-disk"},
      {"o /etc overlay lowerdir=/etc,upperdir=/run/../data/u",
       "overlay-on-disk"},
      {"o /etc overlay lowerdir=/etc,upperdir=/run/u,workdir=/run/w", ""},
      {"o /etc overlay lowerdir=/etc,upperdir=/tmp/u,workdir=/tmp/w", ""},
      {"o /etc overlay lowerdir=/a:/b", ""},
      {"/dev/vdb /run/d ext4 ro\no /etc overlay upperdir=/run/d/u",
       "overlay-on-disk"},
      {"/dev/vdb /run//d/ ext4 ro\no /etc overlay upperdir=/run/./d/u",
       "overlay-on-disk"},
      {"/dev/vdb /tmp/d ext4 ro\no /etc overlay upperdir=/tmp/d/u",
       "overlay-on-disk"},
      {"/dev/vdb /run/d ext4 ro\no /etc overlay upperdir=/run/dd/u", ""},
      {"/dev/vdb /data ext4 ro\ntmpfs /data/t tmpfs\n"
       "o /etc overlay upperdir=/data/t/u",
       ""},
      {"nonsense", "unreadable"},
  };
  for (const auto& each : cases) {
    Tree tree;
    tree.Write("/etc/fstab", std::string("tmpfs /tmp tmpfs\n") + each.line);
    if (*each.rule == '\0') {
      EXPECT_THAT(tree.Findings(), IsEmpty()) << each.line;
    } else {
      EXPECT_THAT(tree.Rules(), ElementsAre(each.rule)) << each.line;
    }
  }
}

TEST(ImageLintTest, MountUnitsCountWhereTheyAreNotMasked) {
  const std::string unit = "/usr/lib/systemd/system/var.mount";
  const std::string text = "[Mount]\nWhat=/dev/vda4\nWhere=/var\nType=ext4\n";
  Tree tree;
  // Nothing in a target starts it: an automount does, or a dependency.
  tree.Write(unit, text);
  EXPECT_THAT(tree.Findings(),
              ElementsAre("writable-mount " + unit + ": /dev/vda4 on /var ()"));
  tree.Write(unit, text + "Options=ro\n");
  EXPECT_THAT(tree.Findings(), IsEmpty());
  tree.Write(unit, text).Link("/etc/systemd/system/var.mount", "/dev/null");
  EXPECT_THAT(tree.Findings(), IsEmpty());
}

TEST(ImageLintTest, OverlayRootMayKeepItInMemoryAlone) {
  Tree tree;
  tree.Write("/etc/overlayroot.conf", "overlayroot=\"device:dev=/dev/vdb\"\n");
  EXPECT_THAT(tree.Rules(), ElementsAre("overlay-on-disk"));
  tree.Write("/etc/overlayroot.conf", "overlayroot=\"tmpfs\"\n");
  EXPECT_THAT(tree.Findings(), IsEmpty());
  tree.Write("/etc/overlayroot.conf", "overlayroot=\"\"\n");
  EXPECT_THAT(tree.Findings(), IsEmpty());
}

// --- A tree that is anyone's ------------------------------------------------

TEST(ImageLintTest, NoLinkLeadsOut) {
  const std::string outside = ::testing::TempDir() + "/outside";
  std::ofstream(outside) << "root::1::::::\n";
  Tree tree;
  fs::remove(tree.root() + "/etc/shadow");
  // An absolute one is of the image: there is no such file in it.
  tree.Link("/etc/shadow", outside);
  EXPECT_THAT(tree.Findings(), IsEmpty());
  fs::remove(tree.root() + "/etc/shadow");
  tree.Link("/etc/shadow", "../../../../../../../../../.." + outside);
  EXPECT_THAT(tree.Findings(), IsEmpty());
  fs::remove(tree.root() + "/etc/shadow");
  // One that stays inside is followed.
  tree.Write("/usr/share/shadow", "root::1::::::\n")
      .Link("/etc/shadow", "/usr/share/shadow");
  EXPECT_THAT(tree.Rules(), ElementsAre("password"));
}

TEST(ImageLintTest, NothingBlocksAndWhatCannotBeReadIsFound) {
  Tree fifo;
  fs::remove(fifo.root() + "/etc/shadow");
  ASSERT_EQ(::mkfifo((fifo.root() + "/etc/shadow").c_str(), 0600), 0);
  EXPECT_THAT(fifo.Findings(),
              ElementsAre("unreadable /etc/shadow: not a file"));
  Tree folder;
  fs::remove(folder.root() + "/etc/fstab");
  fs::create_directory(folder.root() + "/etc/fstab");
  EXPECT_THAT(folder.Rules(), ElementsAre("unreadable"));
  Tree large;
  large.Write("/etc/fstab", std::string((1 << 20) + 1, '#'));
  EXPECT_THAT(large.Findings(),
              ElementsAre("unreadable /etc/fstab: longer than 1 MiB"));
  Tree circle;
  fs::remove(circle.root() + "/etc/fstab");
  circle.Link("/etc/fstab", "fstab");
  EXPECT_THAT(circle.Findings(), IsEmpty());
}

TEST(ImageLintTest, ATreeThatStartsInAnotherWayIsNotTakenForAGoodOne) {
  Tree tree;
  fs::remove_all(tree.root() + "/usr/lib/systemd");
  EXPECT_THAT(tree.Rules(), ElementsAre("unreadable"));
}

TEST(ImageLintTest, ANameWithAStarIsOnlyAName) {
  Tree tree;
  tree.Write("/home/*/.ssh/authorized_keys").Write("/home/**/.ssh/x");
  EXPECT_THAT(tree.Findings(),
              ElementsAre("authorized-keys /home/*/.ssh/authorized_keys: "
                          "installed"));
}

TEST(ImageLintTest, APresetOfManyStarsDoesNotTakeForEver) {
  Tree tree;
  fs::remove(tree.root() + "/etc/machine-id");
  std::string pattern;
  for (int i = 0; i < 400; ++i) pattern += "*e";
  tree.Write("/etc/systemd/system-preset/a.preset",
             "enable " + pattern + "\ndisable *\n");
  EXPECT_THAT(tree.Rules(), ElementsAre("unreadable"));
}

TEST(ImageLintTest, ManyPresetsForManyUnitsDoNotTakeForEver) {
  const std::string folder = "/usr/lib/systemd/system";
  Tree many;
  fs::remove(many.root() + "/etc/machine-id");
  std::string lines;
  for (int i = 0; i < 10'001; ++i) lines += "disable a\n";
  many.Write(folder + "-preset/a.preset", lines);
  EXPECT_THAT(many.Findings(),
              Contains("unreadable " + folder +
                       "-preset/a.preset: too many lines in presets"));
  Tree units;
  fs::remove(units.root() + "/etc/machine-id");
  lines.clear();
  for (int i = 0; i < 9'000; ++i) {
    lines += "disable " + std::string(100, 'a') + "\n";
  }
  units.Write(folder + "-preset/a.preset", lines);
  for (int i = 0; i < 30; ++i) {
    units.Write(folder + "/sshd@" + std::to_string(i) + ".service",
                "[Install]\n");
  }
  EXPECT_THAT(units.Findings(),
              Contains("unreadable " + folder +
                       "-preset: too many presets for so many units"));
}

// --- The command ------------------------------------------------------------

TEST(ImageLintTest, OnlyAttestableMakesFindingsAnError) {
  Tree tree;
  EXPECT_EQ(RunCommand(AddImageLint, {"image", "lint", tree.root()}).code,
            kAccepted);
  EXPECT_EQ(
      RunCommand(AddImageLint, {"image", "lint", tree.root(), "--attestable"})
          .code,
      kAccepted);
  tree.Write("/usr/sbin/sshd").Write("/etc/update-motd.d/\x1b[2J");
  const Ran ran = RunCommand(AddImageLint, {"image", "lint", tree.root()});
  EXPECT_EQ(ran.code, kAccepted);
  EXPECT_THAT(ran.out, HasSubstr("ssh  /usr/sbin/sshd: installed\n"
                                 "    an SSH server lets people in\n"));
  EXPECT_THAT(ran.out, HasSubstr("\\x1b[2J"));
  EXPECT_THAT(ran.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(ran.out, HasSubstr("2 findings"));
  fs::remove(tree.root() + "/usr/sbin/sshd");
  EXPECT_THAT(RunCommand(AddImageLint, {"image", "lint", tree.root()}).out,
              HasSubstr("\n1 finding in "));
  tree.Write("/usr/sbin/sshd");
  const Ran strict = RunCommand(AddImageLint, {"image", "lint", tree.root(),
                                               "--attestable", "-o", "json"});
  EXPECT_EQ(strict.code, kRefusedByPolicy);
  const auto answer = nlohmann::json::parse(strict.out);
  EXPECT_EQ(answer["attestable"], false);
  EXPECT_EQ(answer["findings"][0]["rule"], "ssh");
  EXPECT_NE(RunCommand(AddImageLint, {"image", "lint", "/nowhere"}).code,
            kAccepted);
}

}  // namespace
}  // namespace anchorage::trustctl

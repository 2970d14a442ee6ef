#include "verify/image/file_class.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

namespace anchorage::verify {
namespace {

using std::literals::operator""sv;

// What a name is compared with: "etc/pam.d/" is that folder (or the link in its
// place) and everything below, "etc/auto.*" everything that begins like that,
// and any other row one name. "usr/" and "usr/local/" are taken off the name
// first, so "lib/udev/" is usr/lib/udev/ too.
constexpr std::string_view kStartUp[] = {
    // The dynamic loader, and libraries that load others by a file's word.
    "etc/ld.so.*",
    "etc/nsswitch.conf",
    "etc/ssl/openssl.cnf",
    "lib/ssl/openssl.cnf",
    "etc/pki/tls/openssl.cnf",
    "etc/crypto-policies/",
    "etc/pkcs11/",
    "share/p11-kit/modules/",
    "etc/gss/",
    "etc/krb5.conf",
    "etc/krb5.conf.d/",
    "etc/sasl2/",
    "etc/OpenCL/",
    "etc/ld-musl-*",
    "etc/ImageMagick*",
    "etc/vulkan/",
    // systemd: units, drop-ins, presets, generators, hooks; and what it reads
    // at a start.
    "etc/systemd/",
    "lib/systemd/",
    "share/systemd/",
    "etc/xdg/systemd/",
    "var/lib/systemd/linger/",
    "etc/environment",
    "etc/environment.d/",
    "lib/environment.d/",
    "etc/tmpfiles.d/",
    "lib/tmpfiles.d/",
    "share/user-tmpfiles.d/",
    "etc/sysusers.d/",
    "lib/sysusers.d/",
    "etc/sysctl.conf",
    "etc/sysctl.d/",
    "lib/sysctl.d/",
    "etc/binfmt.d/",
    "lib/binfmt.d/",
    "share/binfmts/",
    "var/lib/binfmts/",
    "etc/repart.d/",
    "lib/repart.d/",
    "etc/extensions/",
    "var/lib/extensions/",
    "lib/extensions/",
    "etc/confexts/",
    "var/lib/confexts/",
    "lib/confexts/",
    "var/lib/portables/",
    "etc/portables/",
    "lib/portables/",
    "etc/fstab",
    "etc/crypttab",
    "etc/veritytab",
    "etc/integritytab",
    // Other init systems, and the settings that their scripts source.
    "etc/inittab",
    "etc/init/",
    "etc/init.d/",
    "etc/rc.local",
    "etc/rc.conf",
    "etc/rc.d/",
    "etc/rc0.d/",
    "etc/rc1.d/",
    "etc/rc2.d/",
    "etc/rc3.d/",
    "etc/rc4.d/",
    "etc/rc5.d/",
    "etc/rc6.d/",
    "etc/rcS.d/",
    "lib/lsb/",
    "etc/local.d/",
    "etc/conf.d/",
    "etc/runlevels/",
    "etc/runit/",
    "etc/sv/",
    "etc/service/",
    "etc/s6/",
    "etc/default/",
    "etc/sysconfig/",
    // Boot loaders, kernels, initrds and what builds them.
    "boot/",
    "efi/",
    "etc/grub.d/",
    "etc/grub2.cfg",
    "etc/grub2-efi.cfg",
    "etc/extlinux.conf",
    "etc/lilo.conf",
    "etc/zipl.conf",
    "etc/kernel/",
    "lib/kernel/",
    "etc/kernel-img.conf",
    "etc/cmdline.d/",
    "etc/initramfs-tools/",
    "share/initramfs-tools/",
    "etc/dracut.conf",
    "etc/dracut.conf.d/",
    "lib/dracut/",
    "etc/mkinitcpio.*",
    "lib/initcpio/",
    "etc/kexec.conf",
    "etc/kdump.conf",
    "etc/kdump/",
    "etc/overlayroot.conf",
    // The kernel's modules.
    "etc/modules",
    "etc/modules-load.d/",
    "lib/modules-load.d/",
    "etc/modprobe.conf",
    "etc/modprobe.d/",
    "lib/modprobe.d/",
    "etc/depmod.d/",
    "lib/depmod.d/",
    "lib/modules/",
    // Devices, power and storage.
    "etc/udev/",
    "lib/udev/",
    "etc/acpi/",
    "etc/pm/",
    "lib/pm-utils/",
    "etc/mdadm/",
    "etc/mdadm.conf",
    "etc/multipath.conf",
    "etc/multipath/",
    "etc/lvm/",
    "etc/request-key.*",
    "share/request-key.d/",
    "etc/auto.*",
    "etc/autofs*",
    "etc/smartd.conf",
    "etc/smartmontools/",
    // Timed work.
    "etc/crontab",
    "etc/anacrontab",
    "etc/cron.*",
    "var/spool/cron/",
    "var/spool/at/",
    "etc/incron.d/",
    "var/spool/incron/",
    "etc/logrotate.conf",
    "etc/logrotate.d/",
    // Who logs in, and as whom.
    "etc/pam.conf",
    "etc/pam.d/",
    "lib/pam.d/",
    "share/pam-configs/",
    "etc/security/",
    "etc/passwd",
    "etc/group",
    "etc/shadow",
    "etc/gshadow",
    "etc/selinux/config",
    "etc/login.defs",
    "etc/securetty",
    "etc/sudoers",
    "etc/sudoers.d/",
    "etc/sudo.conf",
    "etc/sudo_logsrvd.conf",
    "etc/doas.conf",
    "etc/doas.d/",
    "etc/ssh/ssh_config",
    "etc/ssh/ssh_config.d/",
    "etc/ssh/sshd_config",
    "etc/ssh/sshd_config.d/",
    "etc/ssh/sshrc",
    "etc/polkit-1/",
    "share/polkit-1/",
    "lib/polkit-1/",
    "var/lib/polkit-1/",
    // Shells and desktops.
    "etc/profile",
    "etc/profile.d/",
    "etc/bash.*",
    "etc/bashrc",
    "etc/bash_completion",
    "etc/bash_completion.d/",
    "share/bash-completion/",
    "etc/inputrc",
    "etc/zsh/",
    "etc/zshrc",
    "etc/zshenv",
    "etc/zprofile",
    "etc/zlogin",
    "share/zsh/",
    "etc/csh.*",
    "etc/csh/",
    "etc/ksh.*",
    "etc/fish/",
    "share/fish/",
    "etc/skel/",
    "etc/update-motd.d/",
    "etc/alternatives/",
    "etc/mailcap",
    "etc/xdg/",
    "etc/X11/",
    "share/xsessions/",
    "share/wayland-sessions/",
    "share/applications/",
    "etc/gdm*",
    "etc/lightdm/",
    "etc/sddm*",
    // What starts programs when it is asked.
    "etc/dbus-1/",
    "share/dbus-1/",
    "etc/inetd.conf",
    "etc/inetd.d/",
    "etc/xinetd.conf",
    "etc/xinetd.d/",
    "etc/hosts.allow",
    "etc/hosts.deny",
    "etc/supervisor*",
    "etc/fail2ban/",
    "etc/keepalived/",
    "etc/redis*",
    "etc/mysql/",
    "etc/my.cnf*",
    "etc/postgresql*",
    "etc/zabbix*",
    "etc/aliases",
    "etc/postfix/",
    "etc/exim4/",
    "etc/mail/",
    "etc/procmailrc",
    "etc/apache2/",
    "etc/httpd/",
    "etc/nginx/",
    "etc/php/",
    "etc/php.ini",
    "etc/php.d/",
    "etc/snmp/",
    "etc/rsyslog.conf",
    "etc/rsyslog.d/",
    "etc/syslog-ng/",
    "etc/audit/",
    "etc/audisp/",
    "etc/monit/",
    "etc/monitrc",
    "etc/nagios/",
    // Networks.
    "etc/network/",
    "etc/NetworkManager/",
    "lib/NetworkManager/",
    "etc/networkd-dispatcher/",
    "lib/networkd-dispatcher/",
    "etc/dhcp/",
    "etc/dhclient*",
    "etc/dhcpcd*",
    "etc/ppp/",
    "etc/ifplugd/",
    "etc/resolvconf/",
    "etc/resolvconf.conf",
    "etc/wpa_supplicant/",
    "etc/openvpn/",
    "etc/ipsec.*",
    "etc/dnsmasq*",
    "etc/wireguard/",
    "etc/nftables.conf",
    "etc/iptables/",
    // Packages: what installs them and runs their hooks.
    "etc/apt/",
    "lib/apt/",
    "share/apt/",
    "etc/dpkg/",
    "var/lib/dpkg/info/",
    "etc/ucf.conf",
    "etc/debconf.conf",
    "share/debconf/",
    "etc/yum.conf",
    "etc/yum/",
    "etc/yum.repos.d/",
    "etc/dnf/",
    "etc/rpm/",
    "lib/rpm/",
    "etc/zypp/",
    "etc/needrestart/",
    "etc/apk/",
    "etc/pacman.conf",
    "etc/pacman.d/",
    // Clouds and containers.
    "etc/cloud/",
    "var/lib/cloud/scripts/",
    "var/lib/cloud/seed/",
    "etc/amazon/",
    "etc/ecs/",
    "etc/containers/",
    "share/containers/",
    "etc/docker/",
    "etc/containerd/",
    "etc/crio/",
    "etc/cni/",
    "opt/cni/",
    "etc/kubernetes/",
    "etc/runc/",
    "etc/nsm/",
    "etc/greengrass/",
    // Settings that name programs for tools which root uses.
    "etc/gitconfig",
    "etc/vim/",
    "etc/vimrc",
    "etc/gdb/",
    "etc/gdbinit",
    "etc/lesskey",
    "etc/screenrc",
    "etc/tmux.conf",
    "etc/perl/",
    "etc/python*",
};

// The same below the folder of a person: root/, home/NAME/.
constexpr std::string_view kStartUpOfPeople[] = {
    ".profile",
    ".bash*",
    ".login",
    ".logout",
    ".zsh*",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".cshrc",
    ".tcshrc",
    ".kshrc",
    ".inputrc",
    ".pam_environment",
    ".ssh/rc",
    ".ssh/environment",
    ".ssh/config",
    ".ssh/authorized_keys*",
    ".forward",
    ".procmailrc",
    ".gitconfig",
    ".vimrc",
    ".vim/",
    ".gdbinit",
    ".screenrc",
    ".tmux.conf",
    ".xprofile",
    ".xinitrc",
    ".xsession*",
    ".config/autostart/",
    ".config/systemd/",
    ".config/environment.d/",
    ".config/fish/",
    ".config/git/",
    ".local/share/systemd/",
    ".local/share/applications/",
    ".local/share/dbus-1/",
};

// Folders in which what appears is found by name, and those above them.
constexpr std::string_view kFoldersOfCode[] = {
    "usr",
    "local",
    "share",
    "var",
    "var/lib",
    "var/spool",
    "opt",
    "home",
    "etc/",
    "root/",
    "bin/",
    "sbin/",
    "games/",
    "lib*",
    "share/perl*",
    "share/python*",
    "share/php*",
    "share/ruby*",
    "share/rubygems*",
    "share/lua*",
    "share/tcl*",
    "share/guile*",
    "share/nodejs*",
    "share/node_modules/",
    "share/java*",
};

// Lists of plug-ins and programs, wherever they stand: who reads one loads or
// starts what it names.
constexpr std::string_view kStartUpBaseNames[] = {
    "gconv-modules",   "gconv-modules.cache", "loaders.cache",
    "giomodule.cache", "immodules.cache",     "pam_env.conf",
    "pyvenv.cfg",      "delegates.xml",
};
constexpr std::string_view kGconvFolder = "/gconv-modules.d/";

// Sources that an interpreter loads by their names, most of them without "#!":
// the modules of Python and Perl are these.
constexpr std::string_view kSourceEndings[] = {
    ".py",  ".pyw", ".pth",   ".pl",   ".pm",  ".ph",       ".rb",  ".lua",
    ".tcl", ".php", ".phtml", ".js",   ".mjs", ".cjs",      ".sh",  ".bash",
    ".zsh", ".ksh", ".csh",   ".fish", ".awk", ".el",       ".scm", ".vim",
    ".ps1", ".R",   ".stp",   ".al",   ".inc", "/tclIndex",
};

constexpr std::string_view kByteCodeEndings[] = {
    ".pyc", ".pyo",  ".class", ".jar",  ".war",  ".ear",
    ".elc", ".luac", ".beam",  ".wasm", ".phar", ".dex",
    ".pyz", ".whl",  ".egg",   ".zip",  ".asar",
};

bool Is(std::string_view name, std::string_view row) {
  if (row.back() == '*') {
    return name.starts_with(row.substr(0, row.size() - 1));
  }
  if (row.back() != '/') return name == row;
  return name.starts_with(row) ||
         (name.size() + 1 == row.size() && row.starts_with(name));
}

template <std::size_t kRows>
bool IsAny(std::string_view name, const std::string_view (&rows)[kRows]) {
  return std::any_of(rows, rows + kRows,
                     [&](std::string_view row) { return Is(name, row); });
}

template <std::size_t kEndings>
bool EndsWithAny(std::string_view name,
                 const std::string_view (&endings)[kEndings]) {
  return std::any_of(endings, endings + kEndings, [&](std::string_view ending) {
    return name.ends_with(ending);
  });
}

std::string_view BaseName(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

std::string_view WithoutUsr(std::string_view name) {
  for (const std::string_view top : {"usr/local/"sv, "usr/"sv}) {
    if (name.starts_with(top)) return name.substr(top.size());
  }
  return name;
}

// What of `name` is below a person's folder; empty for other names.
std::string_view BelowPerson(std::string_view name) {
  if (name.starts_with("root/")) return name.substr(5);
  if (!name.starts_with("home/")) return "";
  const std::size_t end = name.find('/', 5);
  return end == std::string_view::npos ? "" : name.substr(end + 1);
}

bool IsModuleName(std::string_view name) {
  return WithoutUsr(name).starts_with("lib/modules/") || name.ends_with(".ko");
}

bool IsCompressed(std::string_view head) {
  return head.starts_with(
             "\xfd"
             "7zXZ\0"sv) ||
         head.starts_with("\x28\xb5\x2f\xfd"sv) ||
         head.starts_with("\x1f\x8b"sv);
}

bool IsByteCode(std::string_view name, std::string_view head) {
  // CPython since 3.0: a number from 3000 up, and CR LF.
  return (head.size() >= 4 && head[1] >= 0x0b && head[1] <= 0x0f &&
          head.substr(2, 2) == "\r\n"sv) ||
         head.starts_with("\0asm"sv) ||
         head.starts_with("\xca\xfe\xba\xbe"sv) ||
         // Java's run-time image in both orders of bytes; LLVM; OCaml; and any
         // ZIP, as Python and Java load from one of any name.
         head.starts_with("\xda\xda\xfe\xca"sv) ||
         head.starts_with("\xca\xfe\xda\xda"sv) ||
         head.starts_with("BC\xc0\xde"sv) || head.starts_with("Caml1999"sv) ||
         head.starts_with("PK\3\4"sv) || head.starts_with("\x1bLua"sv) ||
         EndsWithAny(name, kByteCodeEndings);
}

// Takes from `rest` what stands before the next `end`, and the `end`.
std::string_view TakeUntil(char end, std::string_view& rest) {
  const std::string_view taken = rest.substr(0, rest.find(end));
  rest.remove_prefix(std::min(rest.size(), taken.size() + 1));
  return taken;
}

// Undoes the only escapes that binfmt_misc knows, "\xHH".
std::optional<std::string> Unescaped(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!text.substr(i).starts_with("\\x")) {
      bytes.push_back(text[i]);
      continue;
    }
    const std::string_view hex = text.substr(i + 2, 2);
    unsigned char byte = 0;
    const auto [end, error] =
        std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16);
    if (error != std::errc() || end != hex.data() + 2) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    i += 3;
  }
  return bytes;
}

}  // namespace

void BinaryFormats::Add(std::string_view text) {
  // :NAME:TYPE:OFFSET:MAGIC:MASK:INTERPRETER:FLAGS, with any character for ':'
  // (Documentation/admin-guide/binfmt-misc.rst).
  while (!text.empty() && formats_.size() < kMaxFormats) {
    std::string_view line = TakeUntil('\n', text);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    const char colon = line[0];
    line.remove_prefix(1);
    std::string_view fields[6];
    for (std::string_view& field : fields) field = TakeUntil(colon, line);
    if (fields[0].empty() || fields[5].empty()) continue;
    if (fields[1] != "E" && fields[1] != "M") continue;
    AddOne(fields[1] == "E", fields[2], fields[3], fields[4]);
  }
}

void BinaryFormats::AddOfBinfmtSupport(std::string_view text) {
  // As a package has it: lines of a word and its value. As update-binfmts(8)
  // keeps it: the values of package, type, offset, magic, mask and so on.
  std::string_view kept[5];
  std::string_view extension, offset, magic, mask;
  for (std::size_t i = 0; !text.empty(); ++i) {
    std::string_view line = TakeUntil('\n', text);
    if (i < 5) kept[i] = line;
    const std::string_view word = TakeUntil(' ', line);
    if (word == "extension") extension = line;
    if (word == "offset") offset = line;
    if (word == "magic") magic = line;
    if (word == "mask") mask = line;
  }
  if (kept[1] == "magic" || kept[1] == "extension") {
    return AddOne(kept[1] == "extension", kept[2], kept[3], kept[4]);
  }
  const bool by_extension = !extension.empty();
  AddOne(by_extension, offset, by_extension ? extension : magic, mask);
}

void BinaryFormats::AddOne(bool by_extension, std::string_view offset,
                           std::string_view what, std::string_view mask_text) {
  if (what.empty() || formats_.size() >= kMaxFormats) return;
  Format format;
  if (by_extension) {
    format.extension = "." + std::string(what);
  } else {
    const auto magic = Unescaped(what);
    const auto mask = Unescaped(mask_text);
    if (!magic.has_value() || !mask.has_value()) return;
    const char* const end = offset.data() + offset.size();
    const auto [rest, error] =
        std::from_chars(offset.data(), end, format.offset);
    if (!offset.empty() && (error != std::errc() || rest != end)) return;
    format.magic = *magic;
    format.mask = mask->empty() ? std::string(magic->size(), '\xff') : *mask;
    if (format.mask.size() != format.magic.size() ||
        format.offset > kHeadBytes ||
        format.magic.size() > kHeadBytes - format.offset) {
      return;
    }
  }
  formats_.push_back(std::move(format));
}

bool BinaryFormats::Match(std::string_view name, std::string_view head) const {
  return std::any_of(formats_.begin(), formats_.end(), [&](const Format& f) {
    if (!f.extension.empty()) return name.ends_with(f.extension);
    if (head.size() < f.offset + f.magic.size()) return false;
    for (std::size_t i = 0; i < f.magic.size(); ++i) {
      if (((head[f.offset + i] ^ f.magic[i]) & f.mask[i]) != 0) return false;
    }
    return true;
  });
}

bool IsStartUpName(std::string_view name) {
  const std::string_view below = BelowPerson(name);
  return IsAny(WithoutUsr(name), kStartUp) ||
         (!below.empty() && IsAny(below, kStartUpOfPeople)) ||
         IsAny(BaseName(name), kStartUpBaseNames) ||
         ("/" + std::string(name) + "/").find(kGconvFolder) !=
             std::string::npos;
}

bool IsFolderOfCode(std::string_view name) {
  return IsAny(WithoutUsr(name), kFoldersOfCode) || IsStartUpName(name);
}

FileClass ClassifyFile(std::string_view name, std::uint32_t mode,
                       std::string_view head, const BinaryFormats& formats) {
  head = head.substr(0, kHeadBytes);
  if (head.starts_with("\x7f"
                       "ELF"sv)) {
    return IsModuleName(name) ? FileClass::kModule : FileClass::kElf;
  }
  if (WithoutUsr(name).starts_with("lib/modules/") && IsCompressed(head)) {
    return FileClass::kModule;
  }
  if (head.starts_with("MZ")) return FileClass::kEfi;
  if (head.starts_with("#!")) return FileClass::kScript;
  if (IsByteCode(name, head) || formats.Match(name, head)) {
    return FileClass::kByteCode;
  }
  if (EndsWithAny(name, kSourceEndings)) return FileClass::kScript;
  if ((mode & 06111) != 0) return FileClass::kExecutable;
  return IsStartUpName(name) ? FileClass::kStartUp : FileClass::kOther;
}

bool IsInScope(FileClass file_class, ManifestScope scope) {
  switch (scope) {
    case ManifestScope::kCode:
      return file_class != FileClass::kStartUp &&
             file_class != FileClass::kOther;
    case ManifestScope::kCodeAndStartup:
      return file_class != FileClass::kOther;
    case ManifestScope::kEverything:
      break;
  }
  return true;
}

}  // namespace anchorage::verify

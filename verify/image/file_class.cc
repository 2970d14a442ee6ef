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
// first, so "lib/udev/" is usr/lib/udev/ too. A "*" for a whole part is any one.
constexpr std::string_view kStartUp[] = {
    // All settings: nobody knows which programs read one as root, and start what
    // it says. kMachineState has what is none.
    "etc/",
    // Libraries that load others by a file's word, and the settings of machines
    // in software.
    "lib/ssl/openssl.cnf",
    "share/p11-kit/modules/",
    "lib/jvm/",
    // systemd: units, drop-ins, presets, generators, hooks, credentials; and
    // what it reads at a start.
    "lib/systemd/",
    "share/systemd/",
    "var/lib/systemd/linger/",
    "lib/credstore*",
    "lib/environment.d/",
    "lib/tmpfiles.d/",
    "share/user-tmpfiles.d/",
    "lib/sysusers.d/",
    "lib/sysctl.d/",
    "lib/binfmt.d/",
    "share/binfmts/",
    "var/lib/binfmts/",
    "lib/repart.d/",
    "lib/sysupdate.d/",
    "share/factory/",
    "var/lib/extensions/",
    "lib/extensions/",
    "var/lib/confexts/",
    "lib/confexts/",
    "var/lib/portables/",
    "lib/portables/",
    "var/lib/machines/",
    // What root's shells source by name.
    "lib/os-release",
    "lib/lsb/",
    "lib/apparmor/",
    "lib/git-core/",
    "share/grub/",
    "share/apache2/",
    "share/postgresql-common/",
    // Boot loaders, kernels, initrds and what builds them.
    "boot/",
    "efi/",
    "initrd*",
    "vmlinuz*",
    // The same where the partition of /boot or EFI is an image of its own.
    "EFI/",
    "loader/",
    "grub/",
    "grub2/",
    "extlinux/",
    "syslinux/",
    "lib/kernel/",
    "share/initramfs-tools/",
    "lib/dracut/",
    "lib/initcpio/",
    "lib/ostree/",
    "lib/bootc/",
    // The kernel's modules; devices and power.
    "lib/modules-load.d/",
    "lib/modprobe.d/",
    "lib/depmod.d/",
    "lib/modules/",
    "lib/udev/",
    "lib/pm-utils/",
    "share/request-key.d/",
    // Timed work.
    "var/spool/cron/",
    "var/spool/at/",
    "var/spool/incron/",
    // Who logs in, and as whom.
    "lib/userdb/",
    "lib/passwd",
    "lib/group",
    "var/lib/extrausers/",
    "lib/pam.d/",
    "share/pam-configs/",
    "share/polkit-1/",
    "lib/polkit-1/",
    "var/lib/polkit-1/",
    // Shells and desktops, and what starts programs when it is asked.
    "share/bash-completion/",
    "share/zsh/",
    "share/fish/",
    "share/xsessions/",
    "share/wayland-sessions/",
    "share/applications/",
    "share/dbus-1/",
    // Networks.
    "lib/NetworkManager/",
    "lib/networkd-dispatcher/",
    // Packages: what installs them, runs their hooks and says whose they are.
    "lib/apt/",
    "share/apt/",
    "share/keyrings/",
    "var/lib/dpkg/info/",
    "share/debconf/",
    "lib/rpm/",
    // Clouds and containers.
    "var/lib/cloud/",
    "var/lib/amazon/",
    "opt/aws/*/etc/",
    "share/containers/",
    "var/lib/docker/containers/*/config.v2.json",
    "var/lib/docker/containers/*/hostconfig.json",
    "var/lib/lxc/*/config",
    "var/lib/kubelet/",
    "var/lib/rancher/",
    "opt/cni/",
};

// What of these is no start-up file: names, addresses, keys, the time and texts
// of one machine, which boots, logins and daily jobs write.
constexpr std::string_view kMachineState[] = {
    // By systemd, cloud-init, DHCP and mounts.
    "etc/machine-id",
    "etc/hostname",
    "etc/hosts",
    "etc/resolv.conf",
    "etc/mtab",
    "etc/adjtime",
    "etc/fake-hwclock.data",
    "etc/localtime",
    "etc/timezone",
    "etc/.updated",
    "etc/ssh/ssh_host_*",
    "etc/motd",
    // Locks and copies of what is listed.
    "etc/.pwd.lock",
    "etc/passwd-",
    "etc/group-",
    "etc/shadow-",
    "etc/gshadow-",
    "etc/subuid-",
    "etc/subgid-",
    "etc/lvm/archive/",
    "etc/lvm/backup/",
};

// The same in the home of a person, which may be any folder.
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
    ".mkshrc",
    ".inputrc",
    ".pam_environment",
    ".ssh/rc",
    ".ssh/environment",
    ".ssh/config",
    ".ssh/authorized_keys*",
    ".shosts",
    ".rhosts",
    ".k5login",
    ".k5users",
    ".forward",
    ".procmailrc",
    ".mailrc",
    ".psqlrc",
    ".google_authenticator",
    ".yubico/",
    ".config/Yubico/",
    ".gitconfig",
    ".selected_editor",
    ".emacs",
    ".exrc",
    ".vimrc",
    ".vim/",
    ".gdbinit",
    ".screenrc",
    ".tmux.conf",
    ".xprofile",
    ".xinitrc",
    ".xsession*",
    ".aws/config",
    ".aws/credentials",
    ".docker/config.json",
    ".kube/config",
    ".config/autostart/",
    ".config/bash_completion",
    ".config/systemd/",
    ".config/environment.d/",
    ".config/user-tmpfiles.d/",
    ".config/containers/",
    ".config/fish/",
    ".config/git/",
    ".local/share/systemd/",
    ".local/share/user-tmpfiles.d/",
    ".local/share/applications/",
    ".local/share/bash-completion/",
    ".local/share/dbus-1/",
};
constexpr std::string_view kHistories[] = {".bash_history*", ".zsh_history*"};

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
    "gconv-modules",
    "gconv-modules.cache",
    "loaders.cache",
    "giomodule.cache",
    "immodules.cache",
    "pam_env.conf",
    "pyvenv.cfg",
    "delegates.xml",
    "package.json",
    ".user.ini",
    ".htaccess",
    "postgresql.conf",
    "postgresql.auto.conf",
    "pg_hba.conf",
};
constexpr std::string_view kGconvFolder = "/gconv-modules.d/";

// Sources that an interpreter loads by their names, most of them without "#!":
// the modules of Python and Perl are these.
constexpr std::string_view kSourceEndings[] = {
    ".py",  ".pyw",      ".pth", ".pl",    ".pm",      ".ph",           ".rb",
    ".lua", ".tcl",      ".php", ".phtml", ".js",      ".mjs",          ".cjs",
    ".sh",  ".bash",     ".zsh", ".ksh",   ".csh",     ".fish",         ".awk",
    ".el",  ".scm",      ".vim", ".ps1",   ".R",       ".stp",          ".al",
    ".inc", "/tclIndex", ".bs",  ".tm",    ".gemspec", "/autosplit.ix",
};

constexpr std::string_view kByteCodeEndings[] = {
    ".pyc",  ".pyo",  ".class", ".jar",  ".war",    ".ear", ".elc",
    ".luac", ".beam", ".wasm",  ".phar", ".dex",    ".pyz", ".whl",
    ".egg",  ".zip",  ".asar",  ".pkl",  ".pickle",
};

// File systems and disks in files.
constexpr std::string_view kImageEndings[] = {
    ".img", ".raw", ".snap", ".squashfs", ".erofs", ".iso", ".qcow2",
};

bool Is(std::string_view name, std::string_view row) {
  if (name.empty() || name[0] != row[0]) return false;
  if (const std::size_t any = row.find("*/"); any != std::string_view::npos) {
    const std::size_t end = name.find('/', any);
    return name.starts_with(row.substr(0, any)) &&
           end != std::string_view::npos &&
           Is(name.substr(end), row.substr(any + 1));
  }
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

bool IsStartUpOfPerson(std::string_view name) {
  while (true) {
    if (IsAny(name, kStartUpOfPeople) && !IsAny(name, kHistories)) return true;
    const std::size_t end = name.find('/');
    if (end == std::string_view::npos) return false;
    name.remove_prefix(end + 1);
  }
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
         // Python's pickles, which call what they name.
         (head.size() >= 2 && head[0] == '\x80' && head[1] >= 2 &&
          head[1] <= 5) ||
         EndsWithAny(name, kByteCodeEndings);
}

// Whether it holds files that a mount or a boot loader may make programs of.
bool IsImage(std::string_view name, std::string_view head) {
  return head.starts_with("hsqs") || head.starts_with("LUKS\xba\xbe") ||
         head.starts_with("QFI\xfb") || head.starts_with("070701") ||
         head.starts_with("070702") || EndsWithAny(name, kImageEndings);
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
  const std::string_view place = WithoutUsr(name);
  return (IsAny(place, kStartUp) && !IsAny(place, kMachineState)) ||
         IsStartUpOfPerson(name) || IsAny(BaseName(name), kStartUpBaseNames) ||
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
  if (IsByteCode(name, head) || IsImage(name, head) ||
      formats.Match(name, head)) {
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

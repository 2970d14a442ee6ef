#include "verify/measure/disk/cmdline.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "verify/measure/disk/disk_error.h"

namespace anchorage::verify {
namespace {

absl::Status Ambiguous(std::string_view what) {
  return DiskError(DiskReason::kCmdlineAmbiguous, what);
}

absl::Status Invalid(std::string_view what) {
  return DiskError(DiskReason::kCmdlineInvalid, what);
}

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

bool IsSpace(char byte) {
  return absl::ascii_isspace(static_cast<unsigned char>(byte));
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Whether systemd.mount-extra=WHAT:WHERE[:...] mounts where nothing of the
// system is. Not /run: units, rules of udev and extensions are read from there.
bool MountsAside(std::string_view value) {
  const std::vector<std::string> parts = absl::StrSplit(View(value), ':');
  // systemd skips an empty part.
  if (parts.size() < 2 || parts[0].empty() || Contains(parts[1], "..")) {
    return false;
  }
  std::string_view where = parts[1];
  constexpr std::string_view kSysroot = "/sysroot";
  if (where.starts_with(kSysroot)) where.remove_prefix(kSysroot.size());
  for (const std::string_view folder : {"/mnt", "/media", "/srv"}) {
    if (where == folder ||
        (where.starts_with(folder) && where[folder.size()] == '/')) {
      return true;
    }
  }
  return false;
}

bool MountsOver(std::string_view value) { return !MountsAside(value); }

// Whether a list of types has one that reads more than the device it is given.
bool IsNotOfOneDevice(std::string_view value) {
  constexpr std::string_view kOfOne[] = {
      "", "auto", "ext2", "ext3", "ext4", "xfs", "btrfs", "squashfs", "erofs"};
  const std::vector<std::string> types = absl::StrSplit(View(value), ',');
  return !std::all_of(types.begin(), types.end(), [&](const auto& type) {
    return std::find(std::begin(kOfOne), std::end(kOfOne), type) !=
           std::end(kOfOne);
  });
}

bool NamesLayers(std::string_view value) {
  return Contains(value, "upperdir") || Contains(value, "lowerdir");
}

bool IsFstab(std::string_view value) { return value.starts_with("fstab."); }
bool IsNoFstab(std::string_view value) { return !IsFstab(value); }

// Not UUID=... and its like: the device of /boot, for FIPS.
bool IsBootScript(std::string_view value) {
  return value != "local" && !Contains(value, "=");
}

// What makes a machine with a verified root file system trust more than that.
// Each holds for rd.NAME too.
struct NoteRule {
  std::string_view name;
  // Values that do not count, between spaces.
  std::string_view harmless;
  bool voids_root_hash;
  std::string_view sentence;
  // Which of the others count; nullptr: all.
  bool (*counts)(std::string_view value) = nullptr;
};

constexpr std::string_view kOff = " 0 no off false n f ";
constexpr std::string_view kOtherRoot =
    "the root file system is put together from more than what is verified";
constexpr std::string_view kMaintenance =
    "the machine boots to a shell for maintenance";
constexpr std::string_view kUnits =
    "systemd starts other units than those of the root file system's default";
constexpr std::string_view kCredentialIsSet =
    "a credential is set, which can set a password or add units";
constexpr std::string_view kFstabIsSet =
    "a credential says what is mounted, and where";

constexpr NoteRule kNoteRules[] = {
    {"rd.root.overlay.write", "", true,
     "what the overlay over the root file system holds is kept on a disk"},
    {"rd.overlay", " 0 1 no off ", true,
     "what the overlay over the root file system holds is kept on a disk"},
    {"rd.live.overlay", " none ", true,
     "what the overlay over the root file system holds is kept on a disk"},
    {"overlayroot", " tmpfs disabled ", true,
     "what the overlay over the root file system holds is kept on a disk"},
    {"overlayroot_cfgdisk", " disabled ", true,
     "a disk says how the root file system is overlaid"},
    {"resume", "", true, "a memory image from a disk replaces what booted"},
    {"systemd.swap_extra", "", false, "memory is swapped to a disk"},
    {"systemd.mount_extra", "", true,
     "a further file system is mounted over what is verified", MountsOver},
    {"systemd.mount_extra", "", false, "a further file system is mounted",
     MountsAside},
    {"boot", "", true, "the initrd boots what it finds elsewhere",
     IsBootScript},
    {"noinitrd", "", true, "the initrd, which reads the root hash, is not run"},
    {"initrdmem", "", true, "an initrd is taken from where it lies in memory"},
    {"initrd", "", false,
     "the kernel reads an initrd from the EFI system partition where it is "
     "given no other"},
    {"netroot", "", true, "the root file system comes from the network"},
    {"systemd.pull", "", true, "a disk image is fetched from the network"},
    {"rootfstype", "", true, kOtherRoot, IsNotOfOneDevice},
    {"rootflags", "", true, kOtherRoot, NamesLayers},
    {"mount.usrfstype", "", true, kOtherRoot, IsNotOfOneDevice},
    {"mount.usrflags", "", true, kOtherRoot, NamesLayers},
    {"dm_mod.create", "", true,
     "the kernel maps devices itself, which is not looked into here"},
    {"verityroot", "", false,
     "the root hash is in the initrd or on the disk, which is not looked into "
     "here"},
    {"systemd.debug_shell", kOff, false, "a shell of root waits on a console"},
    {"systemd.crash_shell", kOff, false,
     "a shell of root waits on a console where systemd crashes"},
    {"rd.shell", kOff, false,
     "a shell of root waits on the console where booting fails"},
    {"break", "", false, "booting stops in a shell of root"},
    {"init", "", false, "another program than init runs first"},
    {"rdinit", "", false, "another program than the initrd's init runs first"},
    {"systemd.unit", "", false, kUnits},
    {"systemd.wants", "", false, kUnits},
    {"systemd.run", "", false, "a command runs when the machine has booted"},
    {"systemd.early_core_pattern", "", false,
     "what crashes is written to a file"},
    {"systemd.set_credential", "", true, kFstabIsSet, IsFstab},
    {"systemd.set_credential", "", false, kCredentialIsSet, IsNoFstab},
    {"systemd.set_credential_binary", "", true, kFstabIsSet, IsFstab},
    {"systemd.set_credential_binary", "", false, kCredentialIsSet, IsNoFstab},
    {"systemd.setenv", "", false,
     "an environment variable is set for all that systemd starts"},
    {"firmware_class.path", "", false,
     "firmware of devices is loaded from another folder"},
    {"single", "", false, kMaintenance},
    {"s", "", false, kMaintenance},
    {"S", "", false, kMaintenance},
    {"1", "", false, kMaintenance},
    {"_s", "", false, kMaintenance},
    {"_b", "", false, kMaintenance},
    {"emergency", "", false, kMaintenance},
    {"rescue", "", false, kMaintenance},
};

bool IsOff(std::string_view value) {
  constexpr std::string_view kNo[] = {"0", "no", "n", "false", "f", "off"};
  return std::find(std::begin(kNo), std::end(kNo), value) != std::end(kNo);
}

bool IsOn(std::string_view value) {
  constexpr std::string_view kYes[] = {"1", "yes", "y", "true", "t", "on"};
  return std::find(std::begin(kYes), std::end(kYes), value) != std::end(kYes);
}

// As the kernel shows it, but for quotes and '-'.
std::string TextOf(const CmdlineParameter& parameter) {
  return parameter.value.has_value()
             ? absl::StrCat(parameter.name, "=", *parameter.value)
             : parameter.name;
}

class Reader {
 public:
  explicit Reader(const std::vector<CmdlineParameter>& parameters) {
    for (const CmdlineParameter& parameter : parameters) {
      named_[parameter.name].push_back(&parameter);
    }
  }

  absl::StatusOr<BootArguments> Read() {
    ReadSwitches();
    arguments_.root = ReadVerity("roothash", "systemd.verity_root_");
    arguments_.usr = ReadVerity("usrhash", "systemd.verity_usr_");
    arguments_.root_device = Once("root");
    arguments_.usr_device = Once("mount.usr");
    if (const auto initrd = named_.find("initrd"); initrd != named_.end()) {
      arguments_.initrd_file = initrd->second[0]->value.value_or("");
    }
    const bool read_only = Flag("ro");
    arguments_.read_write = Flag("rw");
    if (read_only && arguments_.read_write) {
      Fail(Ambiguous("both ro and rw"));
    }
    const std::string is_volatile = Once("systemd.volatile").value_or("no");
    arguments_.only_usr = IsOn(is_volatile);
    if (!arguments_.only_usr && !IsOff(is_volatile) && is_volatile != "state" &&
        is_volatile != "overlay") {
      Fail(Invalid("systemd.volatile= has a value that it does not know"));
    }
    for (const NoteRule& rule : kNoteRules) AddNotes(rule);
    if (!failure_.ok()) return failure_;
    return std::move(arguments_);
  }

 private:
  void Fail(absl::Status status) {
    if (failure_.ok()) failure_ = std::move(status);
  }

  // The value of a parameter that may stand there once. In an initrd systemd
  // takes rd.NAME for NAME.
  std::optional<std::string> Once(std::string_view name) {
    if (!name.starts_with("rd.") && name != "systemd.verity" &&
        Flag(absl::StrCat("rd.", View(name)))) {
      Fail(Ambiguous(absl::StrCat("rd.", View(name), " counts in the initrd")));
    }
    const auto found = named_.find(std::string(name));
    if (found == named_.end()) return std::nullopt;
    if (found->second.size() > 1) {
      Fail(Ambiguous(absl::StrCat(View(name), " stands there twice")));
    }
    const auto& value = found->second[0]->value;
    if (!value.has_value() || value->empty()) {
      Fail(Invalid(absl::StrCat(View(name), " has no value")));
    }
    return value;
  }

  bool Flag(std::string_view name) const {
    return named_.contains(std::string(name));
  }

  void ReadSwitches() {
    for (const std::string_view name :
         {"systemd.verity", "rd.systemd.verity"}) {
      const auto found = named_.find(std::string(name));
      if (found == named_.end()) continue;
      // Without a value it is a yes.
      const std::string value =
          found->second.size() > 1 || found->second[0]->value.has_value()
              ? Once(name).value_or("")
              : "yes";
      if (IsOff(value)) {
        arguments_.verity_is_off = TextOf(*found->second[0]);
      } else if (!IsOn(value)) {
        Fail(Invalid(absl::StrCat(View(name), " is neither yes nor no")));
      }
    }
  }

  std::optional<VerityArguments> ReadVerity(std::string_view hash_name,
                                            std::string_view prefix) {
    const auto named = [&](const char* what) {
      return Once(absl::StrCat(View(prefix), what)).value_or("");
    };
    VerityArguments verity;
    verity.data_device = named("data");
    verity.hash_device = named("hash");
    const std::string options = named("options");
    const auto hex = Once(hash_name);
    if (!hex.has_value()) return std::nullopt;
    const bool is_hex = std::all_of(hex->begin(), hex->end(), [](char digit) {
      return absl::ascii_isxdigit(static_cast<unsigned char>(digit));
    });
    if (!is_hex || (hex->size() != 64 && hex->size() != 128)) {
      Fail(DiskError(DiskReason::kRootHashInvalid,
                     absl::StrCat(View(hash_name),
                                  "= is not 64 or 128 hexadecimal digits")));
      return std::nullopt;
    }
    if (verity.data_device.empty() != verity.hash_device.empty()) {
      Fail(Invalid(absl::StrCat("only one of ", View(prefix), "data and ",
                                View(prefix), "hash")));
    }
    verity.root_hash = absl::HexStringToBytes(*hex);
    if (!options.empty()) ReadOptions(options, verity);
    return verity;
  }

  // veritytab(5).
  void ReadOptions(const std::string& options, VerityArguments& verity) {
    for (const absl::string_view option : absl::StrSplit(options, ',')) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(option, absl::MaxSplits('=', 1));
      const auto& [name, value] = parts;
      if (name == "ignore-corruption") {
        arguments_.verity_is_off = std::string(option);
      } else if (name == "hash-offset") {
        if (!absl::SimpleAtoi(value, &verity.hash_offset) ||
            verity.hash_offset % 512 != 0) {
          Fail(Invalid("hash-offset= is not a multiple of 512"));
        }
      } else if (name == "check-at-most-once") {
        arguments_.notes.push_back(
            {.parameter = std::string(option),
             .sentence = "a block is verified when it is first read, and not "
                         "again: whoever can write to the volume of a running "
                         "machine changes what it reads later"});
      } else if (name != "panic-on-corruption" &&
                 name != "restart-on-corruption" &&
                 name != "ignore-zero-blocks" &&
                 name != "try-verify-in-tasklet" &&
                 name != "root-hash-signature" &&
                 !(name == "superblock" &&
                   IsOn(std::string_view(value.data(), value.size())))) {
        Fail(Invalid(absl::StrCat("the option ", option,
                                  " of dm-verity is not known here")));
      }
    }
  }

  void AddNotes(const NoteRule& rule) {
    AddNotesOf(rule, std::string(rule.name));
    AddNotesOf(rule, absl::StrCat("rd.", View(rule.name)));
  }

  void AddNotesOf(const NoteRule& rule, const std::string& name) {
    const auto found = named_.find(name);
    if (found == named_.end()) return;
    for (const CmdlineParameter* parameter : found->second) {
      const std::string value = parameter->value.value_or("");
      if ((!value.empty() && Contains(rule.harmless, " " + value + " ")) ||
          (rule.counts != nullptr && !rule.counts(value))) {
        continue;
      }
      arguments_.notes.push_back({.parameter = TextOf(*parameter),
                                  .sentence = std::string(rule.sentence),
                                  .voids_root_hash = rule.voids_root_hash});
    }
  }

  std::map<std::string, std::vector<const CmdlineParameter*>> named_;
  BootArguments arguments_;
  absl::Status failure_;
};

}  // namespace

absl::StatusOr<std::vector<CmdlineParameter>> SplitCmdline(
    std::string_view cmdline) {
  while (!cmdline.empty() &&
         (cmdline.back() == '\0' || IsSpace(cmdline.back()))) {
    cmdline.remove_suffix(1);
  }
  if (cmdline.size() > kMaxCmdlineBytes) {
    return Invalid(absl::StrCat("the kernel reads ", kMaxCmdlineBytes,
                                " bytes of ", cmdline.size()));
  }
  for (const char byte : cmdline) {
    if (byte == '\'' || byte == '\\') {
      return Ambiguous("systemd reads ' and \\ as quotes, the kernel does not");
    }
    const auto code = static_cast<unsigned char>(byte);
    if (!IsSpace(byte) && (code < 0x20 || code > 0x7e)) {
      return Invalid("a byte that is no visible ASCII character");
    }
  }
  std::vector<CmdlineParameter> parameters;
  std::size_t at = 0;
  while (true) {
    while (at < cmdline.size() && IsSpace(cmdline[at])) ++at;
    if (at == cmdline.size()) return parameters;
    const std::size_t begin = at;
    bool in_quotes = false;
    for (; at < cmdline.size() && (in_quotes || !IsSpace(cmdline[at])); ++at) {
      if (cmdline[at] == '"') in_quotes = !in_quotes;
    }
    if (in_quotes) return Ambiguous("a quote that does not end");
    std::string_view word = cmdline.substr(begin, at - begin);
    if (word == "--") {
      return Ambiguous("the kernel reads nothing after --, systemd does");
    }
    // The kernel takes off quotes around a whole word or a whole value, and
    // systemd all of them.
    const auto unquote = [](std::string_view text) {
      const bool quoted =
          text.size() >= 2 && text.front() == '"' && text.back() == '"';
      return quoted ? text.substr(1, text.size() - 2) : text;
    };
    word = unquote(word);
    const std::size_t equals = word.find('=');
    CmdlineParameter parameter{.name = std::string(word.substr(0, equals)),
                               .value = std::nullopt};
    if (equals != std::string_view::npos) {
      parameter.value = std::string(unquote(word.substr(equals + 1)));
    }
    if (parameter.name.find('"') != std::string::npos ||
        parameter.value.value_or("").find('"') != std::string::npos) {
      return Ambiguous("a quote within a word");
    }
    std::replace(parameter.name.begin(), parameter.name.end(), '-', '_');
    parameters.push_back(std::move(parameter));
  }
}

absl::StatusOr<BootArguments> ReadBootArguments(std::string_view cmdline) {
  const auto parameters = SplitCmdline(cmdline);
  if (!parameters.ok()) return parameters.status();
  return Reader(*parameters).Read();
}

}  // namespace anchorage::verify

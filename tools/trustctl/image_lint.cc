#include "tools/trustctl/image_lint.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/image/beneath.h"
#include "tools/trustctl/image_lint_tree.h"
#include "verify/measure/disk/cmdline.h"

namespace anchorage::trustctl {
namespace {

constexpr LintRule kRules[] = {
    {.id = "ssh",
     .sentence = "an SSH server lets people in",
     .files = "/usr/sbin/sshd /usr/bin/sshd /usr/sbin/dropbear "
              "/usr/bin/dropbear /usr/local/sbin/sshd /usr/local/bin/sshd "
              "/usr/local/sbin/dropbear /usr/local/bin/dropbear "
              "/usr/sbin/tinysshd /usr/bin/tinysshd /usr/local/sbin/tinysshd",
     .units = "ssh.service sshd.service sshd@*.service ssh.socket sshd.socket "
              "dropbear.service tinyssh*.service tinyssh*.socket"},
    {.id = "authorized-keys",
     .sentence = "whoever has the key of it may log in",
     .files = "/root/.ssh/authorized_keys /root/.ssh/authorized_keys2 "
              "/home/*/.ssh/authorized_keys /home/*/.ssh/authorized_keys2 "
              "/etc/ssh/authorized_keys* /etc/credstore*/ssh.* "
              "/usr/lib/credstore*/ssh.* /usr/local/lib/credstore*/ssh.*",
     .units = ""},
    {.id = "ssm",
     .sentence = "AWS Systems Manager runs commands and opens sessions for "
                 "whoever may call its API",
     .files = "/usr/bin/amazon-ssm-agent /usr/bin/ssm-agent-worker "
              "/usr/bin/ssm-session-worker /usr/local/bin/amazon-ssm-agent "
              "/usr/local/bin/ssm-agent-worker "
              "/usr/local/bin/ssm-session-worker /snap/amazon-ssm-agent "
              "/var/lib/snapd/snaps/amazon-ssm-agent_*.snap",
     .units = "amazon-ssm-agent.service "
              "snap.amazon-ssm-agent.amazon-ssm-agent.service"},
    {.id = "instance-connect",
     .sentence = "EC2 Instance Connect gives a key for SSH to whoever may call "
                 "its API",
     .files =
         "/opt/aws/bin/eic_run_authorized_keys "
         "/usr/bin/eic_run_authorized_keys /usr/share/ec2-instance-connect "
         "/usr/lib/systemd/system/ssh.service.d/ec2-instance-connect.conf "
         "/usr/lib/systemd/system/sshd.service.d/"
         "ec2-instance-connect.conf",
     .units = "ec2-instance-connect.service"},
    {.id = "user-data",
     .sentence = "whoever starts the instance gives it programs to run",
     .files = "/usr/bin/cloud-init /usr/local/bin/cloud-init "
              "/etc/cloud/cloud.cfg "
              "/usr/lib/systemd/system-generators/cloud-init-generator "
              "/usr/bin/ignition /usr/lib/dracut/modules.d/*ignition "
              "/usr/bin/amazon-init",
     .units = "cloud-init*.service cloud-config.service cloud-final.service "
              "ignition-*.service amazon-init.service "
              "coreos-metadata-sshkeys@*.service afterburn-sshkeys@*.service"},
    {.id = "remote-agent",
     .sentence = "an agent lets somebody far away run programs or log in",
     .files = "/usr/sbin/tailscaled /usr/bin/teleport /usr/sbin/in.telnetd "
              "/usr/sbin/telnetd /usr/bin/salt-minion /usr/bin/puppet "
              "/opt/puppetlabs/bin/puppet /opt/codedeploy-agent "
              "/usr/share/cockpit",
     .units = "tailscaled.service teleport.service telnet.socket "
              "salt-minion.service puppet.service codedeploy-agent.service "
              "cockpit.socket"},
    {.id = "inetd",
     .sentence = "a program is started for whoever connects",
     .files = "/etc/inetd.conf /usr/sbin/inetd /usr/sbin/inetutils-inetd "
              "/usr/sbin/xinetd",
     .units = "inetd.service inetutils-inetd.service openbsd-inetd.service "
              "xinetd.service"},
    {.id = "motd",
     .sentence = "scripts make the message of the day: they run what was put "
                 "there",
     .files = "/usr/sbin/update-motd /etc/update-motd.d/*",
     .units = "update-motd.service update-motd.timer motd-news.timer"},
    {.id = "chrony",
     .sentence = "chronyd takes commands on a port unless its configuration "
                 "says 'cmdport 0'",
     .files = "",
     .units = ""},
    {.id = "serial-getty",
     .sentence = "a login on a serial console is open to whoever may use the "
                 "EC2 serial console",
     .files = "",
     .units = "serial-getty@*.service console-getty.service "
              "getty@ttyS*.service getty@ttyAMA*.service getty@hvc*.service "
              "autovt@ttyS*.service autovt@ttyAMA*.service "
              "autovt@hvc*.service",
     .only_started = true},
    {.id = "debug-shell",
     .sentence = "a shell of root waits on a console",
     .files = "",
     .units = "debug-shell.service",
     .only_started = true},
    {.id = "password",
     .sentence = "an account with a password, or with none at all, lets "
                 "somebody log in on a console",
     .files = "/etc/credstore*/passwd.* /usr/lib/credstore*/passwd.* "
              "/usr/local/lib/credstore*/passwd.*",
     .units = ""},
    {.id = "boot-parameter",
     .sentence = "a parameter of the kernel's command line opens the machine",
     .files = "",
     .units = ""},
    {.id = "writable-root",
     .sentence = "the root file system can be written to: a change survives "
                 "the next boot, and no measurement shows it",
     .files = "",
     .units = ""},
    {.id = "writable-mount",
     .sentence = "a file system on a disk can be written to: what is put there "
                 "survives the next boot, and no measurement shows it",
     .files = "",
     .units = ""},
    {.id = "overlay-on-disk",
     .sentence = "an overlay keeps its changes on a disk: they lie over the "
                 "files that were measured",
     .files = "",
     .units = ""},
    {.id = "swap",
     .sentence = "memory is written to a disk, where it is neither secret nor "
                 "measured",
     .files = "/swapfile /swap.img /swap",
     .units = "*.swap",
     .only_started = true},
    {.id = "unreadable",
     .sentence = "what cannot be read may be anything",
     .files = "",
     .units = ""},
};

const LintRule* RuleOf(std::string_view id) {
  const auto found =
      std::find_if(std::begin(kRules), std::end(kRules),
                   [&](const LintRule& rule) { return rule.id == id; });
  return found;
}

// In the order of their precedence; what is in /run was not shipped.
constexpr std::string_view kUnitFolders[] = {
    "/etc/systemd/system", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system"};
constexpr std::string_view kPresetFolders[] = {
    "/etc/systemd/system-preset", "/usr/local/lib/systemd/system-preset",
    "/usr/lib/systemd/system-preset", "/lib/systemd/system-preset"};

// Its pattern is anyone's, and matching is not linear.
constexpr std::size_t kMaxPresetBytes = 256;
// Lines of all files, and bytes of patterns times bytes of names.
constexpr std::size_t kMaxPresets = 10'000;
constexpr std::size_t kMaxPresetWork = std::size_t{1} << 28;

// Of units that bring others along.
constexpr std::size_t kMaxPulled = 1 << 16;

std::vector<std::string> Words(std::string_view text) {
  return absl::StrSplit(absl::string_view(text.data(), text.size()),
                        absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
}

// Without comments and empty lines.
std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (stripped.empty() || stripped[0] == '#' || stripped[0] == ';') continue;
    lines.emplace_back(stripped);
  }
  return lines;
}

// The same, of systemd.syntax(7): a line goes on after a backslash.
std::vector<std::string> UnitLines(std::string_view text) {
  std::vector<std::string> lines;
  bool goes_on = false;
  for (std::string& line : Lines(text)) {
    const bool continues = line.back() == '\\';
    if (continues) line.back() = ' ';
    if (goes_on) {
      lines.back() += line;
    } else {
      lines.push_back(std::move(line));
    }
    goes_on = continues;
  }
  return lines;
}

bool IsUnit(const std::string& name) {
  constexpr absl::string_view kTypes[] = {
      ".service", ".socket", ".target",    ".timer", ".path",
      ".mount",   ".swap",   ".automount", ".slice", ".scope"};
  return std::any_of(
      std::begin(kTypes), std::end(kTypes),
      [&](absl::string_view type) { return absl::EndsWith(name, type); });
}

// Whether a getty asks for no name and no password: agetty(8), which takes a
// long option's beginning for it.
bool LogsIn(const std::string& command) {
  const auto words = Words(command);
  return absl::StrContains(command, "getty") &&
         std::any_of(words.begin(), words.end(), [](const std::string& word) {
           return absl::StartsWith(word, "--a") || absl::StartsWith(word, "-a");
         });
}

bool Matches(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

// Whether `option` is there, and `opposite` not after it: the last one counts.
bool HasOption(const std::string& options, absl::string_view option,
               absl::string_view opposite) {
  bool has = false;
  for (const absl::string_view each : absl::StrSplit(options, ',')) {
    if (each == option) has = true;
    if (each == opposite) has = false;
  }
  return has;
}

// "foo@.service" of "foo@bar.service"; the name itself of any other.
std::string TemplateOf(const std::string& unit) {
  const std::size_t at = unit.find('@');
  const std::size_t dot = unit.rfind('.');
  if (at == std::string::npos || dot == std::string::npos || dot < at) {
    return unit;
  }
  return unit.substr(0, at + 1) + unit.substr(dot);
}

// "\\040" of fstab(5) is a space.
std::string Unescaped(const std::string& field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      return field[i + at] >= '0' && field[i + at] <= '7';
    };
    if (field[i] == '\\' && i + 3 < field.size() && digit(1) && digit(2) &&
        digit(3)) {
      text += static_cast<char>((field[i + 1] - '0') * 64 +
                                (field[i + 2] - '0') * 8 + field[i + 3] - '0');
      i += 3;
    } else {
      text += field[i];
    }
  }
  return text;
}

// mount(8) asks for no type where it binds a folder.
bool IsBind(const std::string& options) {
  return HasOption(options, "bind", "") || HasOption(options, "rbind", "");
}

// File systems that keep nothing on a disk, or cannot be written to.
bool IsHarmless(const std::string& type) {
  constexpr std::string_view kTypes[] = {
      "tmpfs",      "ramfs",    "proc",     "sysfs",       "devpts",
      "devtmpfs",   "cgroup",   "cgroup2",  "debugfs",     "tracefs",
      "hugetlbfs",  "mqueue",   "bpf",      "securityfs",  "pstore",
      "efivarfs",   "configfs", "squashfs", "erofs",       "iso9660",
      "autofs",     "overlay",  "swap",     "binfmt_misc", "fusectl",
      "rpc_pipefs", "nfsd"};
  return std::find(std::begin(kTypes), std::end(kTypes), type) !=
         std::end(kTypes);
}

class Linter {
 public:
  explicit Linter(client::Descriptor root)
      : tree_(std::move(root),
              [this](const std::string& path, const std::string& why) {
                Add("unreadable", path, why);
              }) {}

  LintReport Run() {
    ReadUnits();
    if (units_.empty()) {
      Add("unreadable", std::string(kUnitFolders[2]),
          "no units of systemd: how this image starts is not known here");
    }
    ReadPresets();
    ReadPulled();
    for (const LintRule& rule : kRules) {
      FindFiles(rule);
      FindUnits(rule);
    }
    FindChrony();
    const bool getty_may_start = ReadCommandLines();
    FindGettyGenerator(getty_may_start);
    FindPasswords();
    FindRecords();
    FindPam();
    FindMounts();
    FindOverlayRoot();
    LintReport report;
    for (const auto& [key, finding] : findings_) {
      report.findings.push_back(finding);
    }
    return report;
  }

 private:
  void Add(std::string_view id, const std::string& file, std::string what) {
    const LintRule* const rule = RuleOf(id);
    findings_.try_emplace(std::tuple(rule - kRules, file, what),
                          LintFinding{rule, file, what});
  }

  // --- Files and units ------------------------------------------------------

  void FindFiles(const LintRule& rule) {
    for (const std::string& pattern : Words(rule.files)) {
      for (const std::string& path : tree_.Match(pattern)) {
        Add(rule.id, path, "installed");
      }
    }
  }

  void ReadUnits() {
    for (const std::string_view folder : kUnitFolders) {
      for (const std::string& name : tree_.List(std::string(folder))) {
        const std::string path = absl::StrCat(
            absl::string_view(folder.data(), folder.size()), "/", name);
        // systemd.unit(5): what one of these folders holds, a target starts.
        if (absl::EndsWith(name, ".wants") ||
            absl::EndsWith(name, ".requires") ||
            absl::EndsWith(name, ".upholds")) {
          for (const std::string& unit : tree_.List(path)) {
            started_.try_emplace(unit, absl::StrCat(path, "/", unit));
          }
        } else if (absl::EndsWith(name, ".d")) {
          for (const std::string& part : tree_.List(path)) {
            if (absl::EndsWith(part, ".conf")) {
              drop_ins_.push_back(absl::StrCat(path, "/", part));
            }
          }
        } else {
          // The first folder counts.
          units_.try_emplace(name, path);
        }
      }
    }
    // systemd-sysv-generator makes units of these.
    const std::vector<std::string> scripts = tree_.List("/etc/init.d");
    for (const std::string& start : tree_.Match("/etc/rc*.d/S*")) {
      // "S01ssh"
      const std::string script =
          start.substr(std::min(start.rfind('/') + 4, start.size()));
      const std::string unit = script + ".service";
      if (std::binary_search(scripts.begin(), scripts.end(), script) &&
          !units_.contains(unit)) {
        started_.try_emplace(unit, start);
      }
    }
  }

  // systemd.unit(5): a link to /dev/null, or an empty file.
  bool IsMasked(const std::string& unit) {
    for (const std::string& name : {unit, TemplateOf(unit)}) {
      const auto found = units_.find(name);
      if (found == units_.end()) continue;
      if (tree_.LinkTarget(found->second) == "/dev/null") return true;
      const auto text = tree_.Read(found->second);
      return text.has_value() && text->empty();
    }
    return false;
  }

  // What other names and other units bring along, whether or not something
  // starts those: one level of it is one that a reader can follow.
  void ReadPulled() {
    for (const auto& [unit, path] : units_) {
      if (!IsUnit(unit) || IsMasked(unit)) continue;
      if (const auto target = tree_.LinkTarget(path); target.has_value()) {
        const std::string name = target->substr(target->rfind('/') + 1);
        if (name != unit) AddPulled(name, path);
      }
      const std::size_t dot = unit.rfind('.');
      // systemd.timer(5), systemd.path(5), systemd.socket(5).
      if (const std::string type = unit.substr(dot);
          type == ".timer" || type == ".path" || type == ".socket") {
        AddPulled(unit.substr(0, dot) + ".service", path);
      }
      ReadPulledBy(path);
    }
    for (const std::string& path : drop_ins_) ReadPulledBy(path);
  }

  void AddPulled(const std::string& unit, const std::string& path) {
    if (pulled_.size() == kMaxPulled) {
      Add("unreadable", path, "too many units start others");
    } else {
      pulled_.emplace(unit, path);
    }
  }

  void ReadPulledBy(const std::string& path) {
    constexpr absl::string_view kKeys[] = {"Wants",   "Requires",  "Upholds",
                                           "BindsTo", "OnFailure", "OnSuccess",
                                           "Unit",    "Service"};
    for (const std::string& line : UnitLines(tree_.Read(path).value_or(""))) {
      std::pair<std::string, std::string> parts =
          absl::StrSplit(line, absl::MaxSplits('=', 1));
      const absl::string_view key = absl::StripAsciiWhitespace(parts.first);
      if (absl::StartsWith(key, "Exec") && LogsIn(parts.second)) {
        Add("password", path, line);
      }
      if (std::find(std::begin(kKeys), std::end(kKeys), key) ==
          std::end(kKeys)) {
        continue;
      }
      std::erase(parts.second, '"');
      std::erase(parts.second, '\'');
      for (const std::string& unit : Words(parts.second)) {
        if (IsUnit(unit)) AddPulled(unit, path);
      }
    }
  }

  void ReadPresets() {
    std::map<std::string, std::string> files;
    for (const std::string_view folder : kPresetFolders) {
      const std::string prefix(folder);
      for (const std::string& name : tree_.List(prefix)) {
        if (absl::EndsWith(name, ".preset")) {
          files.try_emplace(name, prefix + "/" + name);
        }
      }
    }
    for (const auto& [name, path] : files) {
      for (const std::string& line : Lines(tree_.Read(path).value_or(""))) {
        const auto words = Words(line);
        if (presets_.size() == kMaxPresets) {
          Add("unreadable", path, "too many lines in presets");
          break;
        }
        if (line.size() > kMaxPresetBytes) {
          Add("unreadable", path, "a line that is too long");
        } else if (words.size() >= 2) {
          presets_.emplace_back(words[0], words[1]);
        }
      }
    }
    // machine-id(5): the first boot, on which presets are applied.
    first_boot_ = !tree_.Exists("/etc/machine-id") ||
                  absl::StartsWith(tree_.Read("/etc/machine-id").value_or(""),
                                   "uninitialized");
  }

  // systemd.preset(5): the first line that fits counts, and without one a unit
  // is enabled.
  bool PresetEnables(const std::string& unit) {
    for (const auto& [verb, pattern] : presets_) {
      preset_work_ += pattern.size() * unit.size();
      if (preset_work_ > kMaxPresetWork) {
        Add("unreadable", std::string(kPresetFolders[2]),
            "too many presets for so many units");
        return true;
      }
      if (Matches(pattern, unit)) return verb == "enable";
    }
    return true;
  }

  bool HasInstallSection(const std::string& unit) {
    const std::string text = tree_.Read(units_.at(unit)).value_or("");
    return absl::StrContains(text, "\n[Install]") ||
           absl::StartsWith(text, "[Install]");
  }

  void FindUnits(const LintRule& rule) {
    const auto patterns = Words(rule.units);
    const auto fits = [&](const std::string& unit) {
      return std::any_of(
          patterns.begin(), patterns.end(),
          [&](const std::string& pattern) { return Matches(pattern, unit); });
    };
    for (const auto& [unit, path] : started_) {
      if (!fits(unit)) continue;
      if (!IsMasked(unit)) {
        Add(rule.id, path, "enabled");
      } else if (!rule.only_started) {
        Add(rule.id, path, "enabled, and masked");
      }
    }
    for (const auto& [unit, path] : pulled_) {
      if (rule.only_started && fits(unit) && !IsMasked(unit) &&
          (units_.contains(unit) || units_.contains(TemplateOf(unit)))) {
        Add(rule.id, path, "starts " + unit);
      }
    }
    for (const auto& [unit, path] : units_) {
      // Also a template: "sshd@.service" fits "sshd@*.service".
      if (!fits(unit) || started_.contains(unit)) continue;
      const bool is_masked = IsMasked(unit);
      const bool is_template = absl::StrContains(unit, "@.");
      if (!is_masked && first_boot_ && !is_template &&
          HasInstallSection(unit) && PresetEnables(unit)) {
        Add(rule.id, path, "enabled on the first boot");
      } else if (!rule.only_started) {
        Add(rule.id, path, is_masked ? "masked" : "installed");
      }
    }
  }

  // --- Single rules ---------------------------------------------------------

  void FindChrony() {
    bool installed = false;
    for (const char* path : {"/usr/sbin/chronyd", "/sbin/chronyd",
                             "/usr/bin/chronyd", "/usr/local/sbin/chronyd"}) {
      installed = installed || tree_.Exists(path);
    }
    if (!installed) return;
    bool has_configuration = false;
    for (const char* path : {"/etc/chrony.conf", "/etc/chrony/chrony.conf"}) {
      const auto text = tree_.Read(path);
      if (!text.has_value()) continue;
      has_configuration = true;
      bool has_port = false;
      for (const std::string& line : Lines(*text)) {
        const auto words = Words(absl::AsciiStrToLower(line));
        if (words[0] == "cmdport") {
          has_port = true;
          // The last one counts.
          if (words.size() != 2 || words[1] != "0") Add("chrony", path, line);
        } else if (words[0] == "include" || words[0] == "confdir") {
          Add("chrony", path, line + ": may have another cmdport");
        }
      }
      if (!has_port) Add("chrony", path, "does not say 'cmdport 0'");
    }
    if (!has_configuration) {
      Add("chrony", "/usr/sbin/chronyd", "installed, without a configuration");
    }
  }

  // Every command line that the tree has. Returns whether one of them, or none
  // at all, lets systemd start logins on consoles.
  bool ReadCommandLines() {
    std::vector<std::pair<std::string, std::string>> lines;
    for (const char* path :
         {"/etc/kernel/cmdline", "/usr/lib/kernel/cmdline"}) {
      if (auto text = tree_.Read(path); text.has_value()) {
        lines.emplace_back(path, *std::move(text));
      }
    }
    for (const char* pattern :
         {"/boot/loader/entries/*.conf", "/efi/loader/entries/*.conf",
          "/boot/efi/loader/entries/*.conf"}) {
      for (const std::string& path : tree_.Match(pattern)) {
        std::string options;
        for (const std::string& line : Lines(tree_.Read(path).value_or(""))) {
          if (absl::StartsWith(line, "options")) {
            absl::StrAppend(&options, " ", line.substr(7));
          }
        }
        if (!options.empty()) lines.emplace_back(path, options);
      }
    }
    const std::string grub = "/etc/default/grub";
    for (const std::string& line : Lines(tree_.Read(grub).value_or(""))) {
      const std::size_t equals = line.find('=');
      if (!absl::StartsWith(line, "GRUB_CMDLINE_LINUX") ||
          equals == std::string::npos) {
        continue;
      }
      std::string value = line.substr(equals + 1);
      const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                          (value.front() == '"' || value.front() == '\'');
      lines.emplace_back(grub,
                         quoted ? value.substr(1, value.size() - 2) : value);
    }
    bool getty_may_start = lines.empty();
    for (const auto& [path, line] : lines) {
      if (LintCommandLine(path, line)) getty_may_start = true;
    }
    return getty_may_start;
  }

  bool LintCommandLine(const std::string& path, const std::string& line) {
    const auto parameters = verify::SplitCmdline(line);
    const auto arguments = verify::ReadBootArguments(line);
    if (!parameters.ok() || !arguments.ok()) {
      Add("unreadable", path,
          std::string(
              (parameters.ok() ? arguments.status() : parameters.status())
                  .message()));
      return true;
    }
    if (arguments->read_write) Add("writable-root", path, "rw");
    for (const verify::CmdlineNote& note : arguments->notes) {
      if (absl::StrContains(note.parameter, "swap")) {
        Add("swap", path, note.parameter);
      } else if (note.voids_root_hash &&
                 absl::StrContains(note.parameter, "overlay")) {
        Add("overlay-on-disk", path, note.parameter);
      } else {
        Add("boot-parameter", path,
            absl::StrCat(note.parameter, ": ", note.sentence));
      }
    }
    return std::none_of(
        parameters->begin(), parameters->end(), [](const auto& parameter) {
          return parameter.name == "systemd.getty_auto" &&
                 (parameter.value == "0" || parameter.value == "no" ||
                  parameter.value == "false" || parameter.value == "off");
        });
  }

  // systemd-getty-generator(8) starts serial-getty@.service on each console of
  // the kernel, of which nothing in a tree knows.
  void FindGettyGenerator(bool may_start) {
    const std::string name =
        "/systemd/system-generators/systemd-getty-generator";
    std::string generator;
    for (const char* folder : {"/etc", "/usr/local/lib", "/usr/lib", "/lib"}) {
      const std::string path = folder + name;
      if (!tree_.Exists(path)) continue;
      if (tree_.LinkTarget(path) == "/dev/null") return;
      generator = path;
      break;
    }
    if (generator.empty() || !may_start ||
        !units_.contains("serial-getty@.service") ||
        IsMasked("serial-getty@.service")) {
      return;
    }
    Add("serial-getty", generator,
        "starts one on each console that the kernel is given, unless "
        "systemd.getty_auto=no stands in its command line or "
        "serial-getty@.service is masked");
  }

  void FindPasswords() {
    // passwd(5): 'x' sends to /etc/shadow, and anything else is the password
    // itself. shadow(5): what no hash has the form of locks the account.
    for (const std::string path : {"/etc/passwd", "/etc/shadow"}) {
      for (const std::string& line : Lines(tree_.Read(path).value_or(""))) {
        const std::vector<std::string> fields = absl::StrSplit(line, ':');
        if (fields.size() < 2) continue;
        if (path == "/etc/passwd" && fields.size() > 5) FindKeys(fields[5]);
        const std::string& password = fields[1];
        if (password.empty()) {
          Add("password", path, absl::StrCat(fields[0], " needs no password"));
        } else if (password[0] != '!' && password[0] != '*' &&
                   !(path == "/etc/passwd" && password == "x")) {
          Add("password", path, absl::StrCat(fields[0], " has a password"));
        }
      }
    }
  }

  // What sshd(8) reads in a home, wherever that is; but what is in memory on a
  // running machine was not shipped.
  void FindKeys(const std::string& home) {
    constexpr absl::string_view kMemory[] = {"/dev/", "/proc/", "/run/",
                                             "/var/run/"};
    for (const char* name : {".ssh/authorized_keys", ".ssh/authorized_keys2"}) {
      const std::string path =
          (std::filesystem::path(home) / name).lexically_normal().string();
      const bool is_shipped =
          absl::StartsWith(path, "/") &&
          std::none_of(std::begin(kMemory), std::end(kMemory),
                       [&](absl::string_view folder) {
                         return absl::StartsWith(path, folder);
                       });
      if (is_shipped && tree_.Exists(path)) {
        Add("authorized-keys", path, "installed");
      }
    }
  }

  // nss-systemd(8): records of accounts, in JSON.
  void FindRecords() {
    for (const char* pattern :
         {"/etc/userdb/*.user*", "/usr/lib/userdb/*.user*"}) {
      for (const std::string& path : tree_.Match(pattern)) {
        const std::string text = tree_.Read(path).value_or("");
        if (absl::StrContains(text, "hashedPassword")) {
          Add("password", path, "an account with a password");
        }
        if (absl::StrContains(text, "sshAuthorizedKeys")) {
          Add("authorized-keys", path, "an account with a key");
        }
      }
    }
  }

  // pam.conf(5): pam_permit(8) lets everybody in, unless the stack has refused
  // before, as it has where pam-auth-update wrote it.
  void FindPam() {
    for (const char* pattern :
         {"/etc/pam.conf", "/etc/pam.d/*", "/usr/lib/pam.d/*"}) {
      for (const std::string& path : tree_.Match(pattern)) {
        bool refuses = false;
        for (const std::string& line :
             UnitLines(tree_.Read(path).value_or(""))) {
          auto words = Words(absl::AsciiStrToLower(line));
          // There each line has the service first.
          if (path == "/etc/pam.conf") words.erase(words.begin());
          if (words.size() < 2 || (words[0] != "auth" && words[0] != "-auth")) {
            continue;
          }
          if (absl::StrContains(line, "pam_permit") && !refuses) {
            Add("password", path, line);
          }
          refuses =
              refuses || (absl::StrContains(line, "pam_deny") &&
                          (words[1] == "required" || words[1] == "requisite"));
        }
      }
    }
  }

  // --- Mounts ---------------------------------------------------------------

  struct Mount {
    std::string file;
    std::string source;
    std::string target;
    std::string type;
    std::string options;
  };

  void FindMounts() {
    std::vector<Mount> mounts;
    const std::string fstab = "/etc/fstab";
    for (const std::string& line : Lines(tree_.Read(fstab).value_or(""))) {
      auto fields = Words(line);
      std::transform(fields.begin(), fields.end(), fields.begin(), Unescaped);
      if (fields.size() < 3) {
        Add("unreadable", fstab, line);
        continue;
      }
      mounts.push_back({fstab, fields[0], fields[1], fields[2],
                        fields.size() > 3 ? fields[3] : "defaults"});
    }
    // An automount, a dependency and a program start one, too.
    for (const auto& [unit, path] : units_) {
      if (absl::EndsWith(unit, ".mount") && !IsMasked(unit)) {
        mounts.push_back(ReadMountUnit(path));
      }
    }
    for (const Mount& mount : mounts) {
      const std::string what = absl::StrCat(mount.source, " on ", mount.target,
                                            " (", mount.options, ")");
      if (mount.type == "swap") {
        if (!HasOption(mount.options, "noauto", "auto"))
          Add("swap", mount.file, what);
      } else if (mount.type == "overlay" && !IsBind(mount.options)) {
        if (UpperIsOnDisk(mount, mounts)) {
          Add("overlay-on-disk", mount.file, what);
        }
      } else if (!HasOption(mount.options, "ro", "rw") &&
                 (IsBind(mount.options) || !IsHarmless(mount.type))) {
        Add(mount.target == "/" ? "writable-root" : "writable-mount",
            mount.file, what);
      }
    }
  }

  Mount ReadMountUnit(const std::string& path) {
    Mount mount{path, "", "", "auto", ""};
    for (const std::string& line : Lines(tree_.Read(path).value_or(""))) {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(line, absl::MaxSplits('=', 1));
      const std::string key(absl::StripAsciiWhitespace(parts.first));
      const std::string value(absl::StripAsciiWhitespace(parts.second));
      if (key == "What") mount.source = value;
      if (key == "Where") mount.target = value;
      if (key == "Type") mount.type = value;
      if (key == "Options") mount.options = value;
    }
    return mount;
  }

  static bool UpperIsOnDisk(const Mount& overlay,
                            const std::vector<Mount>& mounts) {
    std::string upper;
    for (const absl::string_view option :
         absl::StrSplit(overlay.options, ',')) {
      if (absl::StartsWith(option, "upperdir="))
        upper = std::string(option.substr(9));
    }
    // Without an upper one it is read-only.
    if (upper.empty()) return false;
    if (absl::StrContains(upper, "/../") || absl::EndsWith(upper, "/..")) {
      return true;
    }
    const auto normal = [](const std::string& path) {
      return (std::filesystem::path(path) / "").lexically_normal().string();
    };
    upper = normal(upper);
    // The deepest mount has it, and of several the last.
    std::string folder = "/";
    bool is_on_disk = !absl::StartsWith(upper, "/run/") &&
                      !absl::StartsWith(upper, "/dev/shm/");
    for (const Mount& mount : mounts) {
      const std::string target = normal(mount.target);
      if (&mount == &overlay || !absl::StartsWith(upper, target) ||
          target.size() < folder.size() || target == "/") {
        continue;
      }
      folder = target;
      is_on_disk = IsBind(mount.options) ||
                   (mount.type != "tmpfs" && mount.type != "ramfs");
    }
    return is_on_disk;
  }

  // overlayroot(8).
  void FindOverlayRoot() {
    for (const char* path :
         {"/etc/overlayroot.conf", "/etc/overlayroot.local.conf"}) {
      for (const std::string& line : Lines(tree_.Read(path).value_or(""))) {
        if (!absl::StartsWith(line, "overlayroot=")) continue;
        std::string value = line.substr(12);
        std::erase(value, '"');
        std::erase(value, '\'');
        if (value.empty() || value == "disabled" ||
            absl::StartsWith(value, "tmpfs")) {
          continue;
        }
        Add("overlay-on-disk", path, value);
      }
    }
  }

  // By the place of the rule, the file and what it is.
  std::map<std::tuple<std::ptrdiff_t, std::string, std::string>, LintFinding>
      findings_;
  LintTree tree_;
  // Names of units, and the file that counts.
  std::map<std::string, std::string> units_;
  // Those that a target starts, and what shows it.
  std::map<std::string, std::string> started_;
  // Of every folder, by their paths.
  std::vector<std::string> drop_ins_;
  // Those that a unit or a drop-in brings along, and its path.
  std::set<std::pair<std::string, std::string>> pulled_;
  std::vector<std::pair<std::string, std::string>> presets_;
  std::size_t preset_work_ = 0;
  bool first_boot_ = false;
};

}  // namespace

absl::Span<const LintRule> LintRules() { return kRules; }

absl::StatusOr<LintReport> LintImage(const std::string& root) {
  auto opened = client::OpenAsSeen(root);
  if (!opened.ok()) return opened.status();
  return Linter(*std::move(opened)).Run();
}

}  // namespace anchorage::trustctl

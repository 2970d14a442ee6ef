#include "client/image/protection.h"

#include <errno.h>
#include <stdlib.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/no_throw.h"
#include "client/image/mounts.h"
#include "verify/printable.h"

namespace anchorage::client {
namespace {

// What a small file of the kernel says, without white space around it; "" where
// there is none.
std::string Said(const std::string& path) {
  const auto text = anchors::ReadFile(path, 64 * 1024);
  if (!text.ok()) return "";
  return verify::Printable(std::string(absl::StripAsciiWhitespace(*text)));
}

// The value of NAME=VALUE on the kernel's command line, the last one.
std::string OfCommandLine(std::string_view line, std::string_view name) {
  std::string value;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) {
      value = std::string(word.substr(name.size() + 1));
    }
  }
  return value;
}

// Whether IMA is known to have a rule that appraises: without one it appraises
// nothing. Kernels without CONFIG_IMA_READ_POLICY do not say.
bool HasAppraiseRule(const std::string& policy) {
  const auto text = anchors::ReadFile(policy, 1024 * 1024);
  return text.ok() && (text->starts_with("appraise ") ||
                       text->find("\nappraise ") != std::string::npos);
}

// Of "none [integrity] confidentiality", what is in brackets.
std::string Chosen(std::string_view text) {
  const std::size_t begin = text.find('[');
  const std::size_t end = text.find(']');
  if (begin == std::string_view::npos || end == std::string_view::npos ||
      end < begin) {
    return "";
  }
  return std::string(text.substr(begin + 1, end - begin - 1));
}

absl::StatusOr<std::vector<Protection>> ProtectionsOrThrow(
    const std::string& root, const std::string& system) {
  const std::unique_ptr<char, void (*)(void*)> real(
      ::realpath(root.c_str(), nullptr), ::free);
  if (real == nullptr) return anchors::FileError(errno, "open", root);
  const auto mounts = MountsSeen();
  if (!mounts.ok()) return mounts.status();
  const Mount* const mount = MountOf(*mounts, real.get());
  const std::string device = mount == nullptr ? "" : mount->device;
  const std::string kernel = system + "/sys/kernel/security";
  const std::string line = Said(system + "/proc/cmdline");

  std::vector<Protection> all;
  const auto add = [&](const char* name, bool on, std::string state) {
    all.push_back({name, on, std::move(state)});
  };
  const std::string uuid =
      Said(absl::StrCat(system, "/sys/dev/block/", device, "/dm/uuid"));
  const bool verity = uuid.starts_with("CRYPT-VERITY-");
  add("dm-verity", verity,
      verity ? "the device is " + uuid : "not on the device of " + root);
  const std::string ipe = Said(kernel + "/ipe/enforce");
  add("IPE", ipe == "1",
      ipe == "1"   ? "enforces a policy"
      : ipe == "0" ? "permits everything"
                   : "absent");
  const std::string appraise = OfCommandLine(line, "ima_appraise");
  const std::string measured = Said(kernel + "/ima/runtime_measurements_count");
  const bool appraises =
      appraise == "enforce" && HasAppraiseRule(kernel + "/ima/policy");
  add("IMA", appraises,
      appraises ? "appraises what its policy names"
      : appraise == "enforce"
          ? "set on the command line, and no policy is known to appraise"
      : measured.empty()
          ? "absent"
          : absl::StrCat("measured ", measured, " files, appraises none"));
  const std::string lockdown = Chosen(Said(kernel + "/lockdown"));
  add("lockdown", lockdown == "integrity" || lockdown == "confidentiality",
      lockdown.empty() ? "absent" : lockdown);
  const std::string enforced =
      Said(system + "/sys/module/module/parameters/sig_enforce");
  add("module signatures", enforced == "Y",
      enforced.empty()  ? "absent"
      : enforced == "Y" ? "demanded"
                        : "not demanded");
  const std::string signatures =
      Said(system + "/proc/sys/fs/verity/require_signatures");
  add("fs-verity", signatures == "1",
      signatures.empty()  ? "absent"
      : signatures == "1" ? "its digests must be signed"
                          : "of single files, where it is enabled");
  return all;
}

}  // namespace

absl::StatusOr<std::vector<Protection>> KernelProtections(
    const std::string& root, const std::string& system) {
  return anchors::NoThrow([&] { return ProtectionsOrThrow(root, system); });
}

}  // namespace anchorage::client

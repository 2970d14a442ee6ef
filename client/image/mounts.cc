#include "client/image/mounts.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"

namespace anchorage::client {
namespace {

constexpr std::size_t kMaxMountInfoBytes = 64 * 1024 * 1024;

// Takes from `rest` what stands before the next `end`, and the `end`.
std::string_view Take(char end, std::string_view& rest) {
  const std::string_view taken = rest.substr(0, rest.find(end));
  rest.remove_prefix(std::min(rest.size(), taken.size() + 1));
  return taken;
}

// Undoes the kernel's "\040" for a space, and an overlay's "\," for a comma.
std::string Unescaped(std::string_view text) {
  std::string bytes;
  const auto digit = [&](std::size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '7';
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && digit(i + 1) && digit(i + 2) && digit(i + 3)) {
      bytes.push_back(static_cast<char>((text[i + 1] - '0') * 64 +
                                        (text[i + 2] - '0') * 8 +
                                        (text[i + 3] - '0')));
      i += 3;
    } else {
      bytes.push_back(text[i]);
    }
  }
  return bytes;
}

std::string UpperOf(std::string_view options) {
  constexpr std::string_view kName = "upperdir=";
  std::size_t begin =
      options.starts_with(kName) ? kName.size() : options.find(",upperdir=");
  if (begin == std::string_view::npos) return "";
  if (begin != kName.size()) begin += kName.size() + 1;
  std::string upper;
  const std::string text = Unescaped(options.substr(begin));
  for (std::size_t i = 0; i < text.size() && text[i] != ','; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    upper.push_back(text[i]);
  }
  return upper;
}

}  // namespace

absl::StatusOr<std::vector<Mount>> ParseMounts(std::string_view text) {
  std::vector<Mount> mounts;
  while (!text.empty()) {
    std::string_view line = Take('\n', text);
    if (mounts.size() == kMaxMounts) {
      return absl::ResourceExhaustedError("there are too many mounts");
    }
    Mount mount;
    // 36 35 98:0 /in/its/fs /mnt rw,noexec master:1 - ext4 /dev/sda1 rw
    Take(' ', line);
    Take(' ', line);
    mount.device = std::string(Take(' ', line));
    Take(' ', line);
    mount.point = Unescaped(Take(' ', line));
    std::string_view options = Take(' ', line);
    while (!options.empty()) {
      const std::string_view option = Take(',', options);
      if (option == "noexec") mount.exec = false;
      if (option == "nosuid") mount.suid = false;
      if (option == "nodev") mount.dev = false;
      if (option == "ro") mount.read_only = true;
    }
    while (!line.empty() && Take(' ', line) != "-") {
    }
    mount.type = Unescaped(Take(' ', line));
    Take(' ', line);
    if (mount.type == "overlay") mount.upper = UpperOf(line);
    if (!mount.point.starts_with('/') || mount.type.empty() ||
        mount.device.find(':') == std::string::npos) {
      return absl::InvalidArgumentError(
          "the list of mounts (/proc/self/mountinfo) is not in its form");
    }
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

absl::StatusOr<std::vector<Mount>> MountsSeen() {
  const auto text =
      anchors::ReadFile("/proc/self/mountinfo", kMaxMountInfoBytes);
  if (!text.ok()) return text.status();
  return ParseMounts(*text);
}

bool RelativeTo(std::string_view folder, std::string_view path,
                std::string_view& relative) {
  if (folder == "/") folder = "";
  if (!path.starts_with(folder)) return false;
  relative = path.substr(folder.size());
  if (relative.empty()) return true;
  if (relative[0] != '/') return false;
  relative.remove_prefix(1);
  return true;
}

const Mount* MountOf(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* best = nullptr;
  std::string_view relative;
  for (const Mount& mount : mounts) {
    if (RelativeTo(mount.point, path, relative) &&
        (best == nullptr || mount.point.size() >= best->point.size())) {
      best = &mount;
    }
  }
  return best;
}

}  // namespace anchorage::client

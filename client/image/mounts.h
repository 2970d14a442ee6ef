// What is mounted where, as the kernel says it (proc(5), mountinfo).

#ifndef ANCHORAGE_CLIENT_IMAGE_MOUNTS_H_
#define ANCHORAGE_CLIENT_IMAGE_MOUNTS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace anchorage::client {

struct Mount {
  // Of the device, "254:0".
  std::string device;
  // Where it is mounted, an absolute path.
  std::string point;
  std::string type;
  // Whether programs, setuid of programs, and devices count there.
  bool exec = true;
  bool suid = true;
  bool dev = true;
  bool read_only = false;
  // Of an overlay, the folder of what was changed; empty for others, and for an
  // overlay without one.
  std::string upper = "";
};

inline constexpr std::size_t kMaxMounts = 100'000;

// Reads the text of a mountinfo, in its order: of two mounts at one point the
// later one hides the other. Fails with INVALID_ARGUMENT for a line that is not
// in that form, RESOURCE_EXHAUSTED for more than kMaxMounts. Pure.
absl::StatusOr<std::vector<Mount>> ParseMounts(std::string_view text);

// Returns the mounts of this process. Fails as ParseMounts(), and as
// ReadFile() where there is no /proc.
absl::StatusOr<std::vector<Mount>> MountsSeen();

// Returns the mount in which the absolute path `path`, which has no links and
// no "//", lies; null where there is none.
const Mount* MountOf(const std::vector<Mount>& mounts, std::string_view path);

// If the absolute path `path` lies below `folder`, or is it, returns what is
// left of it, relative: "" for the folder itself.
bool RelativeTo(std::string_view folder, std::string_view path,
                std::string_view& relative);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_IMAGE_MOUNTS_H_

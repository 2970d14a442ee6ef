// Which protection the kernel gives beside a validation: what was validated can
// be changed afterwards by whoever is root, unless one of these stops it.

#ifndef ANCHORAGE_CLIENT_IMAGE_PROTECTION_H_
#define ANCHORAGE_CLIENT_IMAGE_PROTECTION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace anchorage::client {

struct Protection {
  // "dm-verity", "IPE", "IMA", "lockdown", "module signatures" or "fs-verity".
  std::string name;
  // Whether the kernel stops, or at least shows, a change that a validation
  // would have found.
  bool on = false;
  // What is known of it, in a few printable words.
  std::string state;
};

// Returns what protects the mount of `root`, in the order above. What the
// kernel does not say counts as off. `system` is where /proc and /sys are, ""
// but in tests. Never fails for what is absent; fails as MountsSeen() does.
absl::StatusOr<std::vector<Protection>> KernelProtections(
    const std::string& root, const std::string& system = "");

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_IMAGE_PROTECTION_H_

// What the guidelines for attestable machine images forbid, found in the tree
// of one: ways in, a root file system that can be written to, memory on a disk.
//
//   auto report = LintImage("/mnt/image");
//   for (const LintFinding& finding : report->findings) ...
//
// The measurements of an image say what booted. They are worth nothing where
// somebody then logs in, or where user data says what runs.
//
// The tree is anyone's: links are followed as by processes whose root it is,
// nothing outside is opened, nothing blocks, and a file has at most 1 MiB, all of
// them 64 MiB. What cannot be read is a finding. Nothing is executed or written.
//
// Sources: AWS's EC2 User Guide, "Attestable AMIs", "Isolate data from your own
// operators" and its sample image of Amazon Linux 2023; systemd.unit(5),
// systemd.preset(5), systemd-getty-generator(8), fstab(5), shadow(5).

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LINT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LINT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace anchorage::trustctl {

struct LintRule {
  // Stable: "ssh".
  std::string_view id;
  // Why it is forbidden, as one sentence for people.
  std::string_view sentence;
  // Files that show it, with '*' for a part of one name; separated by spaces.
  std::string_view files;
  // Units that show it, the same.
  std::string_view units;
  // Whether a unit shows it only where it is started: systemd brings it along.
  bool only_started = false;
};

// In the order in which findings are printed.
absl::Span<const LintRule> LintRules();

struct LintFinding {
  const LintRule* rule = nullptr;
  // Relative to the tree, with '/' in front.
  std::string file;
  // What about it: "installed", "enabled", "masked", or what it says. May
  // quote the file: made printable where it is shown.
  std::string what;
};

struct LintReport {
  // By rule, and of each by file.
  std::vector<LintFinding> findings;
};

// Fails as client::OpenAsSeen() does.
absl::StatusOr<LintReport> LintImage(const std::string& root);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_IMAGE_LINT_H_

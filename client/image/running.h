// What runs: the code that processes have mapped, against a manifest.
//
//   auto running = ExamineRunning("/", manifest);
//   if (!running.ok()) return running.status();
//   for (const auto& d : running->differences) Print(verify::TextOf(d));
//
// A process maps each program and each library that it runs from a file. Such a
// file must be an entry, by its path, its contents, and as the very file that
// stands at that path: not a deleted one, one that was replaced, or one that
// exists in memory only (memfd). README.md says what this cannot see: scripts,
// and memory that has no file.

#ifndef ANCHORAGE_CLIENT_IMAGE_RUNNING_H_
#define ANCHORAGE_CLIENT_IMAGE_RUNNING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "verify/image/comparison.h"
#include "verify/image/manifest.h"

namespace anchorage::client {

struct Running {
  // kUnlistedRunning, kReplacedRunning, kContent or kUnreadable, one for each
  // file; the detail names the first process. Sorted by name.
  std::vector<verify::Difference> differences;
  std::uint64_t processes = 0;
  // Files that they have mapped as code.
  std::uint64_t files = 0;
  // Processes that have memory that is code and has no file, as those with a
  // just-in-time compiler do: no difference, and nothing is known of it.
  std::uint64_t with_anonymous_code = 0;
};

// Looks at every process that this one's /proc shows, except kernel threads,
// which run nothing from files. `root` is the folder that `manifest` is about,
// usually "/". A process that ends meanwhile is left out.
//
// Fails with NOT_FOUND where there is no /proc, and as OpenAsSeen() does. Safe
// to call from any number of threads.
absl::StatusOr<Running> ExamineRunning(const std::string& root,
                                       const verify::ImageManifest& manifest);

// One line of /proc/PID/maps.
struct Mapping {
  // The range as its name in /proc/PID/map_files: "55d0c0a1e000-55d0c0a20000".
  std::string range;
  bool is_code = false;
  // 0 for memory without a file.
  std::uint64_t inode = 0;
  // As the kernel escapes it; empty, "[heap]" and so on without a file.
  std::string path;
};

// Reads the text of a maps file (proc(5)). Fails with INVALID_ARGUMENT for a
// line that is not in that form. Pure.
absl::StatusOr<std::vector<Mapping>> ParseMappings(std::string_view text);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_IMAGE_RUNNING_H_

#include "client/image/running.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/no_throw.h"
#include "client/image/beneath.h"
#include "client/image/content.h"
#include "client/image/mounts.h"

namespace anchorage::client {
namespace {

using verify::Difference;
using verify::DifferenceReason;
using verify::EntryType;
using verify::ManifestEntry;

// A process has at most vm.max_map_count mappings, 65,530 unless it is raised.
constexpr std::size_t kMaxMapsBytes = 256 * 1024 * 1024;
constexpr std::string_view kDeleted = " (deleted)";
// At a process of which threads start others and end.
constexpr int kMaxLooks = 100;
// proc_pid_stat(5): PF_EXITING, and PF_KTHREAD of the kernel's own.
constexpr unsigned kExiting = 0x4;
constexpr unsigned kKernelThread = 0x00200000;

std::string_view Take(char end, std::string_view& rest) {
  const std::string_view taken = rest.substr(0, rest.find(end));
  rest.remove_prefix(std::min(rest.size(), taken.size() + 1));
  return taken;
}

// Returns the contents of a file of /proc; nullopt with errno.
std::optional<std::string> ReadProc(const std::string& path,
                                    std::size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return std::nullopt;
  std::string text;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t n = ::read(file.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > max_bytes) {
      errno = E2BIG;
      return std::nullopt;
    }
  }
}

bool IsGone(int error) { return error == ENOENT || error == ESRCH; }

// Returns the numbers in a folder of /proc, sorted as text.
absl::StatusOr<std::vector<std::string>> NumbersIn(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()),
                                                   ::closedir);
  if (stream == nullptr) return anchors::FileError(errno, "list", folder);
  std::vector<std::string> numbers;
  errno = 0;
  while (const dirent* const found = ::readdir(stream.get())) {
    const std::string name = found->d_name;
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      numbers.push_back(name);
    }
    errno = 0;
  }
  if (errno != 0) return anchors::FileError(errno, "list", folder);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// Whether a thread maps and starts nothing from now on: it is ending, a zombie,
// or the kernel's. False where it is gone.
bool RunsNothing(const std::string& folder) {
  const std::string text = ReadProc(folder + "/stat", 4096).value_or("");
  // "7 (a) b) S 1 7 7 0 -1 4194304 ...": the name is anyone's.
  std::string_view rest = text;
  rest.remove_prefix(std::min(rest.rfind(')') + 2, rest.size()));
  for (int i = 0; i < 6; ++i) Take(' ', rest);
  unsigned flags = 0;
  return absl::SimpleAtoi(std::string(Take(' ', rest)), &flags) &&
         (flags & (kExiting | kKernelThread)) != 0;
}

class Examiner {
 public:
  Examiner(std::string root, Descriptor folder,
           const verify::ImageManifest& manifest)
      : root_(std::move(root)),
        folder_(std::move(folder)),
        manifest_(manifest) {}

  void Process(const std::string& pid);

  Running Result() {
    std::sort(result_.differences.begin(), result_.differences.end(),
              [](const Difference& a, const Difference& b) {
                return std::tie(a.name, a.reason, a.detail) <
                       std::tie(b.name, b.reason, b.detail);
              });
    return std::move(result_);
  }

 private:
  // Looks at what a thread has mapped, which all threads of a process share.
  // False where nothing is: it has ended, or is the kernel's.
  bool Thread(const std::string& folder, const std::string& who);
  void File(const Descriptor& mapped, const std::string& path,
            const std::string& who);
  void Add(DifferenceReason reason, std::string_view name, std::string detail) {
    result_.differences.push_back(
        {reason, std::string(name), std::move(detail)});
  }

  const std::string root_;
  const Descriptor folder_;
  const verify::ImageManifest& manifest_;
  ContentReader reader_;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t, std::string>>
      seen_;
  Running result_;
};

void Examiner::Process(const std::string& pid) {
  const std::string folder = "/proc/" + pid;
  std::string command = ReadProc(folder + "/comm", 4096).value_or("?\n");
  if (command.ends_with('\n')) command.pop_back();
  const std::string who = absl::StrCat("process ", pid, " (", command, ")");
  // One thread's mappings are those of all, but the kernel shows none of a thread
  // that has ended, the first one too. One that ends may have started another
  // after the list was read, so only a second list without a new one is the end.
  std::vector<std::string> before;
  for (int look = 0; look < kMaxLooks; ++look) {
    auto threads = NumbersIn(folder + "/task");
    if (absl::IsNotFound(threads.status())) return;
    if (!threads.ok()) break;
    bool is_over = std::includes(before.begin(), before.end(), threads->begin(),
                                 threads->end());
    for (const std::string& thread : *threads) {
      // Of a thread, too, the kernel has map_files here alone.
      if (Thread("/proc/" + thread, who)) return;
      is_over = is_over && RunsNothing("/proc/" + thread);
    }
    if (is_over) return;
    before = *std::move(threads);
  }
  Add(DifferenceReason::kUnreadable, folder,
      absl::StrCat("cannot read the threads of ", who));
}

bool Examiner::Thread(const std::string& folder, const std::string& who) {
  const auto text = ReadProc(folder + "/maps", kMaxMapsBytes);
  // Newer kernels refuse to read what is empty for older ones.
  if (!text.has_value() && IsGone(errno)) return false;
  const auto mappings =
      text.has_value()
          ? ParseMappings(*text)
          : absl::StatusOr<std::vector<Mapping>>(std::vector<Mapping>());
  if (!text.has_value() || !mappings.ok()) {
    Add(DifferenceReason::kUnreadable, folder,
        absl::StrCat("cannot read what ", who, " has mapped"));
    return true;
  }
  if (mappings->empty()) return false;
  bool anonymous = false;
  bool lost = false;
  for (const Mapping& mapping : *mappings) {
    if (!mapping.is_code) continue;
    if (mapping.inode == 0 && !mapping.path.starts_with('/')) {
      anonymous = anonymous ||
                  (mapping.path != "[vdso]" && mapping.path != "[vsyscall]");
      continue;
    }
    const std::string link = absl::StrCat(folder, "/map_files/", mapping.range);
    char path[PATH_MAX];
    const ssize_t size = ::readlink(link.c_str(), path, sizeof(path));
    const Descriptor mapped(
        size < 0 ? -1 : ::open(link.c_str(), O_PATH | O_CLOEXEC));
    if (!mapped.ok()) {
      if (IsGone(errno)) {
        lost = true;
        continue;
      }
      Add(DifferenceReason::kUnreadable, mapping.path,
          absl::StrCat("cannot look at what ", who, " has mapped"));
      continue;
    }
    File(mapped, std::string(path, static_cast<std::size_t>(size)), who);
  }
  // This thread has ended meanwhile, and others may go on.
  if (lost && ReadProc(folder + "/maps", kMaxMapsBytes).value_or("").empty()) {
    return false;
  }
  ++result_.processes;
  if (anonymous) ++result_.with_anonymous_code;
  return true;
}

void Examiner::File(const Descriptor& mapped, const std::string& path,
                    const std::string& who) {
  struct statx facts;
  if (!FactsOf(mapped, facts)) {
    return Add(DifferenceReason::kUnreadable, path, who);
  }
  if (!seen_
           .emplace(facts.stx_dev_major, facts.stx_dev_minor, facts.stx_ino,
                    path)
           .second) {
    return;
  }
  ++result_.files;
  const auto listed = [&](std::string_view name) -> const ManifestEntry* {
    const auto it = std::lower_bound(
        manifest_.entries.begin(), manifest_.entries.end(), name,
        [](const ManifestEntry& e, std::string_view n) { return e.name < n; });
    return it != manifest_.entries.end() && it->name == name &&
                   it->type == EntryType::kFile
               ? &*it
               : nullptr;
  };
  std::string_view name;
  if (!RelativeTo(root_, path, name)) {
    return Add(DifferenceReason::kUnlistedRunning, path, who);
  }
  const ManifestEntry* entry = listed(name);
  if (entry == nullptr && name.ends_with(kDeleted)) {
    name.remove_suffix(kDeleted.size());
    if (listed(name) == nullptr) {
      return Add(DifferenceReason::kUnlistedRunning, path, who);
    }
    return Add(DifferenceReason::kReplacedRunning, name,
               absl::StrCat(who, " runs a deleted file"));
  }
  if (entry == nullptr) {
    return Add(DifferenceReason::kUnlistedRunning, name, who);
  }
  const Descriptor file = OpenBeneath(folder_.get(), entry->name, O_RDONLY);
  struct statx standing;
  if (!file.ok() || !FactsOf(file, standing) ||
      standing.stx_ino != facts.stx_ino ||
      standing.stx_dev_major != facts.stx_dev_major ||
      standing.stx_dev_minor != facts.stx_dev_minor) {
    return Add(DifferenceReason::kReplacedRunning, name,
               absl::StrCat(who, " runs another file of that path"));
  }
  if (const auto enforced = EnforcedDigest(file, standing);
      enforced.has_value() && enforced == entry->fsverity_sha256) {
    return;
  }
  verify::Sha256Bytes digest;
  switch (reader_.Hash(file, standing, "", digest, nullptr)) {
    case ContentReader::Outcome::kRead:
      if (digest != entry->sha256) {
        Add(DifferenceReason::kContent, name, absl::StrCat("run by ", who));
      }
      return;
    case ContentReader::Outcome::kChanged:
      return Add(DifferenceReason::kChangedWhileRead, name,
                 absl::StrCat("run by ", who));
    case ContentReader::Outcome::kUnreadable:
      return Add(DifferenceReason::kUnreadable, name,
                 absl::StrCat("run by ", who));
  }
}

absl::StatusOr<Running> ExamineOrThrow(const std::string& root,
                                       const verify::ImageManifest& manifest) {
  const std::unique_ptr<char, void (*)(void*)> real(
      ::realpath(root.c_str(), nullptr), ::free);
  if (real == nullptr) return anchors::FileError(errno, "open", root);
  auto folder = OpenAsSeen(real.get());
  if (!folder.ok()) return folder.status();
  const auto processes = NumbersIn("/proc");
  if (!processes.ok()) return processes.status();
  Examiner examiner(real.get(), *std::move(folder), manifest);
  for (const std::string& pid : *processes) examiner.Process(pid);
  return examiner.Result();
}

}  // namespace

absl::StatusOr<std::vector<Mapping>> ParseMappings(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty()) {
    // 55d0c0a1e000-55d0c0a20000 r-xp 00002000 fe:00 247134     /usr/bin/cat
    std::string_view line = Take('\n', text);
    Mapping mapping;
    mapping.range = std::string(Take(' ', line));
    const std::string_view permissions = Take(' ', line);
    Take(' ', line);
    const std::string_view device = Take(' ', line);
    const std::string_view inode = Take(' ', line);
    if (mapping.range.find('-') == std::string::npos ||
        permissions.size() != 4 || device.find(':') == std::string_view::npos ||
        inode.empty() || inode.size() > 19 ||
        inode.find_first_not_of("0123456789") != std::string_view::npos) {
      return absl::InvalidArgumentError(
          "a list of mappings (/proc/PID/maps) is not in its form");
    }
    mapping.is_code = permissions[2] == 'x';
    for (const char digit : inode) {
      mapping.inode = mapping.inode * 10 + static_cast<unsigned>(digit - '0');
    }
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    mapping.path = std::string(line);
    mappings.push_back(std::move(mapping));
  }
  return mappings;
}

absl::StatusOr<Running> ExamineRunning(const std::string& root,
                                       const verify::ImageManifest& manifest) {
  return anchors::NoThrow([&] { return ExamineOrThrow(root, manifest); });
}

}  // namespace anchorage::client

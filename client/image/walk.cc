#include "client/image/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "anchors/base/no_throw.h"
#include "client/image/beneath.h"
#include "client/image/content.h"
#include "verify/image/file_class.h"

namespace anchorage::client {
namespace {

using verify::Difference;
using verify::DifferenceReason;
using verify::EntryType;
using verify::FileClass;
using verify::ManifestEntry;
using verify::ManifestScope;

// A file from this size on waits, open, for a thread that has nothing else to
// do, so that one folder of large files keeps all threads busy.
constexpr std::uint64_t kLargeBytes = 64 * 1024;
constexpr std::size_t kMaxWaiting = 128;

// What a file of unknown class is read for, and more than its head needs.
constexpr std::size_t kSmallBytes = 4 * 1024;

// How often a folder is listed until nobody writes to it meanwhile.
constexpr int kMaxListings = 8;

constexpr std::size_t kMaxProblems = 100'000;
constexpr std::size_t kMaxFormatBytes = 64 * 1024;

// Links below one exclusion.
constexpr std::size_t kMaxExcludedLinks = 10'000;

// What following links may take of a processor's time, in nanoseconds: those
// below one exclusion, and all others that no manifest lists. One that leads
// through 40 long ones takes 50 ms. The time of a disk does not count, so that
// a slow one makes no difference.
constexpr std::int64_t kExcludedLinksTime = 5'000'000'000;
constexpr std::int64_t kOtherLinksTime = 10'000'000'000;

// The root itself has no name of an entry.
constexpr char kRootName[] = ".";

std::string ErrorText(int error) {
  char text[128];
  return ::strerror_r(error, text, sizeof(text));
}

mode_t KindOf(unsigned char hint) { return DTTOIF(hint); }

std::string Join(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : absl::StrCat(folder, "/", name);
}

EntryType TypeOf(mode_t kind) {
  switch (kind) {
    case S_IFREG:
      return EntryType::kFile;
    case S_IFLNK:
      return EntryType::kLink;
    case S_IFDIR:
      return EntryType::kDirectory;
    default:
      return EntryType::kSpecial;
  }
}

std::string SpecialTarget(const struct statx& facts) {
  const auto numbered = [&](const char* what) {
    return absl::StrCat(what, " ", facts.stx_rdev_major, ":",
                        facts.stx_rdev_minor);
  };
  switch (facts.stx_mode & S_IFMT) {
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    case S_IFCHR:
      return numbered("character");
    default:
      return numbered("block");
  }
}

// Whether it is a device that opens anything: an overlay's whiteout is the only
// one that does not.
bool OpensDevice(const struct statx& facts) {
  return S_ISBLK(facts.stx_mode) ||
         (S_ISCHR(facts.stx_mode) &&
          (facts.stx_rdev_major != 0 || facts.stx_rdev_minor != 0));
}

// Device and inode.
using FileId = std::pair<std::uint64_t, std::uint64_t>;
FileId IdOf(const struct statx& facts) {
  return {::makedev(facts.stx_dev_major, facts.stx_dev_minor), facts.stx_ino};
}

std::int64_t ProcessorTime() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Opens with O_PATH what `name` leads to, and takes the time for it off `left`.
// EDQUOT where none is left.
Descriptor Follow(const Descriptor& root, const std::string& name,
                  std::atomic<std::int64_t>& left) {
  if (left <= 0) {
    errno = EDQUOT;
    return Descriptor();
  }
  const std::int64_t start = ProcessorTime();
  Descriptor target = ResolveInRoot(root.get(), name);
  left -= ProcessorTime() - start;
  return target;
}

struct FolderEntry {
  std::string name;
  // DT_REG and so on, or DT_UNKNOWN.
  unsigned char hint;
};

// Fills `entries` with what is in a folder, sorted. False with errno.
bool ListFolder(const Descriptor& folder, std::vector<FolderEntry>& entries) {
  entries.clear();
  Descriptor copy(
      ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> names(
      copy.ok() ? ::fdopendir(copy.get()) : nullptr, ::closedir);
  if (names == nullptr) return false;
  copy.Release();
  while (true) {
    errno = 0;
    const dirent* const found = ::readdir(names.get());
    if (found == nullptr) break;
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back({std::string(name), found->d_type});
  }
  const int error = errno;
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  errno = error;
  return error == 0;
}

ManifestEntry EntryOf(std::string name, const struct statx& facts) {
  ManifestEntry entry;
  entry.name = std::move(name);
  entry.type = TypeOf(facts.stx_mode & S_IFMT);
  entry.mode = facts.stx_mode & 07777;
  entry.uid = facts.stx_uid;
  entry.gid = facts.stx_gid;
  if (entry.type == EntryType::kFile) entry.size = facts.stx_size;
  if (entry.type == EntryType::kSpecial) entry.target = SpecialTarget(facts);
  return entry;
}

// A file that is open, and what is known of it.
struct OpenFile {
  Descriptor descriptor;
  struct statx facts {};
  ManifestEntry entry;
};

// What names of one file with several (hard links) share: the digest, once one
// of them was read.
struct SharedFile {
  struct statx facts {};
  std::optional<verify::Sha256Bytes> digest;
  // Why there is none.
  std::optional<Difference> problem;
};

// What one thread found.
struct Part {
  std::vector<ManifestEntry> found;
  // Entries of the manifest that were found as they are there.
  std::vector<const ManifestEntry*> as_listed;
  std::vector<ManifestEntry> folders;
  std::vector<Difference> problems;
  // Names of hard links, and the file that each of them is.
  std::vector<std::pair<ManifestEntry, const SharedFile*>> links;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t enforced = 0;
};

bool Earlier(const ManifestEntry& a, const ManifestEntry& b) {
  return a.name < b.name;
}

// Sorts `entries`, of which each part up to the next of `bounds` is sorted.
// Merges where they stand and not the entries, which are large.
void MergeParts(const std::vector<std::size_t>& bounds,
                std::vector<ManifestEntry>& entries) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto at = [&](std::size_t i) {
    return order.begin() +
           static_cast<std::ptrdiff_t>(bounds[std::min(i, bounds.size() - 1)]);
  };
  for (std::size_t step = 1; step < bounds.size(); step *= 2) {
    for (std::size_t i = 0; i < bounds.size(); i += 2 * step) {
      std::inplace_merge(at(i), at(i + step), at(i + 2 * step),
                         [&](std::size_t a, std::size_t b) {
                           return entries[a].name < entries[b].name;
                         });
    }
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] == i) continue;
    ManifestEntry first = std::move(entries[i]);
    std::size_t to = i;
    while (order[to] != i) {
      entries[to] = std::move(entries[order[to]]);
      to = std::exchange(order[to], to);
    }
    entries[to] = std::move(first);
    order[to] = to;
  }
}

class Walk {
 public:
  Walk(const WalkJob& job, const Descriptor& root) : job_(job), root_(root) {}

  absl::StatusOr<Inventory> Run();

 private:
  class Worker;

  void ReadFormats();
  // Looks for the first file that `scope` covers in `name` of the folder `at`,
  // or below it, and returns its name and class; "" where there is none. Names
  // begin with `as` in place of `name`; where that is no name of an entry, links
  // and devices are passed by, and else devices outside dev count, a link in the
  // place of `name`, and below it those that lead to such files or to folders
  // outside. Adds what it cannot look at to `problems`.
  std::string FirstCovered(int at, const std::string& name,
                           const std::string& as, ManifestScope scope,
                           ContentReader& reader,
                           std::vector<Difference>& problems) const;
  // Whether others than root and ROOT's owner, of whom JudgeRoot() tells,
  // decide what is run from that folder.
  bool OthersDecide(const ManifestEntry& folder) const {
    const bool others_write =
        (folder.mode & 022) != 0 && (folder.mode & S_ISVTX) == 0;
    return (others_write || (folder.uid != 0 && folder.uid != owner_)) &&
           verify::IsFolderOfCode(folder.name);
  }
  void JudgeRoot(Inventory& all) const;
  void JudgeUpper(Inventory& all) const;
  const ManifestEntry* Listed(const std::string& name) const;
  // Whether `name` is covered, whatever stands there.
  bool IsStartUp(const std::string& name) const {
    return job_.scope != ManifestScope::kCode && verify::IsStartUpName(name);
  }
  bool IsExcluded(const std::string& name) const {
    return verify::IsExcluded(job_.exclusions, name);
  }
  void Stop(absl::Status why);
  Inventory Collect(std::vector<Part> parts);

  const WalkJob& job_;
  const Descriptor& root_;
  verify::BinaryFormats formats_;
  // Of ROOT.
  std::uint32_t owner_ = 0;
  std::atomic<std::size_t> listed_{0};
  std::atomic<std::int64_t> links_time_{kOtherLinksTime};

  std::mutex mutex_;
  std::condition_variable changed_;
  // The rest is under the mutex.
  std::vector<std::string> folders_;
  // A heap, the largest first.
  std::vector<OpenFile> waiting_;
  std::size_t busy_ = 0;
  absl::Status stopped_;
  std::map<FileId, SharedFile> shared_;
};

bool Smaller(const OpenFile& a, const OpenFile& b) {
  return a.facts.stx_size < b.facts.stx_size;
}

// One thread of a walk.
class Walk::Worker {
 public:
  Worker(Walk& walk, Part& part) : walk_(walk), job_(walk.job_), part_(part) {}

  void Work();

 private:
  void Folder(const std::string& name);
  void Name(const Descriptor& folder, const std::string& name,
            const char* base_name, unsigned char hint);
  void Link(const Descriptor& folder, std::string name, const char* base_name);
  void Special(const Descriptor& folder, std::string name,
               const char* base_name);
  void File(const Descriptor& folder, std::string name, const char* base_name);
  void Content(OpenFile file, std::string_view head);
  void Shared(OpenFile file, std::string_view head);
  // Hashes `file`; nullopt with the problem in `problem`.
  std::optional<verify::Sha256Bytes> Digest(const OpenFile& file,
                                            std::string_view head,
                                            Difference& problem);
  bool LeadsToData(const std::string& name);
  void Excluded(const Descriptor& folder, const std::string& name,
                const char* base_name);
  // Makes room for one entry more. False where there is none.
  void Add(ManifestEntry entry);
  void Problem(DifferenceReason reason, std::string name, std::string detail);
  void Unreadable(std::string name, const char* what, int error);

  Walk& walk_;
  const WalkJob& job_;
  Part& part_;
  ContentReader reader_;
};

void Walk::Worker::Work() {
  std::unique_lock lock(walk_.mutex_);
  while (true) {
    walk_.changed_.wait(lock, [this] {
      return !walk_.stopped_.ok() || !walk_.waiting_.empty() ||
             !walk_.folders_.empty() || walk_.busy_ == 0;
    });
    if (!walk_.stopped_.ok()) return;
    if (walk_.waiting_.empty() && walk_.folders_.empty()) return;
    ++walk_.busy_;
    if (!walk_.waiting_.empty()) {
      std::pop_heap(walk_.waiting_.begin(), walk_.waiting_.end(), Smaller);
      OpenFile file = std::move(walk_.waiting_.back());
      walk_.waiting_.pop_back();
      lock.unlock();
      Content(std::move(file), "");
    } else {
      const std::string name = std::move(walk_.folders_.back());
      walk_.folders_.pop_back();
      lock.unlock();
      Folder(name);
    }
    lock.lock();
    if (--walk_.busy_ == 0) walk_.changed_.notify_all();
  }
}

void Walk::Worker::Problem(DifferenceReason reason, std::string name,
                           std::string detail) {
  if (part_.problems.size() >= kMaxProblems) {
    walk_.Stop(absl::ResourceExhaustedError("there are too many problems"));
    return;
  }
  part_.problems.push_back({reason, std::move(name), std::move(detail)});
}

void Walk::Worker::Unreadable(std::string name, const char* what, int error) {
  // What is gone and in no manifest makes no difference to one.
  if (error == ENOENT && job_.manifest != nullptr &&
      walk_.Listed(name) == nullptr) {
    return;
  }
  switch (error) {
    // What was there a moment ago is gone, or something else.
    case ENOENT:
    case ELOOP:
    case ENOTDIR:
    case EAGAIN:
    case ESTALE:
      return Problem(DifferenceReason::kChangedWhileRead, std::move(name),
                     absl::StrCat("cannot ", what, ": ", ErrorText(error)));
    case EXDEV:
      return Problem(DifferenceReason::kHiddenByMount, std::move(name),
                     "another mount");
    case ENAMETOOLONG:
      return Problem(DifferenceReason::kLimitExceeded, std::move(name),
                     "a name of more than 4095 bytes");
    default:
      return Problem(DifferenceReason::kUnreadable, std::move(name),
                     absl::StrCat("cannot ", what, ": ", ErrorText(error)));
  }
}

void Walk::Worker::Add(ManifestEntry entry) {
  if (!verify::IsEntryName(entry.name)) {
    return Problem(DifferenceReason::kLimitExceeded, std::move(entry.name),
                   "a name that no entry can have");
  }
  if (++walk_.listed_ > 2 * verify::kMaxManifestEntries) {
    return walk_.Stop(
        absl::ResourceExhaustedError("more names than a manifest may have"));
  }
  if (job_.options.compact) {
    const ManifestEntry* const listed = walk_.Listed(entry.name);
    if (listed != nullptr &&
        verify::IsAsListed(*job_.manifest, *listed, entry)) {
      part_.as_listed.push_back(listed);
      return;
    }
  }
  part_.found.push_back(std::move(entry));
}

void Walk::Worker::Folder(const std::string& name) {
  const std::string& shown = name.empty() ? kRootName : name;
  Descriptor folder =
      OpenBeneath(walk_.root_.get(), shown, O_RDONLY | O_DIRECTORY);
  struct statx before;
  if (!folder.ok() || !FactsOf(folder, before)) {
    // Where the walk stops at mounts, these are told of as mounts.
    if (errno == EXDEV && job_.as_seen) return;
    return Unreadable(shown, "open", errno);
  }
  // A folder that a manifest lists is compared; others are listed where it is
  // made and something in them is, or where others may put code into them.
  if (ManifestEntry entry = EntryOf(name, before);
      !name.empty() &&
      (job_.manifest == nullptr || job_.everything() ||
       walk_.Listed(name) != nullptr || walk_.OthersDecide(entry))) {
    part_.folders.push_back(std::move(entry));
  }
  // What is written to all the time, such as a folder for temporary files, has
  // a list of names that was true at one moment, or is a problem.
  std::vector<FolderEntry> names;
  for (int attempt = 1;; ++attempt) {
    struct statx after;
    if (!ListFolder(folder, names) || !FactsOf(folder, after)) {
      return Unreadable(shown, "list", errno);
    }
    if (!Changed(before, after)) break;
    if (attempt == kMaxListings) {
      return Problem(DifferenceReason::kChangedWhileRead, shown,
                     "the folder changed whenever it was listed");
    }
    before = after;
  }
  for (const FolderEntry& entry : names) {
    Name(folder, Join(name, entry.name), entry.name.c_str(), entry.hint);
  }
}

void Walk::Worker::Name(const Descriptor& folder, const std::string& name,
                        const char* base_name, unsigned char hint) {
  if (job_.options.progress != nullptr) ++job_.options.progress->names;
  if (walk_.IsExcluded(name)) return Excluded(folder, name, base_name);
  mode_t kind = KindOf(hint);
  // The hint decides how a name is opened, and never what it is.
  if (hint == DT_UNKNOWN) {
    const Descriptor it = OpenBeneath(folder.get(), base_name, O_PATH);
    struct statx facts;
    if (!it.ok() || !FactsOf(it, facts)) {
      return Unreadable(name, "open", errno);
    }
    kind = facts.stx_mode & S_IFMT;
  }
  switch (kind) {
    case S_IFDIR: {
      const std::lock_guard lock(walk_.mutex_);
      walk_.folders_.push_back(name);
      walk_.changed_.notify_one();
      return;
    }
    case S_IFREG:
      return File(folder, name, base_name);
    case S_IFLNK:
      return Link(folder, name, base_name);
    default:
      return Special(folder, name, base_name);
  }
}

void Walk::Worker::Link(const Descriptor& folder, std::string name,
                        const char* base_name) {
  const Descriptor link = OpenBeneath(folder.get(), base_name, O_PATH);
  struct statx facts;
  if (!link.ok() || !FactsOf(link, facts)) {
    return Unreadable(std::move(name), "open", errno);
  }
  if (!S_ISLNK(facts.stx_mode))
    return Unreadable(std::move(name), "open", EAGAIN);
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(link.get(), "", target, sizeof(target));
  if (size < 0) return Unreadable(std::move(name), "read", errno);
  if (!job_.everything() && walk_.Listed(name) == nullptr &&
      !walk_.IsStartUp(name) && LeadsToData(name)) {
    return;
  }
  ManifestEntry entry = EntryOf(std::move(name), facts);
  entry.target.assign(target, static_cast<std::size_t>(size));
  Add(std::move(entry));
}

// A link gives its name to what it leads to: to code, to a folder in which code
// may stand, or to nothing yet. Only one that leads to data is of no interest.
// Where no time is left to find out, it counts.
bool Walk::Worker::LeadsToData(const std::string& name) {
  const Descriptor target = Follow(walk_.root_, name, walk_.links_time_);
  struct statx facts;
  if (!target.ok() || !FactsOf(target, facts) || !S_ISREG(facts.stx_mode)) {
    return false;
  }
  const Descriptor file = Reopen(target, O_RDONLY);
  if (!file.ok()) return false;
  const auto head = reader_.Head(file, verify::kHeadBytes);
  return head.has_value() &&
         !verify::IsInScope(
             verify::ClassifyFile(name, facts.stx_mode, *head, walk_.formats_),
             job_.scope);
}

void Walk::Worker::Special(const Descriptor& folder, std::string name,
                           const char* base_name) {
  const Descriptor it = OpenBeneath(folder.get(), base_name, O_PATH);
  struct statx facts;
  if (!it.ok() || !FactsOf(it, facts)) {
    return Unreadable(std::move(name), "open", errno);
  }
  if (TypeOf(facts.stx_mode & S_IFMT) != EntryType::kSpecial) {
    return Unreadable(std::move(name), "open", EAGAIN);
  }
  const bool covered = job_.everything() || walk_.Listed(name) != nullptr ||
                       walk_.IsStartUp(name);
  if (!covered && (name.starts_with("dev/") || !OpensDevice(facts))) return;
  Add(EntryOf(std::move(name), facts));
}

void Walk::Worker::File(const Descriptor& folder, std::string name,
                        const char* base_name) {
  OpenFile file;
  file.descriptor = OpenBeneath(folder.get(), base_name, O_RDONLY);
  if (!file.descriptor.ok() || !FactsOf(file.descriptor, file.facts)) {
    return Unreadable(std::move(name), "open", errno);
  }
  if (!S_ISREG(file.facts.stx_mode)) {
    return Unreadable(std::move(name), "open", EAGAIN);
  }
  const ManifestEntry* const listed = walk_.Listed(name);
  file.entry = EntryOf(std::move(name), file.facts);
  ManifestEntry& entry = file.entry;

  // Nothing is read of a file that is an entry and differs anyway.
  const bool could_match =
      job_.manifest == nullptr ||
      (listed != nullptr && listed->type == EntryType::kFile &&
       (listed->size == entry.size || job_.manifest->content_only));
  const bool covered = listed != nullptr || job_.everything();
  std::string_view head;
  if (job_.manifest == nullptr || !covered) {
    // All at once where all is read anyway, or is little.
    const bool all = could_match && (covered || (entry.mode & 06111) != 0);
    const auto read = reader_.Head(
        file.descriptor,
        std::min<std::uint64_t>(
            entry.size, all ? ContentReader::kBufferBytes : kSmallBytes));
    if (!read.has_value()) {
      return Unreadable(std::move(entry.name), "read", errno);
    }
    head = *read;
    entry.file_class =
        verify::ClassifyFile(entry.name, entry.mode, head, walk_.formats_);
    if (!covered && !verify::IsInScope(entry.file_class, job_.scope)) return;
  }
  if (!CapabilityOf(file.descriptor, entry.capability)) {
    return Unreadable(std::move(entry.name), "read security.capability of",
                      errno);
  }
  entry.fsverity_sha256 = EnforcedDigest(file.descriptor, file.facts);
  if (!could_match) return Add(std::move(entry));
  if (job_.manifest != nullptr && entry.fsverity_sha256.has_value() &&
      entry.fsverity_sha256 == listed->fsverity_sha256) {
    entry.sha256 = listed->sha256;
    ++part_.enforced;
    return Add(std::move(entry));
  }
  if (file.facts.stx_nlink > 1) return Shared(std::move(file), head);
  if (entry.size >= kLargeBytes) {
    const std::lock_guard lock(walk_.mutex_);
    if (walk_.waiting_.size() < kMaxWaiting) {
      walk_.waiting_.push_back(std::move(file));
      std::push_heap(walk_.waiting_.begin(), walk_.waiting_.end(), Smaller);
      walk_.changed_.notify_one();
      return;
    }
  }
  Content(std::move(file), head);
}

std::optional<verify::Sha256Bytes> Walk::Worker::Digest(const OpenFile& file,
                                                        std::string_view head,
                                                        Difference& problem) {
  verify::Sha256Bytes digest;
  std::atomic<std::uint64_t>* const progress =
      job_.options.progress == nullptr ? nullptr
                                       : &job_.options.progress->bytes;
  switch (reader_.Hash(file.descriptor, file.facts, head, digest, progress)) {
    case ContentReader::Outcome::kRead:
      ++part_.files;
      part_.bytes += file.facts.stx_size;
      return digest;
    case ContentReader::Outcome::kChanged:
      problem = {DifferenceReason::kChangedWhileRead, file.entry.name,
                 "written to, or deleted"};
      break;
    case ContentReader::Outcome::kUnreadable:
      problem = {DifferenceReason::kUnreadable, file.entry.name,
                 absl::StrCat("cannot read: ", ErrorText(errno))};
  }
  return std::nullopt;
}

void Walk::Worker::Content(OpenFile file, std::string_view head) {
  Difference problem;
  const auto digest = Digest(file, head, problem);
  if (!digest.has_value()) {
    return Problem(problem.reason, problem.name, problem.detail);
  }
  file.entry.sha256 = *digest;
  Add(std::move(file.entry));
}

// The first name of a file reads it; others wait for its digest until all
// threads are done.
void Walk::Worker::Shared(OpenFile file, std::string_view head) {
  SharedFile* shared = nullptr;
  bool first = false;
  {
    const std::lock_guard lock(walk_.mutex_);
    const auto [it, inserted] = walk_.shared_.try_emplace(IdOf(file.facts));
    shared = &it->second;
    first = inserted;
    if (first) shared->facts = file.facts;
  }
  if (first) {
    Difference problem;
    shared->digest = Digest(file, head, problem);
    if (!shared->digest.has_value()) shared->problem = std::move(problem);
  } else if (Changed(shared->facts, file.facts)) {
    return Problem(DifferenceReason::kChangedWhileRead,
                   std::move(file.entry.name), "written to");
  }
  part_.links.emplace_back(std::move(file.entry), shared);
}

void Walk::Worker::Excluded(const Descriptor& folder, const std::string& name,
                            const char* base_name) {
  const std::string code = walk_.FirstCovered(
      folder.get(), base_name, name,
      job_.scope == ManifestScope::kCode ? ManifestScope::kCode
                                         : ManifestScope::kCodeAndStartup,
      reader_, part_.problems);
  if (!code.empty()) {
    Problem(DifferenceReason::kExcludedExecutable, name,
            absl::StrCat("holds ", code));
  }
}

std::string Walk::FirstCovered(int at, const std::string& name,
                               const std::string& as, ManifestScope scope,
                               ContentReader& reader,
                               std::vector<Difference>& problems) const {
  const auto unreadable = [&](const std::string& shown) {
    problems.push_back({DifferenceReason::kUnreadable, shown,
                        absl::StrCat("cannot look at it: ", ErrorText(errno))});
    return std::string();
  };
  const auto judge = [&](const Descriptor& file,
                         const std::string& shown) -> std::string {
    struct statx facts;
    if (!file.ok() || !FactsOf(file, facts)) return unreadable(shown);
    const auto head = reader.Head(file, verify::kHeadBytes);
    if (!head.has_value()) return unreadable(shown);
    const FileClass found =
        verify::ClassifyFile(shown, facts.stx_mode, *head, formats_);
    if (!verify::IsInScope(found, scope)) return "";
    return absl::StrCat(shown, " (", std::string(verify::NameOf(found)), ")");
  };
  std::vector<std::string> folders, links;
  // All folders that were found.
  std::vector<FileId> within;
  const auto look = [&](int in, const std::string& base_name,
                        const std::string& shown) -> std::string {
    const Descriptor it = OpenBeneath(in, base_name, O_PATH);
    struct statx facts;
    if (!it.ok() || !FactsOf(it, facts)) {
      return errno == EXDEV || errno == ENOENT ? "" : unreadable(shown);
    }
    if (OpensDevice(facts) && !as.empty() && !shown.starts_with("dev/")) {
      return absl::StrCat(shown, " (", SpecialTarget(facts), ")");
    }
    switch (facts.stx_mode & S_IFMT) {
      case S_IFDIR:
        folders.push_back(shown);
        within.push_back(IdOf(facts));
        return "";
      case S_IFLNK:
        if (as.empty()) return "";
        if (shown == as) return shown + " (a link)";
        if (links.size() <= kMaxExcludedLinks) links.push_back(shown);
        return "";
      case S_IFREG:
        return judge(OpenBeneath(in, base_name, O_RDONLY), shown);
      default:
        return "";
    }
  };
  if (std::string found = look(at, name, as); !found.empty()) return found;
  while (!folders.empty()) {
    const std::string shown = std::move(folders.back());
    folders.pop_back();
    const std::string path =
        absl::StrCat(name, as.empty() ? "/" : "", shown.substr(as.size()));
    const Descriptor folder = OpenBeneath(at, path, O_RDONLY | O_DIRECTORY);
    std::vector<FolderEntry> names;
    if (!folder.ok() || !ListFolder(folder, names)) {
      // Any user who may write there could make a path that is too long.
      if (errno != EXDEV && errno != ENOENT && errno != ENAMETOOLONG) {
        unreadable(shown);
      }
      continue;
    }
    for (const FolderEntry& entry : names) {
      std::string found =
          look(folder.get(), entry.name, Join(shown, entry.name));
      if (!found.empty()) return found;
    }
  }
  const auto too_many = [&] {
    problems.push_back({DifferenceReason::kLimitExceeded, as,
                        "too many links in it, or too long ones"});
    return std::string();
  };
  if (links.size() > kMaxExcludedLinks) return too_many();
  std::sort(within.begin(), within.end());
  std::atomic<std::int64_t> time = kExcludedLinksTime;
  for (const std::string& shown : links) {
    const Descriptor target = Follow(root_, shown, time);
    struct statx facts;
    if (!target.ok() || !FactsOf(target, facts)) {
      if (errno == EXDEV) return shown + " (a link to another mount)";
      if (errno == EDQUOT) return too_many();
    } else if (S_ISDIR(facts.stx_mode)) {
      if (!std::binary_search(within.begin(), within.end(), IdOf(facts))) {
        return shown + " (a link to a folder outside)";
      }
    } else if (S_ISREG(facts.stx_mode)) {
      std::string found = judge(Reopen(target, O_RDONLY), shown);
      if (!found.empty()) return found;
    }
  }
  return "";
}

void Walk::ReadFormats() {
  ContentReader reader;
  const auto read = [&](std::string_view name, std::string_view ending,
                        auto add) {
    const Descriptor folder =
        OpenBeneath(root_.get(), std::string(name), O_RDONLY | O_DIRECTORY);
    std::vector<FolderEntry> names;
    // Where one cannot be read, the walk says so.
    if (!folder.ok() || !ListFolder(folder, names)) return;
    for (const FolderEntry& entry : names) {
      if (!entry.name.ends_with(ending)) continue;
      const Descriptor it = OpenBeneath(folder.get(), entry.name, O_PATH);
      struct statx facts;
      if (!it.ok() || !FactsOf(it, facts) || !S_ISREG(facts.stx_mode)) continue;
      const auto text = reader.Head(
          OpenBeneath(folder.get(), entry.name, O_RDONLY), kMaxFormatBytes);
      if (text.has_value()) (formats_.*add)(*text);
    }
  };
  for (const std::string_view name : verify::kBinaryFormatFolders) {
    read(name, ".conf", &verify::BinaryFormats::Add);
  }
  for (const std::string_view name : verify::kBinfmtSupportFolders) {
    read(name, "", &verify::BinaryFormats::AddOfBinfmtSupport);
  }
}

const ManifestEntry* Walk::Listed(const std::string& name) const {
  if (job_.manifest == nullptr) return nullptr;
  const auto& entries = job_.manifest->entries;
  const auto it = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const ManifestEntry& e, const std::string& n) { return e.name < n; });
  return it != entries.end() && it->name == name ? &*it : nullptr;
}

void Walk::Stop(absl::Status why) {
  const std::lock_guard lock(mutex_);
  if (stopped_.ok()) stopped_ = std::move(why);
  changed_.notify_all();
}

absl::StatusOr<Inventory> Walk::Run() {
  ReadFormats();
  if (struct statx facts; FactsOf(root_, facts)) owner_ = facts.stx_uid;
  folders_.push_back("");
  std::size_t count = job_.options.threads;
  if (count == 0) {
    // Far more than processors: a disk is fast when it is asked for much at a
    // time, and a small file is one question.
    count = std::clamp<std::size_t>(4 * std::thread::hardware_concurrency(), 32,
                                    64);
  }
  std::vector<Part> parts(count);
  std::vector<std::thread> threads;
  absl::Status started;
  for (Part& part : parts) {
    auto thread = anchors::StartThread([this, &part] {
      absl::Status ended = anchors::NoThrow([&] {
        Worker(*this, part).Work();
        std::sort(part.found.begin(), part.found.end(), Earlier);
        return absl::OkStatus();
      });
      if (!ended.ok()) Stop(std::move(ended));
    });
    if (!thread.ok()) {
      // Fewer do, as long as there is one.
      if (threads.empty()) started = thread.status();
      break;
    }
    threads.push_back(*std::move(thread));
  }
  for (std::thread& thread : threads) thread.join();
  if (!started.ok()) return started;
  if (!stopped_.ok()) return stopped_;
  return Collect(std::move(parts));
}

Inventory Walk::Collect(std::vector<Part> parts) {
  Inventory all;
  std::vector<ManifestEntry> folders, linked;
  std::vector<std::size_t> bounds = {0};
  std::size_t count = 0;
  for (const Part& part : parts) {
    count += part.found.size() + part.links.size() + part.folders.size();
  }
  all.found.reserve(count);
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()),
              std::make_move_iterator(from.end()));
    from = {};
  };
  for (Part& part : parts) {
    append(all.found, part.found);
    bounds.push_back(all.found.size());
    append(all.problems, part.problems);
    append(folders, part.folders);
    for (auto& [entry, shared] : part.links) {
      if (shared->digest.has_value()) {
        entry.sha256 = *shared->digest;
        linked.push_back(std::move(entry));
      } else {
        all.problems.push_back({shared->problem->reason, std::move(entry.name),
                                shared->problem->detail});
      }
    }
    all.files += part.files;
    all.bytes += part.bytes;
    all.enforced += part.enforced;
  }
  std::sort(linked.begin(), linked.end(), Earlier);
  append(all.found, linked);
  bounds.push_back(all.found.size());
  MergeParts(bounds, all.found);
  std::sort(folders.begin(), folders.end(), Earlier);
  const std::size_t others = all.found.size();
  for (ManifestEntry& folder : folders) {
    const std::string below = folder.name + "/";
    const auto end = all.found.begin() + static_cast<std::ptrdiff_t>(others);
    const auto first =
        std::lower_bound(all.found.begin(), end, below,
                         [](const ManifestEntry& e, const std::string& n) {
                           return e.name < n;
                         });
    if (job_.manifest != nullptr || job_.everything() ||
        (folder.mode & 07000) != 0 || OthersDecide(folder) ||
        (first != end && first->name.starts_with(below))) {
      all.found.push_back(std::move(folder));
    }
  }
  MergeParts({0, others, all.found.size()}, all.found);
  JudgeRoot(all);
  if (!job_.upper.empty()) JudgeUpper(all);
  if (job_.options.compact && job_.manifest != nullptr) {
    const std::vector<ManifestEntry>& entries = job_.manifest->entries;
    all.as_listed.resize(entries.size());
    for (const Part& part : parts) {
      for (const ManifestEntry* const entry : part.as_listed) {
        const auto at = static_cast<std::size_t>(entry - entries.data());
        // A name that was found twice.
        if (all.as_listed[at]) all.found.push_back(*entry);
        all.as_listed[at] = true;
      }
    }
  }
  return all;
}

// ROOT is no entry. Who may write to it can replace all that it holds, so that
// has to be root, or who owns and may write to everything at its top anyway.
void Walk::JudgeRoot(Inventory& all) const {
  struct statx root;
  if ((job_.manifest != nullptr && job_.manifest->content_only) ||
      !FactsOf(root_, root)) {
    return;
  }
  const std::uint32_t write = root.stx_mode & 022;
  if (root.stx_uid == 0 && write == 0) return;
  bool any = false, all_alike = true;
  for (const ManifestEntry& e :
       job_.manifest == nullptr ? all.found : job_.manifest->entries) {
    if (e.name.find('/') != std::string::npos || e.type == EntryType::kLink) {
      continue;
    }
    any = true;
    all_alike = all_alike && e.uid == root.stx_uid && e.gid == root.stx_gid &&
                (e.mode & write) == write;
  }
  if (any && all_alike) return;
  const std::string what = absl::StrFormat(
      "others than root may write to ROOT: mode %04o, owner %u:%u",
      root.stx_mode & 07777, root.stx_uid, root.stx_gid);
  if (job_.manifest == nullptr) {
    all.notes.push_back(what);
  } else {
    all.problems.push_back(
        {write != 0 ? DifferenceReason::kMode : DifferenceReason::kOwner,
         kRootName, what});
  }
}

// A hint: the path is what the list of mounts says, and may lead elsewhere by
// now. What is seen through the overlay is compared whatever is found here.
void Walk::JudgeUpper(Inventory& all) const {
  const auto folder = OpenAsSeen(job_.upper);
  if (!folder.ok()) {
    all.problems.push_back({DifferenceReason::kOverlayUpper, kRootName,
                            "the overlay's upper folder cannot be opened"});
    return;
  }
  ContentReader reader;
  const std::string found =
      FirstCovered(folder->get(), ".", "", job_.scope, reader, all.problems);
  if (!found.empty()) {
    all.problems.push_back({DifferenceReason::kOverlayUpper, kRootName,
                            "the overlay's upper folder has " + found});
  }
}

}  // namespace

absl::StatusOr<Inventory> WalkTree(const WalkJob& job, const Descriptor& root) {
  return Walk(job, root).Run();
}

}  // namespace anchorage::client

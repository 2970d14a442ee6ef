#include "anchors/base/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/descriptor.h"
#include "anchors/base/no_signal.h"
#include "verify/fork_safe_mutex.h"

namespace anchorage::anchors {
namespace {

// A file descriptor that is closed when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

const char* HintFor(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return " (free some space; nothing was changed)";
    case EACCES:
    case EPERM:
      return " (check the owner and mode of the folder)";
    case EROFS:
      return " (the file system is read-only)";
    default:
      return "";
  }
}

absl::StatusCode CodeFor(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::StatusCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

// The path is of that folder, or any (AT_FDCWD).
int Open(int folder, const std::string& path, int flags, mode_t mode = 0) {
  return AboveStandardStreams(
      ::openat(folder, path.c_str(), flags | O_CLOEXEC, mode));
}

bool IsFolder(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// The descriptors of the locks that this process holds. A forked child would
// hold them on, for as long as it lives: it closes them.
class HeldLocks {
 public:
  static HeldLocks& Get() {
    static HeldLocks* const held = new HeldLocks();
    return *held;
  }

  void Add(int fd) {
    const verify::ForkSafeLock lock(&mutex_);
    fds_.push_back(fd);
  }

  // Closes `fd` unless it was another process that took it.
  void Close(int fd) {
    const verify::ForkSafeLock lock(&mutex_);
    const auto found = std::find(fds_.begin(), fds_.end(), fd);
    if (found == fds_.end()) return;
    fds_.erase(found);
    ::close(fd);
  }

 private:
  HeldLocks() { ::pthread_atfork(nullptr, nullptr, InChild); }

  // The mutex was held at the fork, and the child has one thread.
  static void InChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (const int fd : Get().fds_) ::close(fd);
    Get().fds_.clear();
  }

  verify::ForkSafeMutex mutex_;
  std::vector<int> fds_ ABSL_GUARDED_BY(mutex_);
};

int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A file that is written: `name` is of `folder` or, with AT_FDCWD, a path.
struct Place {
  int folder;
  std::string name;
  // For messages.
  std::string path;
};

absl::Status SyncFolder(const Place& place) {
  const Descriptor fd(
      Open(place.folder, FolderOf(place.name), O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) {
    return FileError(errno, "sync folder", FolderOf(place.path));
  }
  return absl::OkStatus();
}

// Writes a new file and syncs it; leaves nothing behind if that fails. With
// `any_umask` the mode is `mode` whatever the umask.
absl::Status WriteNew(const Place& place, std::string_view bytes, mode_t mode,
                      bool any_umask) {
  // A file here was left by a crash, or by someone who wants us to write
  // through a link.
  ::unlinkat(place.folder, place.name.c_str(), 0);
  int error = 0;
  {
    // Beyond the limit of this process (RLIMIT_FSIZE).
    const NoSignal no_signal(SIGXFSZ);
    const Descriptor fd(Open(place.folder, place.name,
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
    if (fd.get() < 0) return FileError(errno, "create", place.path);
    if (any_umask && ::fchmod(fd.get(), mode) != 0) error = errno;
    if (error == 0) error = WriteAll(fd.get(), bytes);
    if (error == 0 && ::fsync(fd.get()) != 0) error = errno;
  }
  if (error == 0) return absl::OkStatus();
  ::unlinkat(place.folder, place.name.c_str(), 0);
  return FileError(error, "write", place.path);
}

absl::Status Replace(const Place& place, std::string_view bytes, mode_t mode,
                     bool any_umask) {
  Place temporary = place;
  temporary.name += ".tmp";
  temporary.path += ".tmp";
  if (absl::Status s = WriteNew(temporary, bytes, mode, any_umask); !s.ok()) {
    return s;
  }
  if (::renameat(place.folder, temporary.name.c_str(), place.folder,
                 place.name.c_str()) != 0) {
    const int error = errno;
    ::unlinkat(place.folder, temporary.name.c_str(), 0);
    return FileError(error, "replace", place.path);
  }
  return SyncFolder(place);
}

absl::Status TooLong(const std::string& path, std::size_t max_bytes) {
  return absl::OutOfRangeError(
      absl::StrCat(path, " is longer than its limit of ", max_bytes, " bytes"));
}

absl::StatusOr<std::string> ReadDescriptor(int fd, const std::string& path,
                                           std::size_t max_bytes) {
  std::string bytes;
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0) {
      if (errno == EINTR) continue;
      return FileError(errno, "read", path);
    }
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(got) > max_bytes) {
      return TooLong(path, max_bytes);
    }
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

// What a file must be beside regular.
enum class Wanted { kAny, kOwnersAlone, kWrittenByOwnerAlone };

absl::StatusOr<std::string> ReadRegular(const Place& place,
                                        std::size_t max_bytes, Wanted wanted) {
  // Non-blocking, so that a named pipe cannot make us wait.
  int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
  if (wanted == Wanted::kWrittenByOwnerAlone) flags |= O_NOFOLLOW;
  const Descriptor fd(Open(place.folder, place.name, flags));
  const std::string& path = place.path;
  if (fd.get() < 0 && errno == ELOOP) {
    return absl::FailedPreconditionError(path + " is a link");
  }
  if (fd.get() < 0) return FileError(errno, "open", path);
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return FileError(errno, "stat", path);
  if (!S_ISREG(status.st_mode)) {
    return absl::FailedPreconditionError(path + " is not a regular file");
  }
  if (wanted == Wanted::kOwnersAlone && (status.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " can be read by others (run: chmod 600 ", path, ")"));
  }
  if (wanted == Wanted::kWrittenByOwnerAlone && (status.st_mode & 022) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " can be written by others (run: chmod go-w ", path, ")"));
  }
  if (status.st_size > 0 &&
      static_cast<std::uint64_t>(status.st_size) > max_bytes) {
    return TooLong(path, max_bytes);
  }
  return ReadDescriptor(fd.get(), path, max_bytes);
}

}  // namespace

absl::Status FileError(int error, const char* doing, const std::string& path) {
  return absl::Status(CodeFor(error),
                      absl::StrCat("cannot ", doing, " ", path, ": ",
                                   std::strerror(error), HintFor(error)));
}

absl::Status WriteFileAtomically(const std::string& path,
                                 std::string_view bytes, FileAccess access) {
  return Replace({AT_FDCWD, path, path}, bytes,
                 access == FileAccess::kPrivate ? 0600 : 0644,
                 /*any_umask=*/access == FileAccess::kEverybody);
}

absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     std::size_t max_bytes) {
  return ReadRegular({AT_FDCWD, path, path}, max_bytes, Wanted::kAny);
}

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path,
                                            std::size_t max_bytes) {
  return ReadRegular({AT_FDCWD, path, path}, max_bytes, Wanted::kOwnersAlone);
}

absl::Status WriteFileIn(const OpenFolder& folder, const std::string& name,
                         std::string_view bytes) {
  return Replace({folder.descriptor, name, folder.path + "/" + name}, bytes,
                 0644, /*any_umask=*/true);
}

absl::StatusOr<std::string> ReadFileIn(const OpenFolder& folder,
                                       const std::string& name,
                                       std::size_t max_bytes) {
  return ReadRegular({folder.descriptor, name, folder.path + "/" + name},
                     max_bytes, Wanted::kWrittenByOwnerAlone);
}

absl::Status RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return FileError(errno, "remove", path);
  }
  return absl::OkStatus();
}

absl::Status MakeFolder(const std::string& path) {
  if (path.size() >= PATH_MAX) {
    return FileError(ENAMETOOLONG, "make folder",
                     absl::StrCat(path.substr(0, 80), "..."));
  }
  if (IsFolder(path)) return absl::OkStatus();
  for (std::size_t end = 0; end != path.npos;) {
    end = path.find('/', end + 1);
    const std::string folder = path.substr(0, end);
    if (!IsFolder(folder) && ::mkdir(folder.c_str(), 0700) != 0 &&
        errno != EEXIST) {
      return FileError(errno, "make folder", folder);
    }
  }
  return IsFolder(path) ? absl::OkStatus()
                        : absl::NotFoundError(path + " is not a folder");
}

absl::StatusOr<FolderLock> FolderLock::Take(const std::string& folder) {
  const std::string path = folder + "/lock";
  return TakeAt(AT_FDCWD, path, path);
}

absl::StatusOr<FolderLock> FolderLock::TakeIn(const OpenFolder& folder) {
  return TakeAt(folder.descriptor, "lock", folder.path + "/lock");
}

absl::StatusOr<FolderLock> FolderLock::TakeAt(int folder,
                                              const std::string& name,
                                              const std::string& path) {
  const int fd =
      Open(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return FileError(errno, "open", path);
  HeldLocks::Get().Add(fd);
  FolderLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return absl::AbortedError("another process uses the folder " +
                                FolderOf(path));
    }
    return FileError(errno, "lock", path);
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) HeldLocks::Get().Close(fd_);
}

}  // namespace anchorage::anchors

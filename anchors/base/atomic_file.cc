#include "anchors/base/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/descriptor.h"
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

absl::Status FileError(int error, const char* doing, const std::string& path) {
  return absl::Status(CodeFor(error),
                      absl::StrCat("cannot ", doing, " ", path, ": ",
                                   std::strerror(error), HintFor(error)));
}

int Open(const std::string& path, int flags, mode_t mode = 0) {
  return AboveStandardStreams(::open(path.c_str(), flags | O_CLOEXEC, mode));
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

absl::Status SyncFolder(const std::string& folder) {
  const Descriptor fd(Open(folder, O_RDONLY | O_DIRECTORY));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) {
    return FileError(errno, "sync folder", folder);
  }
  return absl::OkStatus();
}

// Writes a new file and syncs it; leaves nothing behind if that fails.
absl::Status WriteNew(const std::string& path, std::string_view bytes,
                      FileAccess access) {
  const mode_t mode = access == FileAccess::kPrivate ? 0600 : 0644;
  // A file here was left by a crash, or by someone who wants us to write
  // through a link.
  ::unlink(path.c_str());
  int error = 0;
  {
    const Descriptor fd(
        Open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
    if (fd.get() < 0) return FileError(errno, "create", path);
    error = WriteAll(fd.get(), bytes);
    if (error == 0 && access == FileAccess::kEverybody &&
        ::fchmod(fd.get(), mode) != 0) {
      error = errno;
    }
    if (error == 0 && ::fsync(fd.get()) != 0) error = errno;
  }
  if (error == 0) return absl::OkStatus();
  ::unlink(path.c_str());
  return FileError(error, "write", path);
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
      return absl::OutOfRangeError(absl::StrCat(
          path, " is longer than its limit of ", max_bytes, " bytes"));
    }
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

absl::StatusOr<std::string> ReadRegular(const std::string& path,
                                        std::size_t max_bytes,
                                        bool owner_only) {
  // Non-blocking, so that a named pipe cannot make us wait.
  const Descriptor fd(Open(path, O_RDONLY | O_NONBLOCK));
  if (fd.get() < 0) return FileError(errno, "open", path);
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return FileError(errno, "stat", path);
  if (!S_ISREG(status.st_mode)) {
    return absl::FailedPreconditionError(path + " is not a regular file");
  }
  if (owner_only && (status.st_mode & 077) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " can be read by others (run: chmod 600 ", path, ")"));
  }
  return ReadDescriptor(fd.get(), path, max_bytes);
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path,
                                 std::string_view bytes, FileAccess access) {
  const std::string temporary = path + ".tmp";
  if (absl::Status s = WriteNew(temporary, bytes, access); !s.ok()) return s;
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return FileError(error, "replace", path);
  }
  return SyncFolder(FolderOf(path));
}

absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     std::size_t max_bytes) {
  return ReadRegular(path, max_bytes, /*owner_only=*/false);
}

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path,
                                            std::size_t max_bytes) {
  return ReadRegular(path, max_bytes, /*owner_only=*/true);
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
  const int fd = Open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (fd < 0) return FileError(errno, "open", path);
  HeldLocks::Get().Add(fd);
  FolderLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return absl::AbortedError("another process uses the folder " + folder);
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

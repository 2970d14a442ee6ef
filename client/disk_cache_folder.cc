#include "client/disk_cache_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/descriptor.h"

namespace anchorage::client {
namespace {

using anchors::FileError;

constexpr char kRoots[] = "root_history";
// Two names a root, and a root a day for a century, and room for strangers.
constexpr std::size_t kMaxListed = 100'000;
// A writer is done within some milliseconds, or it is an older program, which
// keeps the lock as long as it runs.
constexpr int kLockAttempts = 10;
constexpr absl::Duration kLockPause = absl::Milliseconds(10);

// An open folder that is closed in the end.
class Folder {
 public:
  Folder(int descriptor, std::string path) : open_{descriptor, path} {}
  Folder(Folder&& other) noexcept
      : open_{std::exchange(other.open_.descriptor, -1),
              std::move(other.open_.path)} {}
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    if (open_.descriptor >= 0) ::close(open_.descriptor);
  }

  int descriptor() const { return open_.descriptor; }
  const std::string& path() const { return open_.path; }
  const anchors::OpenFolder& open() const { return open_; }

 private:
  anchors::OpenFolder open_;
};

absl::Status IsOfSomebodyElse(const std::string& path, uid_t owner) {
  return absl::FailedPreconditionError(absl::StrCat(
      path, " belongs to user ", owner, ", who is neither root nor user ",
      ::geteuid(), " of this process (run as that user, or: chown root ", path,
      ")"));
}

bool IsRootOrSelf(uid_t owner) { return owner == 0 || owner == ::geteuid(); }

// Whether nobody but the owner, one who is trusted, can write there.
absl::Status CheckTrusted(const Folder& folder, FolderOwner owner) {
  struct stat status;
  if (::fstat(folder.descriptor(), &status) != 0) {
    return FileError(errno, "stat", folder.path());
  }
  if ((status.st_mode & 022) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder.path(), " can be written by others (run: chmod ",
                     "go-w ", folder.path(), ")"));
  }
  if (owner == FolderOwner::kRootOrSelf && !IsRootOrSelf(status.st_uid)) {
    return IsOfSomebodyElse(folder.path(), status.st_uid);
  }
  return absl::OkStatus();
}

absl::StatusOr<Folder> OpenBelow(int above, const std::string& name, int flags,
                                 std::string path, FolderOwner owner) {
  Folder folder(
      anchors::AboveStandardStreams(::openat(
          above, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags)),
      std::move(path));
  if (folder.descriptor() < 0 && flags != 0 &&
      (errno == ENOTDIR || errno == ELOOP)) {
    return absl::FailedPreconditionError(folder.path() + " is no folder");
  }
  if (folder.descriptor() < 0) {
    return FileError(errno, "open folder", folder.path());
  }
  if (absl::Status s = CheckTrusted(folder, owner); !s.ok()) return s;
  return folder;
}

// Makes one folder that everybody can read. OK if there is one.
absl::Status MakeBelow(int above, const std::string& name,
                       const std::string& path) {
  if (::mkdirat(above, name.c_str(), 0755) != 0) {
    return errno == EEXIST ? absl::OkStatus()
                           : FileError(errno, "make folder", path);
  }
  // Whatever the umask.
  const Folder made(::openat(above, name.c_str(),
                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                    path);
  if (made.descriptor() < 0 || ::fchmod(made.descriptor(), 0755) != 0) {
    return FileError(errno, "change the mode of", path);
  }
  return absl::OkStatus();
}

// Makes a folder and its parents.
absl::Status MakeFolders(const std::string& path) {
  struct stat status;
  for (std::size_t end = 0; end != path.npos;) {
    end = path.find('/', end + 1);
    const std::string folder = path.substr(0, end);
    if (::stat(folder.c_str(), &status) == 0) continue;
    if (absl::Status s = MakeBelow(AT_FDCWD, folder, folder); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// A name of CacheFolder: of the folder itself, or of the roots.
struct Name {
  explicit Name(std::string_view name)
      : below(name.find('/') != name.npos),
        file(name.substr(below ? name.find('/') + 1 : 0)) {}
  bool below;
  std::string file;
};

absl::StatusOr<Folder> OpenRoots(const Folder& folder, FolderOwner owner) {
  return OpenBelow(folder.descriptor(), kRoots, O_NOFOLLOW,
                   absl::StrCat(folder.path(), "/", kRoots), owner);
}

class DiskWriter final : public CacheFolder::Writer {
 public:
  DiskWriter(Folder folder, anchors::FolderLock lock)
      : folder_(std::move(folder)), lock_(std::move(lock)) {}

  absl::Status Write(std::string_view name, std::string_view bytes) override {
    const Name it(name);
    if (!it.below) return anchors::WriteFileIn(folder_.open(), it.file, bytes);
    if (absl::Status s = MakeBelow(folder_.descriptor(), kRoots,
                                   absl::StrCat(folder_.path(), "/", kRoots));
        !s.ok()) {
      return s;
    }
    const auto roots = OpenRoots(folder_, FolderOwner::kRootOrSelf);
    if (!roots.ok()) return roots.status();
    return anchors::WriteFileIn(roots->open(), it.file, bytes);
  }

  absl::Status Remove(std::string_view name) override {
    const Name it(name);
    if (!it.below) return RemoveIn(folder_, it.file);
    const auto roots = OpenRoots(folder_, FolderOwner::kRootOrSelf);
    if (absl::IsNotFound(roots.status())) return absl::OkStatus();
    if (!roots.ok()) return roots.status();
    return RemoveIn(*roots, it.file);
  }

 private:
  static absl::Status RemoveIn(const Folder& folder, const std::string& file) {
    if (::unlinkat(folder.descriptor(), file.c_str(), 0) != 0 &&
        errno != ENOENT) {
      return FileError(errno, "remove", folder.path() + "/" + file);
    }
    return absl::OkStatus();
  }

  const Folder folder_;
  const anchors::FolderLock lock_;
};

class DiskCacheFolder final : public CacheFolder {
 public:
  DiskCacheFolder(std::string path, FolderOwner owner)
      : path_(std::move(path)), owner_(owner) {}

  absl::StatusOr<std::string> Read(std::string_view name,
                                   std::size_t max_bytes) override {
    const Name it(name);
    const auto folder = OpenOf(it);
    if (!folder.ok()) return folder.status();
    return anchors::ReadFileIn(folder->open(), it.file, max_bytes);
  }

  std::string Stamp(std::string_view name) override {
    const Name it(name);
    const auto folder = OpenOf(it);
    struct stat status;
    if (!folder.ok() || ::fstatat(folder->descriptor(), it.file.c_str(),
                                  &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return "";
    }
    return absl::StrCat(status.st_ino, " ", status.st_size, " ",
                        status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec, " ",
                        status.st_ctim.tv_sec, ".", status.st_ctim.tv_nsec);
  }

  absl::StatusOr<std::vector<std::string>> ListRoots() override {
    const auto folder = OpenOf(Name(std::string(kRoots) + "/"));
    std::vector<std::string> names;
    if (absl::IsNotFound(folder.status())) return names;
    if (!folder.ok()) return folder.status();
    const int copy = ::fcntl(folder->descriptor(), F_DUPFD_CLOEXEC, 3);
    DIR* const listing = copy < 0 ? nullptr : ::fdopendir(copy);
    if (listing == nullptr) {
      if (copy >= 0) ::close(copy);
      return FileError(errno, "list", folder->path());
    }
    const struct dirent* entry = nullptr;
    while (names.size() < kMaxListed && (entry = ::readdir(listing))) {
      names.emplace_back(entry->d_name);
    }
    ::closedir(listing);
    if (names.size() == kMaxListed) {
      return absl::OutOfRangeError(absl::StrCat(
          folder->path(), " has more than ", kMaxListed, " files"));
    }
    return names;
  }

  absl::StatusOr<std::unique_ptr<Writer>> BeginWrite() override {
    if (absl::Status s = MakeFolders(path_); !s.ok()) return s;
    auto folder = OpenOf(Name(""));
    if (!folder.ok()) return folder.status();
    for (int attempt = 1;; ++attempt) {
      auto lock = anchors::FolderLock::TakeIn(folder->open());
      if (lock.ok()) {
        return std::make_unique<DiskWriter>(*std::move(folder),
                                            *std::move(lock));
      }
      if (!absl::IsAborted(lock.status()) || attempt == kLockAttempts) {
        return lock.status();
      }
      absl::SleepFor(kLockPause);
    }
  }

 private:
  // Opens the folder in which the file is.
  absl::StatusOr<Folder> OpenOf(const Name& name) const {
    struct stat status;
    if (owner_ == FolderOwner::kRootOrSelf &&
        ::lstat(path_.c_str(), &status) == 0 && S_ISLNK(status.st_mode) &&
        !IsRootOrSelf(status.st_uid)) {
      return IsOfSomebodyElse("the link " + path_, status.st_uid);
    }
    auto folder = OpenBelow(AT_FDCWD, path_, 0, path_, owner_);
    if (!folder.ok() || !name.below) return folder;
    return OpenRoots(*folder, owner_);
  }

  const std::string path_;
  const FolderOwner owner_;
};

}  // namespace

std::unique_ptr<CacheFolder> OpenDiskCacheFolder(std::string path,
                                                 FolderOwner owner) {
  return std::make_unique<DiskCacheFolder>(std::move(path), owner);
}

}  // namespace anchorage::client

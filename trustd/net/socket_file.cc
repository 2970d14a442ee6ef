#include "trustd/net/socket_file.h"

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace anchorage::trustd {
namespace {

constexpr int kBacklog = 64;
constexpr mode_t kMode = 0660;

absl::Status Failed(const char* doing, const std::string& path) {
  const int error = errno;
  const std::string text =
      absl::StrCat("cannot ", doing, " ", path, ": ", ::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM || error == EROFS) {
    return absl::PermissionDeniedError(text);
  }
  return absl::UnavailableError(text);
}

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

int OpenSocket() {
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// Whether somebody listens on the socket at `path`.
bool IsListening(const std::string& path) {
  const int probe = OpenSocket();
  // Rather not start than take it from another.
  if (probe < 0) return true;
  const sockaddr_un address = AddressOf(path);
  const bool is_refused =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0 &&
      errno == ECONNREFUSED;
  ::close(probe);
  return !is_refused;
}

// Removes the socket of a program of this user that has ended.
absl::Status RemoveStale(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Failed("look at", path);
  }
  if (!S_ISSOCK(found.st_mode) || found.st_uid != ::geteuid()) {
    return absl::AlreadyExistsError(absl::StrCat(
        path, " is there, and no socket of this user: it is left alone"));
  }
  if (IsListening(path)) {
    return absl::AlreadyExistsError(
        absl::StrCat(path, " is the socket of a program that runs"));
  }
  return ::unlink(path.c_str()) == 0 ? absl::OkStatus()
                                     : Failed("remove", path);
}

absl::StatusOr<gid_t> GroupNamed(const std::string& name) {
  if (name.empty()) return ::getegid();
  group entry{};
  group* found = nullptr;
  std::array<char, 64 * 1024> buffer{};
  const int error =
      ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (error == 0 && found != nullptr) return entry.gr_gid;
  return absl::NotFoundError(
      absl::StrCat("there is no group '", name, "': groupadd --system ", name));
}

}  // namespace

absl::Status CheckSocketFolder(const std::string& path, uid_t user) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::absolute(path).parent_path();
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error) {
    errno = error.value();
    return Failed("open", folder.string());
  }
  // As it is written too: a link on the way can be replaced as well.
  for (fs::path at : {real, folder}) {
    while (true) {
      struct stat found {};
      if (::lstat(at.c_str(), &found) != 0) return Failed("open", at.string());
      const bool is_safe = found.st_uid == 0 || found.st_uid == user;
      const bool is_open = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
                           (found.st_mode & S_ISVTX) == 0 &&
                           !S_ISLNK(found.st_mode);
      if (!is_safe || is_open) {
        return absl::FailedPreconditionError(absl::StrCat(
            at.string(),
            " can be changed by others than root and trustd's user: put the "
            "socket elsewhere, or ",
            is_safe ? "chmod go-w " : "chown ", at.string()));
      }
      if (!at.has_relative_path()) break;
      at = at.parent_path();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SocketFile>> SocketFile::Listen(
    const std::string& path, const std::string& group) {
  if (path.empty() || path.size() > kMaxSocketPathBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the path of a Unix socket has 1 to ", kMaxSocketPathBytes, " bytes"));
  }
  const auto gid = GroupNamed(group);
  if (!gid.ok()) return gid.status();
  if (absl::Status s = CheckSocketFolder(path, ::geteuid()); !s.ok()) return s;
  if (absl::Status s = RemoveStale(path); !s.ok()) return s;
  std::unique_ptr<SocketFile> file(new SocketFile(path, OpenSocket()));
  const sockaddr_un address = AddressOf(path);
  if (file->socket_ < 0 ||
      ::bind(file->socket_, reinterpret_cast<const sockaddr*>(&address),
             sizeof(address)) != 0) {
    return Failed("listen on", path);
  }
  struct stat made {};
  if (::lstat(path.c_str(), &made) != 0) return Failed("look at", path);
  file->device_ = made.st_dev;
  file->inode_ = made.st_ino;
  if (::lchown(path.c_str(), static_cast<uid_t>(-1), *gid) != 0) {
    return Failed(
        "give its group (trustd must be in it: SupplementaryGroups= of its "
        "unit) to",
        path);
  }
  if (::chmod(path.c_str(), kMode) != 0 ||
      ::listen(file->socket_, kBacklog) != 0) {
    return Failed("listen on", path);
  }
  return file;
}

SocketFile::~SocketFile() {
  if (socket_ >= 0) ::close(socket_);
  struct stat found {};
  if (inode_ != 0 && ::lstat(path_.c_str(), &found) == 0 &&
      found.st_dev == device_ && found.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

}  // namespace anchorage::trustd

// A Unix socket in the file system.
//
//   auto file = SocketFile::Listen("/run/trustd/admin.sock", "trustd-admin");
//   auto listener = TcpListener::Adopt(file->Release(), file->path());
//
// Nobody can connect before the file has its group and mode. A socket that a
// program of the same user left behind is replaced; nothing else ever is.

#ifndef ANCHORAGE_TRUSTD_NET_SOCKET_FILE_H_
#define ANCHORAGE_TRUSTD_NET_SOCKET_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anchorage::trustd {

// The longest path that a Unix socket can have, in bytes.
inline constexpr std::size_t kMaxSocketPathBytes = 107;

// Checks that only root and `user` can put something of their own in place of
// the socket at `path`: who can write to its folder or to one above it can,
// unless that is sticky. Fails with FAILED_PRECONDITION, or as Listen() for a
// folder that is not there or cannot be seen.
absl::Status CheckSocketFolder(const std::string& path, uid_t user);

class SocketFile {
 public:
  // Makes a socket with mode 0660 that listens, non-blocking. `group` is a name;
  // empty: the group of the process. Fails with ALREADY_EXISTS (a file is there
  // that is no socket of this user, or one on which somebody listens),
  // FAILED_PRECONDITION (CheckSocketFolder()), NOT_FOUND (no such
  // group or folder) or PERMISSION_DENIED (the process is not in the group).
  static absl::StatusOr<std::unique_ptr<SocketFile>> Listen(
      const std::string& path, const std::string& group);
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;
  // Removes the file, unless another is in its place.
  ~SocketFile();

  const std::string& path() const { return path_; }

  // Hands over the socket.
  int Release() { return std::exchange(socket_, -1); }

 private:
  SocketFile(std::string path, int socket)
      : path_(std::move(path)), socket_(socket) {}

  const std::string path_;
  int socket_;
  // Those of the file; 0 while there is none.
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_NET_SOCKET_FILE_H_

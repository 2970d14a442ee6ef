// Files that are written whole or not at all, and folders with one owner.
//
//   auto lock = FolderLock::Take(folder);
//   if (!lock.ok()) return lock.status();
//   if (auto s = WriteFileAtomically(path, bytes); !s.ok()) return s;
//
// A crash, a full disk or a lost power supply leaves the old file or the new
// one. Every error names the path and says what a person can do about it.

#ifndef ANCHORAGE_ANCHORS_BASE_ATOMIC_FILE_H_
#define ANCHORAGE_ANCHORS_BASE_ATOMIC_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anchorage::anchors {

// Who may read a file.
enum class FileAccess {
  // Everybody may (0644).
  kPublic,
  // Only its owner may (0600): for keys.
  kPrivate,
};

// Returns `error`, an errno, as a status: "cannot open PATH: ...", with a hint
// where there is one. NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED or
// UNAVAILABLE.
absl::Status FileError(int error, const char* doing, const std::string& path);

// Replaces the file `path` by `bytes`, which are on the disk when it returns.
// Writes `path` + ".tmp" first, so only one writer may use a path at a time.
// Fails with PERMISSION_DENIED (also for a read-only file system),
// RESOURCE_EXHAUSTED (disk full), NOT_FOUND (no such folder) or UNAVAILABLE;
// the old file is then untouched.
absl::Status WriteFileAtomically(const std::string& path,
                                 std::string_view bytes,
                                 FileAccess access = FileAccess::kPublic);

// Reads a regular file of at most `max_bytes`. Fails with NOT_FOUND,
// PERMISSION_DENIED, OUT_OF_RANGE (longer), FAILED_PRECONDITION (not a regular
// file) or UNAVAILABLE.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     std::size_t max_bytes);

// Reads a file that only its owner may access; otherwise fails with
// FAILED_PRECONDITION, and the message has the command that corrects it.
absl::StatusOr<std::string> ReadPrivateFile(const std::string& path,
                                            std::size_t max_bytes);

// A folder that is open, so that its path can no longer lead elsewhere.
struct OpenFolder {
  int descriptor = -1;
  // For messages.
  std::string path;
};

// The same with the file `name`, which has no slash, of an open folder. Neither
// follows a link. What is written can be read by everybody, whatever the umask;
// what others can write is not read: FAILED_PRECONDITION.
absl::Status WriteFileIn(const OpenFolder& folder, const std::string& name,
                         std::string_view bytes);
absl::StatusOr<std::string> ReadFileIn(const OpenFolder& folder,
                                       const std::string& name,
                                       std::size_t max_bytes);

// Removes a file. OK if there is none.
absl::Status RemoveFile(const std::string& path);

// Makes a folder and its parents, accessible to the owner alone (0700). OK if
// it is there already. Fails also for a path that is longer than PATH_MAX.
absl::Status MakeFolder(const std::string& path);

// Owns a folder while it lives: no other process can take its lock. Released
// when the process ends, however it ends. A forked child does not own it.
class FolderLock {
 public:
  // Fails with ABORTED if another process holds the lock, or as
  // WriteFileAtomically() does.
  static absl::StatusOr<FolderLock> Take(const std::string& folder);
  static absl::StatusOr<FolderLock> TakeIn(const OpenFolder& folder);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  static absl::StatusOr<FolderLock> TakeAt(int folder, const std::string& name,
                                           const std::string& path);
  int fd_;
};

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_ATOMIC_FILE_H_

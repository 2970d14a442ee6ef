#include "client/image/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"

namespace anchorage::client {
namespace {

int OpenAt(int at, const char* name, std::uint64_t flags,
           std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  // EAGAIN: something was renamed at the same time.
  for (int attempt = 0; attempt < 32; ++attempt) {
    const long made = ::syscall(SYS_openat2, at, name, &how, sizeof(how));
    if (made >= 0) return static_cast<int>(made);
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return -1;
}

absl::Status CheckOpenat2(const Descriptor& folder) {
  const Descriptor itself = OpenBeneath(folder.get(), ".", O_DIRECTORY);
  if (itself.ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the kernel cannot open files below a folder safely (openat2, Linux "
      "5.6): error ",
      errno));
}

}  // namespace

Descriptor OpenBeneath(int at, const std::string& name, std::uint64_t flags) {
  constexpr std::uint64_t kResolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                     RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  flags |= O_NOFOLLOW;
  if ((flags & O_PATH) != 0) {
    return Descriptor(OpenAt(at, name.c_str(), flags, kResolve));
  }
  flags |= O_NONBLOCK | O_NOCTTY;
  Descriptor opened(OpenAt(at, name.c_str(), flags | O_NOATIME, kResolve));
  if (!opened.ok() && errno == EPERM) {
    return Descriptor(OpenAt(at, name.c_str(), flags, kResolve));
  }
  return opened;
}

Descriptor ResolveInRoot(int root, const std::string& name) {
  return Descriptor(
      OpenAt(root, name.c_str(), O_PATH,
             RESOLVE_IN_ROOT | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS));
}

Descriptor Reopen(const Descriptor& descriptor, int flags) {
  return Descriptor(
      ::open(absl::StrCat("/proc/self/fd/", descriptor.get()).c_str(),
             flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

bool FactsOf(const Descriptor& descriptor, struct statx& facts) {
  return ::statx(descriptor.get(), "",
                 AT_EMPTY_PATH | AT_STATX_SYNC_AS_STAT | AT_NO_AUTOMOUNT,
                 STATX_BASIC_STATS, &facts) == 0;
}

bool Changed(const struct statx& before, const struct statx& after) {
  const auto same = [](const statx_timestamp& a, const statx_timestamp& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  return before.stx_size != after.stx_size ||
         !same(before.stx_mtime, after.stx_mtime) ||
         !same(before.stx_ctime, after.stx_ctime);
}

absl::StatusOr<Descriptor> OpenPrivateCopy(const std::string& root) {
  if (auto seen = OpenAsSeen(root); !seen.ok()) return seen.status();
  Descriptor copy(static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, root.c_str(),
                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT)));
  if (!copy.ok()) {
    // EINVAL: the mounts of a more privileged namespace lie below.
    if (errno == EPERM || errno == EINVAL || errno == ENOSYS) {
      return absl::PermissionDeniedError(absl::StrCat(
          "may not copy the mount of ", root,
          " (CAP_SYS_ADMIN), so that other mounts may hide files"));
    }
    return anchors::FileError(errno, "open the mount of", root);
  }
  // What open_tree(2) returns is a path; files are opened below it.
  if (auto s = CheckOpenat2(copy); !s.ok()) return s;
  return copy;
}

absl::StatusOr<Descriptor> OpenAsSeen(const std::string& root) {
  Descriptor folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok()) {
    if (errno == ENOTDIR) {
      return absl::NotFoundError(absl::StrCat(root, " is not a folder"));
    }
    return anchors::FileError(errno, "open", root);
  }
  if (auto s = CheckOpenat2(folder); !s.ok()) return s;
  return folder;
}

}  // namespace anchorage::client

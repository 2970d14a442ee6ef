// File descriptors that collide with nothing of the host's.

#ifndef ANCHORAGE_ANCHORS_BASE_DESCRIPTOR_H_
#define ANCHORAGE_ANCHORS_BASE_DESCRIPTOR_H_

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace anchorage::anchors {

// Returns `made`, which is closed at exec(2), or a copy in its place, so that it
// is none of 0, 1 and 2: a host that closed those still reads or writes them,
// or means to open them. Below 0, with errno, where `made` is, or where there is
// no descriptor for the copy.
inline int AboveStandardStreams(int made) {
  if (made < 0 || made > STDERR_FILENO) return made;
  const int above = ::fcntl(made, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int error = errno;
  ::close(made);
  errno = error;
  return above;
}

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_DESCRIPTOR_H_

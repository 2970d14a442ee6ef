#include "test/bench/process.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>

#include "test/bench/report.h"

namespace anchorage::bench {
namespace {

// Whether all `size` bytes were moved by `call`, which is read() or write().
template <typename Call, typename Byte>
bool MoveAll(Call call, int socket, Byte* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t moved = call(socket, bytes, size);
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return false;
    bytes += moved;
    size -= static_cast<std::size_t>(moved);
  }
  return true;
}

}  // namespace

void Line::Write(const std::string& text) const {
  const std::size_t size = text.size();
  if (!MoveAll(::write, socket_, reinterpret_cast<const char*>(&size),
               sizeof(size)) ||
      !MoveAll(::write, socket_, text.data(), size)) {
    Fail("the other process is gone");
  }
}

std::string Line::Read() const {
  std::size_t size = 0;
  std::string text;
  if (MoveAll(::read, socket_, reinterpret_cast<char*>(&size), sizeof(size))) {
    text.resize(size);
    if (MoveAll(::read, socket_, text.data(), size)) return text;
  }
  Fail("the other process is gone");
}

ChildProcess::ChildProcess(const std::function<void(Line)>& run) {
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    Fail("no socket pair");
  }
  process_ = ::fork();
  if (process_ < 0) Fail("no process");
  if (process_ == 0) {
    // Not left behind, whatever becomes of the parent.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(sockets[0]);
    run(Line(sockets[1]));
    ::_exit(0);
  }
  ::close(sockets[1]);
  socket_ = sockets[0];
}

ChildProcess::~ChildProcess() {
  // Before it could notice that the line is gone.
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  ::close(socket_);
}

}  // namespace anchorage::bench

// Signals that a call would raise in the host by what it does itself.

#ifndef ANCHORAGE_ANCHORS_BASE_NO_SIGNAL_H_
#define ANCHORAGE_ANCHORS_BASE_NO_SIGNAL_H_

#include <errno.h>
#include <signal.h>
#include <time.h>

namespace anchorage::anchors {

// While it lives, `signal`, one that a system call raises in the thread that
// made it (SIGPIPE, SIGXFSZ), does nothing in this thread: the call fails with
// its error alone. One that was pending before stays pending.
class NoSignal {
 public:
  explicit NoSignal(int signal) {
    sigemptyset(&signal_);
    sigaddset(&signal_, signal);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, signal) == 1;
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  NoSignal(const NoSignal&) = delete;
  NoSignal& operator=(const NoSignal&) = delete;
  ~NoSignal() {
    const int error = errno;
    const timespec at_once{};
    while (!was_pending_ && sigtimedwait(&signal_, nullptr, &at_once) < 0 &&
           errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

 private:
  sigset_t signal_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace anchorage::anchors

#endif  // ANCHORAGE_ANCHORS_BASE_NO_SIGNAL_H_

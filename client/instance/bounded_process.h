// Runs another program, bounded in time and in what it prints, from within any
// host: one with threads and with children of its own, one that ignores SIGCHLD
// or waits for whatever child ends.

#ifndef ANCHORAGE_CLIENT_INSTANCE_BOUNDED_PROCESS_H_
#define ANCHORAGE_CLIENT_INSTANCE_BOUNDED_PROCESS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace anchorage::client {

struct BoundedProcess {
  // An absolute path.
  std::string program;
  std::vector<std::string> arguments = {};
  // What the program finds to read in /proc/self/fd/3, /4 and so on, once each:
  // pipes, so that nothing of it is ever on a disk. At most 4096 bytes each.
  std::vector<std::string> inputs = {};
  absl::Duration timeout = absl::ZeroDuration();
  std::size_t max_output_bytes = 0;
  // Of standard error; more is read and dropped.
  std::size_t max_messages_bytes = 0;
};

enum class ProcessEnd {
  // With `code` as its exit status.
  kExited,
  // By the signal `code`.
  kSignalled,
  // It ended, and the host knows how: it ignores SIGCHLD, or waited for it.
  kNotKnown,
  // It was killed, since it took too long, or printed too much.
  kTimedOut,
  kTooMuchOutput,
};

struct ProcessResult {
  ProcessEnd end = ProcessEnd::kNotKnown;
  int code = 0;
  // What it had printed to standard output and standard error by then.
  std::string output;
  std::string messages;
};

// Returns how `process` ended. Fails as the system does to start it:
// PERMISSION_DENIED, NOT_FOUND, UNAVAILABLE or another code of its errno.
//
// The program gets an environment of its own, an empty standard input, "/" as
// its folder, none of the host's descriptors, no blocked or ignored signal and a
// session of its own. What it leaves behind in that session's first group is
// killed with it; whoever left that group lives on, but nobody waits for them,
// not even where they hold standard output. The kernel may not let a program
// die that waits for a driver: after two seconds it is left alone, and it is
// then a zombie of the host's.
//
// The host gets one SIGCHLD; no other child of it is waited for. Thread-safe.
absl::StatusOr<ProcessResult> RunBounded(const BoundedProcess& process);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_INSTANCE_BOUNDED_PROCESS_H_

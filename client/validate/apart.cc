#include "client/validate/apart.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "client/validate/deadline.h"
#include "client/validate/validate_error.h"

namespace anchorage::client {
namespace {

// Stands before each answer, so that none is never taken for an empty one.
constexpr char kMark = 'A';

void WriteAll(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) ::_exit(1);
    bytes.remove_prefix(written);
  }
}

// Reads to the end, and no more than one byte too many.
absl::StatusOr<std::string> ReadAnswer(int descriptor, Deadline deadline) {
  std::string answer;
  while (answer.size() <= kMaxApartBytes + 1) {
    if (!deadline.Await(descriptor, POLLIN)) {
      return NotValid(ValidateReason::kValidatorTimeout,
                      "the validation takes longer than its limit");
    }
    std::array<char, 512> buffer;
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    answer.append(buffer.data(), got);
  }
  return answer;
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    return absl::StrCat("killed by signal ", WTERMSIG(status));
  }
  return absl::StrCat("exit code ", WEXITSTATUS(status));
}

}  // namespace

absl::StatusOr<std::string> RunApart(
    absl::Duration limit, absl::FunctionRef<std::string()> function) {
  const Deadline deadline = Deadline::After(limit);
  std::array<int, 2> pipe;
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return NotValid(ValidateReason::kValidatorUnavailable,
                    absl::StrCat("pipe: ", std::strerror(errno)));
  }
  const pid_t child = ::fork();
  if (child < 0) {
    const int error = errno;
    ::close(pipe[0]);
    ::close(pipe[1]);
    return NotValid(ValidateReason::kValidatorUnavailable,
                    absl::StrCat("fork: ", std::strerror(error)));
  }
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(pipe[0]);
    try {
      WriteAll(pipe[1], absl::StrCat(std::string(1, kMark), function()));
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(pipe[1]);
  absl::StatusOr<std::string> answer = ReadAnswer(pipe[0], deadline);
  ::close(pipe[0]);
  const bool is_whole =
      answer.ok() && !answer->empty() && answer->size() <= kMaxApartBytes + 1;
  if (!is_whole) ::kill(child, SIGKILL);
  // One that waits for a disk does not even die.
  int status = 0;
  while (::waitpid(child, &status, answer.ok() ? 0 : WNOHANG) < 0 &&
         errno == EINTR) {
  }
  if (!answer.ok()) return answer.status();
  if (!is_whole) {
    return NotValid(ValidateReason::kValidatorDied,
                    absl::StrCat("the validating process gave no answer: ",
                                 HowItEnded(status)));
  }
  return answer->substr(1);
}

}  // namespace anchorage::client

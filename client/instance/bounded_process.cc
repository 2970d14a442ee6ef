#include "client/instance/bounded_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "anchors/base/steady_clock.h"

namespace anchorage::client {
namespace {

// Above every descriptor that the program is given, so that none is in the way
// of another.
constexpr int kLowestDescriptor = 16;
constexpr int kFirstInput = STDERR_FILENO + 1;

// How often it is looked whether the program has ended: whoever holds its
// standard output must not hide that.
constexpr int kTickMilliseconds = 10;
constexpr absl::Duration kLongestDeath = absl::Seconds(2);

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)) {}
  ~Descriptor() { Close(); }

  int get() const { return number_; }
  void Close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

absl::Status Failed(int error, const std::string& what) {
  return absl::ErrnoToStatus(error, what);
}

absl::StatusOr<Pipe> MakePipe() {
  int made[2];
  if (::pipe2(made, O_CLOEXEC) != 0) return Failed(errno, "pipe");
  const Pipe low{Descriptor(made[0]), Descriptor(made[1])};
  Pipe pipe{Descriptor(::fcntl(made[0], F_DUPFD_CLOEXEC, kLowestDescriptor)),
            Descriptor(::fcntl(made[1], F_DUPFD_CLOEXEC, kLowestDescriptor))};
  if (pipe.read.get() < 0 || pipe.write.get() < 0)
    return Failed(EMFILE, "pipe");
  return pipe;
}

// Returns the end of a new pipe from which `bytes` can be read.
absl::StatusOr<Descriptor> PipeWith(const std::string& bytes) {
  auto pipe = MakePipe();
  if (!pipe.ok()) return pipe.status();
  // A pipe takes a page without waiting.
  const ssize_t written =
      ::write(pipe->write.get(), bytes.data(), bytes.size());
  if (written < 0 || static_cast<std::size_t>(written) != bytes.size()) {
    return Failed(written < 0 ? errno : EIO, "pipe");
  }
  return std::move(pipe->read);
}

// --- Starting ----------------------------------------------------------------

// Collects what posix_spawn(3) is to do, and the first error of doing so.
class Spawn {
 public:
  Spawn() {
    Try(::posix_spawn_file_actions_init(&actions_));
    Try(::posix_spawnattr_init(&attributes_));
    sigset_t signals;
    ::sigemptyset(&signals);
    Try(::posix_spawnattr_setsigmask(&attributes_, &signals));
    ::sigfillset(&signals);
    Try(::posix_spawnattr_setsigdefault(&attributes_, &signals));
    Try(::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID |
                                                     POSIX_SPAWN_SETSIGMASK |
                                                     POSIX_SPAWN_SETSIGDEF));
    Try(::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null",
                                           O_RDONLY, 0));
    Try(::posix_spawn_file_actions_addchdir_np(&actions_, "/"));
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }

  void Give(const Descriptor& from, int to) {
    Try(::posix_spawn_file_actions_adddup2(&actions_, from.get(), to));
  }
  void CloseFrom(int lowest) {
    Try(::posix_spawn_file_actions_addclosefrom_np(&actions_, lowest));
  }

  absl::StatusOr<pid_t> Start(const BoundedProcess& process) const {
    std::string program = process.program;
    std::vector<std::string> arguments = process.arguments;
    std::vector<char*> argv = {program.data()};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char locale[] = "LC_ALL=C";
    char* const environment[] = {path, locale, nullptr};
    pid_t child = 0;
    const int error =
        error_ != 0 ? error_
                    : ::posix_spawn(&child, program.c_str(), &actions_,
                                    &attributes_, argv.data(), environment);
    if (error != 0) return Failed(error, program);
    return child;
  }

 private:
  void Try(int error) {
    if (error_ == 0) error_ = error;
  }

  int error_ = 0;
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// --- Reading -----------------------------------------------------------------

// One end of a pipe from the program.
class Stream {
 public:
  explicit Stream(Descriptor from) : from_(std::move(from)) {
    ::fcntl(from_.get(), F_SETFL, O_NONBLOCK);
  }

  // What poll(2) ignores once the stream has ended.
  int descriptor() const { return from_.get(); }
  std::string& bytes() { return bytes_; }

  // Reads what is there, as much as a pipe holds and no more; keeps the first
  // `max_bytes`.
  void Read(std::size_t max_bytes) {
    char buffer[4096];
    for (int i = 0; i < 16 && from_.get() >= 0; ++i) {
      const ssize_t got = ::read(from_.get(), buffer, sizeof(buffer));
      if (got < 0) {
        if (errno != EINTR) return;
      } else if (got == 0) {
        from_.Close();
      } else {
        bytes_.append(buffer, std::min(static_cast<std::size_t>(got),
                                       max_bytes - bytes_.size()));
      }
    }
  }

 private:
  Descriptor from_;
  std::string bytes_;
};

// --- Ending ------------------------------------------------------------------

class Child {
 public:
  explicit Child(pid_t process) : process_(process) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { End(); }

  // Whether the program has ended. It keeps its number until End().
  bool HasEnded() {
    siginfo_t how = {};
    if (::waitid(P_PID, static_cast<id_t>(process_), &how,
                 WEXITED | WNOHANG | WNOWAIT) != 0) {
      is_gone_ = errno == ECHILD;
      return is_gone_;
    }
    return how.si_pid == process_;
  }

  // Kills what is left of the program and its group, and frees its number.
  // Returns how it ended, or a siginfo_t of zeros where nobody can tell.
  siginfo_t End() {
    siginfo_t how = {};
    // By now its number may be another's.
    if (is_gone_) return how;
    ::kill(-process_, SIGKILL);
    const absl::Duration start = anchors::SteadyNow();
    while (anchors::SteadyNow() - start < kLongestDeath) {
      if (::waitid(P_PID, static_cast<id_t>(process_), &how,
                   WEXITED | WNOHANG) != 0 ||
          how.si_pid == process_) {
        break;
      }
      ::poll(nullptr, 0, 1);
    }
    is_gone_ = true;
    return how;
  }

 private:
  const pid_t process_;
  bool is_gone_ = false;
};

ProcessEnd EndOf(const siginfo_t& how) {
  if (how.si_pid == 0) return ProcessEnd::kNotKnown;
  return how.si_code == CLD_EXITED ? ProcessEnd::kExited
                                   : ProcessEnd::kSignalled;
}

// Reads until the program has ended, or why it must.
ProcessEnd Await(const BoundedProcess& process, Child& child, Stream& output,
                 Stream& messages) {
  const absl::Duration deadline = anchors::SteadyNow() + process.timeout;
  for (;;) {
    // First, so that all that it wrote is in the pipes by then.
    const bool has_ended = child.HasEnded();
    output.Read(process.max_output_bytes + 1);
    messages.Read(process.max_messages_bytes);
    if (output.bytes().size() > process.max_output_bytes) {
      return ProcessEnd::kTooMuchOutput;
    }
    if (has_ended) return ProcessEnd::kExited;
    if (anchors::SteadyNow() >= deadline) return ProcessEnd::kTimedOut;
    pollfd streams[] = {{output.descriptor(), POLLIN, 0},
                        {messages.descriptor(), POLLIN, 0}};
    ::poll(streams, 2, kTickMilliseconds);
  }
}

}  // namespace

absl::StatusOr<ProcessResult> RunBounded(const BoundedProcess& process) {
  auto output = MakePipe();
  if (!output.ok()) return output.status();
  auto messages = MakePipe();
  if (!messages.ok()) return messages.status();

  Spawn spawn;
  spawn.Give(output->write, STDOUT_FILENO);
  spawn.Give(messages->write, STDERR_FILENO);
  std::vector<Descriptor> inputs;
  for (const std::string& bytes : process.inputs) {
    auto input = PipeWith(bytes);
    if (!input.ok()) return input.status();
    spawn.Give(*input, kFirstInput + static_cast<int>(inputs.size()));
    inputs.push_back(*std::move(input));
  }
  spawn.CloseFrom(kFirstInput + static_cast<int>(inputs.size()));

  const auto started = spawn.Start(process);
  if (!started.ok()) return started.status();
  Child child(*started);
  inputs.clear();
  output->write.Close();
  messages->write.Close();
  Stream from_output(std::move(output->read));
  Stream from_messages(std::move(messages->read));

  const ProcessEnd end = Await(process, child, from_output, from_messages);
  const siginfo_t how = child.End();
  return ProcessResult{end == ProcessEnd::kExited ? EndOf(how) : end,
                       how.si_status, std::move(from_output.bytes()),
                       std::move(from_messages.bytes())};
}

}  // namespace anchorage::client

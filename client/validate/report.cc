#include "client/validate/report.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>

#include "verify/printable.h"

namespace anchorage::client {
namespace {

constexpr char kName[] = "anchorage-validate: ";
// A record of the kernel's log has at most 1,024 bytes with its head.
constexpr std::size_t kMaxLineBytes = 900;
// LOG_DAEMON: the kernel keeps LOG_KERN for itself.
constexpr int kFacility = 3;

void Write(int descriptor, const std::string& line) {
  [[maybe_unused]] const ssize_t written =
      ::write(descriptor, line.data(), line.size());
}

std::string LineOf(std::string_view text) {
  return kName + verify::Printable(text, kMaxLineBytes) + "\n";
}

}  // namespace

Report::Report(bool to_kernel_log) {
  if (to_kernel_log) {
    kernel_log_ = ::open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
  }
}

Report::~Report() {
  if (kernel_log_ >= 0) ::close(kernel_log_);
}

void Report::Say(Severity severity, std::string_view line) {
  SayHere(line);
  if (kernel_log_ < 0) return;
  const int priority = kFacility * 8 + static_cast<int>(severity);
  Write(kernel_log_, "<" + std::to_string(priority) + ">" + LineOf(line));
}

void Report::SayHere(std::string_view line) {
  Write(STDERR_FILENO, LineOf(line));
}

}  // namespace anchorage::client

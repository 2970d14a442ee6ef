#include "tools/trustctl/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verify/printable.h"

namespace anchorage::trustctl {
namespace {

std::string_view Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

const char* CodeOf(Colour colour) {
  switch (colour) {
    case Colour::kBold:
      return "1";
    case Colour::kGood:
      return "32";
    case Colour::kDoubtful:
      return "33";
    case Colour::kBad:
      return "31";
  }
  return "0";
}

}  // namespace

bool MayMove(int descriptor) {
  const std::string_view term = Variable("TERM");
  return isatty(descriptor) != 0 && !term.empty() && term != "dumb";
}

bool MayColour(int descriptor) {
  return MayMove(descriptor) && Variable("NO_COLOR").empty();
}

std::string Paint(std::string_view text, Colour colour, bool may) {
  if (!may) return std::string(text);
  return absl::StrCat("\x1b[", CodeOf(colour), "m", std::string(text),
                      "\x1b[0m");
}

int WidthOfOutput() {
  if (isatty(STDOUT_FILENO) == 0) return 0;
  int columns = 0;
  if (absl::SimpleAtoi(std::string(Variable("COLUMNS")), &columns) &&
      columns > 0) {
    return columns;
  }
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return 80;
}

Progress::Progress(std::string what, std::function<std::string()> more)
    : what_(verify::Printable(what)), more_(std::move(more)) {
  if (!MayMove(STDERR_FILENO)) return;
  try {
    thread_ = std::thread([this] { Tell(); });
  } catch (const std::system_error&) {
    // What goes on is not worth failing for.
  }
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Progress::Tell() {
  std::unique_lock lock(mutex_);
  for (int seconds = 1;; ++seconds) {
    const bool ended = changed_.wait_for(lock, std::chrono::seconds(1),
                                         [this] { return ended_; });
    if (ended) {
      if (seconds > 1) std::fputs("\r\x1b[K", stderr);
      return;
    }
    std::fprintf(stderr, "\rtrustctl: %s ... %d s%s\x1b[K", what_.c_str(),
                 seconds, more_ ? (", " + more_()).c_str() : "");
    std::fflush(stderr);
  }
}

}  // namespace anchorage::trustctl

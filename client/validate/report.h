// Says what a validation found, on standard error and in the kernel's log.
//
// In an initrd the kernel's log is the one that is read later (dmesg, the
// journal), and it takes about ten lines in five seconds of a process: so it
// gets the first lines, and standard error all of them, up to a bound.

#ifndef ANCHORAGE_CLIENT_VALIDATE_REPORT_H_
#define ANCHORAGE_CLIENT_VALIDATE_REPORT_H_

#include <cstddef>
#include <string_view>

namespace anchorage::client {

// The most lines that say a difference, and how many of them the kernel's log
// gets.
inline constexpr std::size_t kMaxDifferenceLines = 200;
inline constexpr std::size_t kMaxLoggedDifferences = 6;

enum class Severity { kError = 3, kNotice = 5 };

class Report {
 public:
  // Writes to standard error alone, or to /dev/kmsg too.
  explicit Report(bool to_kernel_log);
  ~Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  // Writes one line, made printable, to both. What cannot be written is lost.
  void Say(Severity severity, std::string_view line);

  // Writes one to standard error alone.
  void SayHere(std::string_view line);

 private:
  int kernel_log_ = -1;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_VALIDATE_REPORT_H_

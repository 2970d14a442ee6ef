// What the commands of trustctl share: exit codes, errors, small readers.
//
// The rules of this program's output: the answer goes to standard output and
// everything else to standard error, prefixed by the program's name, in lower
// case and without a full stop; "error:" says what is wrong, "hint:" what to
// do. With --output json the answer is one JSON object, which has escapes of
// its own; in text, whatever others wrote goes through Printable().

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_COMMAND_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "verify/printable.h"
#include "verify/reason.h"

namespace anchorage::trustctl {

// Who speaks, with the version: "trustctl 0.1.0".
std::string Program();

using verify::Printable;

// The same for several lines, each after `indent`, so that none of them can
// pass for one of ours.
std::string PrintableLines(std::string_view text, std::string_view indent);

// "1 finding", "2 findings"; with `many` where that is no 's' more.
std::string Counted(std::size_t count, const std::string& one,
                    const std::string& many = "");

// How the program ends; the same for every command.
enum ExitCode : int {
  kAccepted = 0,  // or: done
  kUsage = 1,     // wrong usage, or an internal failure
  kUnreadable = 2,
  kNotFromAws = 3,  // or: not signed by our roots, or a changed record
  kStaleOrForAnother = 4,
  kRefusedByPolicy = 5,
  kUndecided = 6,
};

// The exit code of a verdict with that reason.
ExitCode ExitCodeOf(verify::Reason reason);

// The exit code of any failure: of its reason where it has one, of its code
// otherwise.
ExitCode ExitCodeOf(const absl::Status& status);

// Prints "trustctl: error: ..." (and "hint: ..." where there is one) to
// standard error.
void PrintError(std::string_view message, std::string_view hint = "");
void PrintWarning(std::string_view message);

// Prints `why` as an error and returns kUsage.
int UsageError(const absl::Status& why);

// The same for a policy that cannot be: the name of its reason is behind it.
int PolicyError(const absl::Status& why, std::string_view hint = "");

// Prints `status` as an error and returns its exit code.
int Fail(const absl::Status& status, std::string_view hint = "");

// The text of a status for people, in the form of the rules above.
std::string TextOf(const absl::Status& status);

// Reads a file, or standard input for "-". The limits of the parsers apply;
// this one only bounds memory.
inline constexpr std::size_t kMaxInputBytes = 8 * 1024 * 1024;
absl::StatusOr<std::string> ReadInput(const std::string& path);

// Writes a file whole, also one that a link leads to; to standard output for
// "-", and to a device or a pipe as it is.
absl::Status WriteOutput(
    const std::string& path, std::string_view bytes,
    anchors::FileAccess access = anchors::FileAccess::kPublic);

// Asks a person at the terminal; OK only for the answer "yes", or without
// asking where `assumed` (--yes).
absl::Status Confirm(std::string_view question, bool assumed);

// Reads "2026-02-16T00:38:27Z" (RFC 3339, any offset).
absl::StatusOr<absl::Time> ParseRfc3339(const std::string& text);

// The same; nullopt for an empty text.
absl::StatusOr<std::optional<absl::Time>> ParseOptionalTime(
    const std::string& text);

// Writes a time as RFC 3339 in UTC; "never" for an infinite one.
std::string Rfc3339(absl::Time time);

// Reads "90s", "5m", "36h" or "30d".
absl::StatusOr<absl::Duration> ParseDuration(const std::string& text);

// The kinds of anchor, for flags.
std::vector<std::string> AnchorKindNames();

// What a command does: called after the whole command line has been read.
using Action = std::function<int()>;

// Adds a command to its parent.
using AddCommand = void(CLI::App& parent, Action& action);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_COMMAND_H_

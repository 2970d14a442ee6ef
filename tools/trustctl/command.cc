#include "tools/trustctl/command.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/version.h"
#include "anchors/tuf/tuf_error.h"
#include "tools/trustctl/terminal.h"
#include "verify/anchor_kind.h"

namespace anchorage::trustctl {

namespace fs = std::filesystem;

std::string Program() { return absl::StrCat("trustctl ", anchors::kVersion); }

std::string Counted(std::size_t count, const std::string& one,
                    const std::string& many) {
  if (count == 1) return "1 " + one;
  return absl::StrCat(count, " ", many.empty() ? one + "s" : many);
}

std::string PrintableLines(std::string_view text, std::string_view indent) {
  std::string lines;
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    absl::StrAppend(&lines, absl::string_view(indent.data(), indent.size()),
                    Printable({line.data(), line.size()}), "\n");
  }
  return lines;
}

ExitCode ExitCodeOf(verify::Reason reason) {
  switch (verify::FamilyOf(reason)) {
    case verify::Family::kUnreadable:
      return kUnreadable;
    case verify::Family::kNotFromAws:
      return kNotFromAws;
    case verify::Family::kStaleOrForAnother:
      return kStaleOrForAnother;
    case verify::Family::kRefusedByPolicy:
      return kRefusedByPolicy;
    case verify::Family::kUndecided:
      return kUndecided;
  }
  return kUsage;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (const auto reason = verify::ReasonOf(status); reason.has_value()) {
    return ExitCodeOf(*reason);
  }
  // A server without the file is one that could not be asked, and no input.
  if (anchors::tuf::TufReasonOf(status) ==
      anchors::tuf::TufReason::kFileNotOnServer) {
    return kUndecided;
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kAccepted;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kDataLoss:
      return kUnreadable;
    case absl::StatusCode::kUnauthenticated:
      return kNotFromAws;
    case absl::StatusCode::kFailedPrecondition:
      return kStaleOrForAnother;
    case absl::StatusCode::kPermissionDenied:
      return kRefusedByPolicy;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kResourceExhausted:
      return kUndecided;
    default:
      return kUsage;
  }
}

void PrintError(std::string_view message, std::string_view hint) {
  std::cerr << "trustctl: "
            << Paint("error:", Colour::kBad, MayColour(STDERR_FILENO)) << " "
            << Printable(message) << "\n";
  if (!hint.empty()) std::cerr << "hint: " << Printable(hint) << "\n";
}

void PrintWarning(std::string_view message) {
  std::cerr << "trustctl: "
            << Paint("warning:", Colour::kDoubtful, MayColour(STDERR_FILENO))
            << " " << Printable(message) << "\n";
}

int Fail(const absl::Status& status, std::string_view hint) {
  PrintError(TextOf(status), hint);
  return ExitCodeOf(status);
}

int UsageError(const absl::Status& why) {
  PrintError(TextOf(why));
  return kUsage;
}

int PolicyError(const absl::Status& why, std::string_view hint) {
  std::string text = TextOf(why);
  if (const auto reason = verify::ReasonOf(why); reason.has_value()) {
    absl::StrAppend(&text, " (", std::string(verify::NameOf(*reason)), ")");
  }
  PrintError(text, hint);
  return kUsage;
}

std::string TextOf(const absl::Status& status) {
  return std::string(status.message());
}

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  if (path != "-") return anchors::ReadFile(path, kMaxInputBytes);
  std::string bytes;
  char buffer[16384];
  while (std::cin.read(buffer, sizeof(buffer)) || std::cin.gcount() > 0) {
    bytes.append(buffer, static_cast<std::size_t>(std::cin.gcount()));
    if (bytes.size() > kMaxInputBytes) {
      return absl::OutOfRangeError("standard input is longer than 8 MiB");
    }
  }
  return bytes;
}

absl::Status WriteOutput(const std::string& path, std::string_view bytes,
                         anchors::FileAccess access) {
  if (path == "-") {
    std::cout << bytes << std::flush;
    return std::cout
               ? absl::OkStatus()
               : absl::UnavailableError("standard output cannot be written");
  }
  std::error_code error;
  const fs::file_status found = fs::status(path, error);
  if (fs::exists(found) && !fs::is_regular_file(found) &&
      !fs::is_directory(found)) {
    std::ofstream out(path, std::ios::binary);
    out << bytes << std::flush;
    return out ? absl::OkStatus()
               : absl::UnavailableError(
                     absl::StrCat(path, " cannot be written"));
  }
  // A link stays, and what it leads to is replaced.
  const bool is_link = fs::is_symlink(fs::symlink_status(path, error));
  return anchors::WriteFileAtomically(
      is_link ? fs::weakly_canonical(path, error).string() : path, bytes,
      access);
}

absl::Status Confirm(std::string_view question, bool assumed) {
  if (assumed) return absl::OkStatus();
  if (isatty(STDIN_FILENO) == 0) {
    return absl::FailedPreconditionError(
        "there is no terminal to ask at: look at the above, then give --yes");
  }
  std::cerr << question << " Type yes: ";
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes") return absl::OkStatus();
  return absl::CancelledError("nothing was done");
}

absl::StatusOr<absl::Time> ParseRfc3339(const std::string& text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("'", text,
                                                   "' is not a time such as "
                                                   "2026-02-16T00:38:27Z"));
  }
  return time;
}

absl::StatusOr<std::optional<absl::Time>> ParseOptionalTime(
    const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto time = ParseRfc3339(text);
  if (!time.ok()) return time.status();
  return *time;
}

std::string Rfc3339(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return "never";
  }
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

absl::StatusOr<absl::Duration> ParseDuration(const std::string& text) {
  const std::pair<const char*, absl::Duration> units[] = {
      {"s", absl::Seconds(1)},
      {"m", absl::Minutes(1)},
      {"h", absl::Hours(1)},
      {"d", absl::Hours(24)}};
  for (const auto& [suffix, unit] : units) {
    absl::string_view number = text;
    std::int32_t count = 0;
    if (absl::ConsumeSuffix(&number, suffix) &&
        absl::SimpleAtoi(number, &count) && count > 0) {
      return count * unit;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a duration such as 90s, 5m, 36h, 30d"));
}

std::vector<std::string> AnchorKindNames() {
  std::vector<std::string> names;
  for (const auto& row : verify::kAnchorKinds) names.emplace_back(row.name);
  return names;
}

}  // namespace anchorage::trustctl

#include "tools/trustctl/exports/export_feed.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/instance/bounded_process.h"
#include "verify/crypto/public_key.h"
#include "verify/printable.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;

constexpr char kLink[] = "current";
constexpr char kPrefix[] = "export-";
constexpr std::size_t kHashDigits = 16;
// What a feed notes for its next start.
constexpr char kSequence[] = "sequence";
constexpr char kDone[] = "command-done";
constexpr std::size_t kMaxNote = 64;
// FolderLock's.
constexpr char kLock[] = "lock";
constexpr std::size_t kMaxCommandOutput = 64 * 1024;

// Products run as other users.
absl::Status MakeReadable(const fs::path& folder) {
  if (absl::Status s = anchors::MakeFolder(folder.string()); !s.ok()) return s;
  if (chmod(folder.c_str(), 0755) != 0) {
    return anchors::FileError(errno, "cannot change the mode of",
                              folder.string());
  }
  return absl::OkStatus();
}

absl::Status Sync(const fs::path& folder) {
  const int descriptor =
      open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_synced = descriptor >= 0 && fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  if (is_synced) return absl::OkStatus();
  return anchors::FileError(error, "cannot write", folder.string());
}

// Whether the files of an export are there as they should be.
bool IsThere(const fs::path& folder, const std::vector<ExportFile>& files) {
  return std::all_of(files.begin(), files.end(), [&](const ExportFile& file) {
    const auto bytes =
        anchors::ReadFile((folder / file.name).string(), file.bytes.size() + 1);
    return bytes.ok() && *bytes == file.bytes;
  });
}

std::string NameOfExport(const std::vector<ExportFile>& files) {
  std::string all;
  for (const ExportFile& file : files) {
    absl::StrAppend(&all, file.name, "\n", verify::Sha256Hex(file.bytes), "\n");
  }
  return kPrefix + verify::Sha256Hex(all).substr(0, kHashDigits);
}

// Whether a name is one of NameOfExport(), finished or not: nothing else in the
// folder is ever removed.
bool IsOfAnExport(std::string name) {
  if (name.ends_with(".tmp")) name.resize(name.size() - 4);
  return name.starts_with(kPrefix) &&
         name.size() == std::string(kPrefix).size() + kHashDigits &&
         name.find_first_not_of("0123456789abcdef",
                                std::string(kPrefix).size()) == name.npos;
}

// Makes the folder, or finds it empty or a feed's: one that was cut off before
// its first export has left its lock alone.
absl::Status MakeFeedFolder(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return MakeReadable(folder);
  bool has_others = false;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    has_others = has_others || entry.path().filename() != kLock;
  }
  if (!has_others || fs::is_symlink(folder / kLink, error) ||
      fs::exists(folder / kSequence, error)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat(folder.string(),
                   " has files that are no feed's: give it a folder of its "
                   "own"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExportFeed>> ExportFeed::Open(
    ExportFeedOptions options) {
  if (absl::Status s = MakeFeedFolder(options.folder); !s.ok()) return s;
  auto lock = anchors::FolderLock::Take(options.folder);
  if (!lock.ok()) return lock.status();
  return std::unique_ptr<ExportFeed>(
      new ExportFeed(std::move(options), *std::move(lock)));
}

absl::StatusOr<ExportFeed::Outcome> ExportFeed::Update(
    const verify::AnchorSet& set, absl::Time now) {
  auto outcome = Try(set, now);
  if (outcome.ok()) {
    state_.last_success = now;
  } else {
    ++state_.failures;
  }
  return outcome;
}

absl::StatusOr<ExportFeed::Outcome> ExportFeed::Try(
    const verify::AnchorSet& set, absl::Time now) {
  auto contents = SelectExported(set, options_.filter, now);
  if (!contents.ok()) return contents.status();
  if (const std::uint64_t newest = NewestSequence();
      contents->sequence < newest) {
    return absl::FailedPreconditionError(
        absl::StrCat("sequence ", contents->sequence, " is older than ", newest,
                     ", of which the folder was made: give --cache, or remove ",
                     options_.folder, "/", kSequence, " if it must go back"));
  }
  const fs::path folder = options_.folder;
  contents->folder = (folder / kLink).string();
  const auto files = options_.format->make(*options_.format, *contents);
  if (!files.ok()) return files.status();
  const std::string name = NameOfExport(*files);
  std::error_code error;
  const std::string linked = fs::read_symlink(folder / kLink, error).string();
  Outcome outcome = Outcome::kUnchanged;
  if (linked != name || !IsThere(folder / name, *files)) {
    if (absl::Status s = anchors::RemoveFile((folder / kDone).string());
        !s.ok()) {
      return s;
    }
    if (absl::Status s = Replace(name, *files); !s.ok()) return s;
    if (linked != name) previous_ = linked;
    RemoveOld(name);
    outcome = Outcome::kReplaced;
  }
  if (NewestSequence() != contents->sequence) {
    if (absl::Status s = Note(kSequence, absl::StrCat(contents->sequence));
        !s.ok()) {
      return s;
    }
  }
  state_.sequence = contents->sequence;
  state_.anchors = static_cast<int>(contents->anchors.size());
  if (!options_.command.empty() && !WasRun(name)) {
    if (absl::Status s = RunCommand(); !s.ok()) return s;
    if (absl::Status s = Note(kDone, name); !s.ok()) return s;
  }
  return outcome;
}

absl::Status ExportFeed::Replace(const std::string& name,
                                 const std::vector<ExportFile>& files) const {
  const fs::path folder = options_.folder;
  const fs::path made = folder / (name + ".tmp");
  std::error_code error;
  fs::remove_all(made, error);
  for (const ExportFile& file : files) {
    const fs::path path = made / file.name;
    if (absl::Status s = anchors::MakeFolder(path.parent_path().string());
        !s.ok()) {
      return s;
    }
    if (absl::Status s = anchors::WriteFileAtomically(
            path.string(), file.bytes, anchors::FileAccess::kEverybody);
        !s.ok()) {
      return s;
    }
  }
  if (absl::Status s = MakeReadable(made); !s.ok()) return s;
  for (const auto& entry : fs::recursive_directory_iterator(made, error)) {
    if (!entry.is_directory()) continue;
    if (absl::Status s = MakeReadable(entry.path()); !s.ok()) return s;
  }
  // What lies there under that name was damaged: the link leads elsewhere, or
  // to something that is not what it should be.
  fs::remove_all(folder / name, error);
  fs::rename(made, folder / name, error);
  if (!error) {
    const fs::path link = folder / (std::string(kLink) + ".tmp");
    std::error_code ignored;
    fs::remove(link, ignored);
    fs::create_symlink(name, link, error);
    if (!error) fs::rename(link, folder / kLink, error);
  }
  if (error) {
    return anchors::FileError(error.value(), "cannot write", folder.string());
  }
  return Sync(folder);
}

void ExportFeed::RemoveOld(const std::string& name) const {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options_.folder, error)) {
    const std::string file = entry.path().filename().string();
    if (!IsOfAnExport(file) || file == name || file == previous_) {
      continue;
    }
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
}

bool ExportFeed::WasRun(const std::string& name) const {
  const auto done = anchors::ReadFile(options_.folder + "/" + kDone, kMaxNote);
  return done.ok() && *done == name;
}

std::uint64_t ExportFeed::NewestSequence() const {
  const auto text =
      anchors::ReadFile(options_.folder + "/" + kSequence, kMaxNote);
  std::uint64_t sequence = 0;
  return text.ok() && absl::SimpleAtoi(*text, &sequence) ? sequence : 0;
}

absl::Status ExportFeed::Note(const char* file, const std::string& text) const {
  return anchors::WriteFileAtomically(options_.folder + "/" + file, text);
}

absl::Status ExportFeed::RunCommand() {
  const std::vector<std::string>& command = options_.command;
  const auto result =
      client::RunBounded({.program = command.front(),
                          .arguments = {command.begin() + 1, command.end()},
                          .timeout = kExportCommandTime,
                          .max_output_bytes = kMaxCommandOutput,
                          .max_messages_bytes = kMaxCommandOutput});
  if (!result.ok()) {
    state_.command_status = 127;
    ++state_.command_failures;
    return result.status();
  }
  switch (result->end) {
    case client::ProcessEnd::kExited:
      state_.command_status = result->code;
      break;
    case client::ProcessEnd::kSignalled:
      state_.command_status = 128 + result->code;
      break;
    default:
      state_.command_status = 128 + SIGKILL;
  }
  if (state_.command_status != 0) {
    ++state_.command_failures;
    return absl::UnavailableError(absl::StrCat(
        command.front(),
        result->end == client::ProcessEnd::kTimedOut
            ? " took longer than a minute"
            : absl::StrCat(" ended with ", *state_.command_status),
        ": ", verify::Printable(result->messages.substr(0, 1000))));
  }
  return absl::OkStatus();
}

std::string ExportMetrics(const std::string& name, const ExportFeedState& state,
                          bool expired) {
  std::string text;
  const auto add = [&](const char* metric, const char* type, const char* help,
                       auto value) {
    absl::StrAppend(&text, "# HELP ", metric, " ", help, "\n# TYPE ", metric,
                    " ", type, "\n", metric, "{feed=\"", name, "\"} ", value,
                    "\n");
  };
  add("anchorage_export_sequence", "gauge",
      "The catalog that the folder was made of.", state.sequence);
  add("anchorage_export_anchors", "gauge", "The anchors in the folder.",
      state.anchors);
  add("anchorage_export_last_success_timestamp_seconds", "gauge",
      "When the folder was last what it should be.",
      state.last_success == absl::InfinitePast()
          ? 0
          : absl::ToUnixSeconds(state.last_success));
  add("anchorage_export_failures_total", "counter",
      "Rounds in which it could not be brought up to date.", state.failures);
  if (state.command_status.has_value()) {
    add("anchorage_export_command_exit_status", "gauge", "Of the last command.",
        *state.command_status);
  }
  add("anchorage_export_command_failures_total", "counter",
      "Commands that failed.", state.command_failures);
  add("anchorage_export_expired", "gauge",
      "Whether the feed ended because no server vouches for its anchors.",
      expired ? 1 : 0);
  return text;
}

}  // namespace anchorage::trustctl

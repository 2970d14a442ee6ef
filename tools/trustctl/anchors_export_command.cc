// trustctl anchors export

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/base/atomic_file.h"
#include "client/trust_client.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/exports/export_feed.h"
#include "tools/trustctl/exports/export_format.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;

struct Flags {
  std::string format;
  std::string partition;
  std::string region;
  std::string kind;
  std::string out = "-";
  std::string watch;
  std::string every = "1h";
  std::string metrics;
  std::vector<std::string> command;
  AnchorSource source;
};

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (const ExportFormat& format : ExportFormats()) {
    names.emplace_back(format.name);
  }
  return names;
}

absl::StatusOr<ExportFilter> FilterOf(const Flags& flags,
                                      const ExportFormat& format) {
  ExportFilter filter{.partition = flags.partition,
                      .region = flags.region,
                      .kinds = format.kinds};
  if (flags.kind.empty()) return filter;
  for (const auto* kinds : {&format.kinds, &format.other_kinds}) {
    for (const verify::AnchorKind kind : *kinds) {
      if (flags.kind != NameOf(kind)) continue;
      filter.kinds = {kind};
      return filter;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the format ", format.name, " has no ", flags.kind));
}

absl::StatusOr<std::string> AbsolutePath(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (error) return anchors::FileError(error.value(), "cannot find", path);
  std::string text = absolute.string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

// Whether the anchors are those that were asked for: what trustctl is built with
// has no revocation that people have made since.
absl::Status CheckVouched(const Flags& flags, const Anchors& anchors) {
  if (flags.source.uses_client() &&
      anchors.set->provenance().origin == verify::Origin::kBakedIn) {
    return absl::UnavailableError(
        "there is no bundle of the server's: neither from it nor from --cache");
  }
  return flags.source.CheckAge(anchors);
}

// --- once --------------------------------------------------------------------

absl::Status WriteFolder(const std::string& folder,
                         const std::vector<ExportFile>& files) {
  for (const ExportFile& file : files) {
    const fs::path path = fs::path(folder) / file.name;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) {
      return anchors::FileError(error.value(), "cannot make",
                                path.parent_path().string());
    }
    if (absl::Status s =
            anchors::WriteFileAtomically(path.string(), file.bytes);
        !s.ok()) {
      return s;
    }
  }
  return absl::OkStatus();
}

int Once(const Flags& flags, const ExportFormat& format) {
  const bool is_stdout = flags.out == "-";
  if (format.is_folder && is_stdout) {
    return UsageError(absl::InvalidArgumentError(absl::StrCat(
        "the format ", format.name, " is a folder: give --out FOLDER")));
  }
  const auto filter = FilterOf(flags, format);
  if (!filter.ok()) return UsageError(filter.status());
  const auto anchors = flags.source.Load({});
  if (!anchors.ok()) return Fail(anchors.status());
  if (absl::Status s = CheckVouched(flags, *anchors); !s.ok()) return Fail(s);
  auto contents = SelectExported(*anchors->set, *filter, absl::Now());
  if (!contents.ok()) return Fail(contents.status());
  if (!is_stdout) {
    auto folder = AbsolutePath(flags.out);
    if (!folder.ok()) return Fail(folder.status());
    contents->folder = *std::move(folder);
  }
  const auto files = format.make(format, *contents);
  if (!files.ok()) return Fail(files.status());
  const absl::Status written =
      format.is_folder ? WriteFolder(flags.out, *files)
                       : WriteOutput(flags.out, files->front().bytes);
  return written.ok() ? kAccepted : Fail(written);
}

// --- --watch -----------------------------------------------------------------

void Log(const std::string& line) {
  std::cout << Rfc3339(absl::Now()) << "  " << line << std::endl;
}

class Watch {
 public:
  Watch(const Flags& flags, std::unique_ptr<client::TrustClient> client,
        std::unique_ptr<ExportFeed> feed)
      : flags_(flags), client_(std::move(client)), feed_(std::move(feed)) {}

  // Returns an exit code once the feed must end.
  std::optional<int> Round() {
    const absl::Status refreshed = client_->Refresh();
    client::AnchorsUsed used;
    const auto set = client_->anchors(&used);
    const absl::Status age =
        CheckVouched(flags_, Anchors{set, used.freshness, nullptr});
    if (!age.ok()) {
      WriteMetrics(true);
      return Fail(age,
                  "the folder is left as it was, and is not to be relied "
                  "on: find out why no server answers");
    }
    if (!refreshed.ok()) {
      PrintWarning(absl::StrCat("no new bundle: ", TextOf(refreshed)));
    }
    const auto outcome = feed_->Update(*set, absl::Now());
    if (!outcome.ok()) {
      PrintError(TextOf(outcome.status()));
    } else if (*outcome == ExportFeed::Outcome::kReplaced) {
      Log(absl::StrCat("exported sequence ", feed_->state().sequence, ", ",
                       feed_->state().anchors, " anchors, to ",
                       Printable(flags_.watch), "/current",
                       feed_->state().command_status.has_value()
                           ? absl::StrCat("; the command ended with ",
                                          *feed_->state().command_status)
                           : ""));
    }
    WriteMetrics(false);
    return std::nullopt;
  }

 private:
  void WriteMetrics(bool expired) const {
    if (flags_.metrics.empty()) return;
    const absl::Status written = anchors::WriteFileAtomically(
        flags_.metrics,
        ExportMetrics(fs::path(flags_.metrics).stem().string(), feed_->state(),
                      expired),
        anchors::FileAccess::kEverybody);
    if (!written.ok()) PrintWarning(TextOf(written));
  }

  const Flags& flags_;
  const std::unique_ptr<client::TrustClient> client_;
  const std::unique_ptr<ExportFeed> feed_;
};

absl::Status CheckWatchFlags(const Flags& flags) {
  if (!flags.source.uses_client()) {
    return absl::InvalidArgumentError(
        "--watch needs --server or --cache: the set built into trustctl never "
        "changes");
  }
  if (!flags.command.empty() && !flags.command.front().starts_with('/')) {
    return absl::InvalidArgumentError(
        absl::StrCat("the command is an absolute path, not '",
                     Printable(flags.command.front()), "'"));
  }
  const std::string stem = fs::path(flags.metrics).stem().string();
  if (!flags.metrics.empty() &&
      (!flags.metrics.ends_with(".prom") || stem.empty() ||
       Printable(stem) != stem ||
       stem.find_first_of("\"\\") != std::string::npos)) {
    return absl::InvalidArgumentError(
        "--metrics is a file NAME.prom, whose name is a label");
  }
  return absl::OkStatus();
}

int RunWatch(const Flags& flags, const ExportFormat& format) {
  if (absl::Status s = CheckWatchFlags(flags); !s.ok()) return UsageError(s);
  const auto every = ParseDuration(flags.every);
  if (!every.ok()) return UsageError(every.status());
  if (*every < absl::Seconds(1) || *every > absl::Hours(24)) {
    return UsageError(
        absl::InvalidArgumentError("--every is from 1 second to 24 hours"));
  }
  const auto filter = FilterOf(flags, format);
  if (!filter.ok()) return UsageError(filter.status());
  const auto folder = AbsolutePath(flags.watch);
  if (!folder.ok()) return Fail(folder.status());
  auto client = flags.source.MakeClient();
  if (!client.ok()) return UsageError(client.status());
  auto feed = ExportFeed::Open({.folder = *folder,
                                .format = &format,
                                .filter = *filter,
                                .command = flags.command});
  if (!feed.ok()) return Fail(feed.status());
  Watch watch(flags, *std::move(client), *std::move(feed));
  while (true) {
    if (const auto code = watch.Round(); code.has_value()) return *code;
    std::this_thread::sleep_for(absl::ToChronoNanoseconds(*every));
  }
}

int Export(const Flags& flags) {
  const ExportFormat* const format = FindExportFormat(flags.format);
  return flags.watch.empty() ? Once(flags, *format) : RunWatch(flags, *format);
}

std::string Footer() {
  std::string text = R"(
    trustctl anchors export --format smallstep --out /etc/step-ca/iid-roots.pem
    trustctl anchors export --format vault --watch /var/lib/anchorage/vault \
        --server https://trust.example/tuf/ --trusted-root 1.root.json \
        -- /usr/local/bin/load-vault

With --watch the files lie in FOLDER/current, which is replaced as a whole. The
command that follows "--" is run after each change, for at most a minute, and
again at the next round if it fails. The feed ends with exit code 6 when no
server has vouched for its anchors in time (ANCHORS_EXPIRED).

Formats:
)";
  for (const ExportFormat& format : ExportFormats()) {
    absl::StrAppend(&text, "    ", format.name,
                    std::string(14 - std::string(format.name).size(), ' '),
                    format.help, "\n");
  }
  return text;
}

}  // namespace

void AddAnchorsExport(CLI::App& anchors, Action& action) {
  CLI::App& command = *anchors.add_subcommand(
      "export", "Write them in the form that another verifier takes");
  command.footer(Footer());
  auto flags = std::make_shared<Flags>();
  command.add_option("--format", flags->format, "the form; see below")
      ->required()
      ->check(CLI::IsMember(FormatNames()));
  command.add_option("--partition", flags->partition, "only this partition");
  command.add_option("--region", flags->region, "only this region");
  command.add_option("--kind", flags->kind, "only this kind")
      ->check(CLI::IsMember(AnchorKindNames()));
  auto* out = command
                  .add_option("--out", flags->out,
                              "the file or folder; '-' is standard output")
                  ->capture_default_str();
  auto* watch =
      command
          .add_option("--watch", flags->watch,
                      "keep this folder up to date until something ends it")
          ->excludes(out);
  command
      .add_option("--every", flags->every,
                  "with --watch: the time between two looks")
      ->needs(watch)
      ->capture_default_str();
  command
      .add_option("--metrics", flags->metrics,
                  "with --watch: a file NAME.prom for node_exporter")
      ->needs(watch);
  command
      .add_option("command", flags->command,
                  "with --watch, after \"--\": what to run after a change")
      ->needs(watch);
  flags->source.AddTo(command);
  flags->source.AddWhenExpiredTo(command, "refuse");
  command.callback(
      [flags, &action] { action = [flags] { return Export(*flags); }; });
}

}  // namespace anchorage::trustctl

// trustctl repository export

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/time/clock.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/repository_export.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

struct Flags {
  AnchorSource source;
  std::string folder;
  Output output;
};

constexpr char kExportFooter[] = R"(
    trustctl repository export --server trust.example:7443 \
        --trusted-root 1.root.json public
    aws s3 sync public/tuf s3://BUCKET/tuf --exclude timestamp.json
    aws s3 cp public/tuf/timestamp.json s3://BUCKET/tuf/timestamp.json

Writes the files that any TUF client reads, verified from the trusted root:
all roots, targets and metadata under names that never change, and
timestamp.json, which is written last. Run it again after each publication,
and at least as often as the timestamp is signed again: nothing is removed, and
what is there already stays as it is. Exit code 4: the folder has a newer
timestamp, or is of another repository.
)";

int Fail(const absl::Status& status, std::string_view hint) {
  PrintError(TextOf(status), hint);
  return ExitCodeOf(status);
}

int Export(const Flags& flags) {
  const std::string untouched = "nothing was changed in " + flags.folder;
  const auto root = ReadInput(flags.source.trusted_root);
  if (!root.ok()) return Fail(root.status(), untouched);
  auto repository = flags.source.OpenRepository();
  if (!repository.ok()) return UsageError(repository.status());
  std::optional<Progress> progress("fetching from " + flags.source.server);
  const auto copy = FetchRepository(*repository->fetcher, *root, absl::Now());
  progress.reset();
  if (!copy.ok()) return Fail(copy.status(), untouched);
  const auto written = WriteRepository(*copy, flags.folder);
  if (!written.ok()) {
    return Fail(written.status(),
                "timestamp.json is as it was, so readers are "
                "not misled; run it again");
  }
  const ordered_json json = {{"folder", flags.folder},
                             {"root_version", copy->files.roots.size()},
                             {"timestamp_version", copy->timestamp_version},
                             {"snapshot_version", copy->snapshot_version},
                             {"targets_version", copy->targets_version},
                             {"written", written->written},
                             {"unchanged", written->unchanged}};
  flags.output.Print(json, {.name = "/timestamp_version"}, [&] {
    std::cout << "exported  timestamp " << copy->timestamp_version
              << "  targets " << copy->targets_version << "  root "
              << copy->files.roots.size() << " to " << flags.folder << ": "
              << written->written << " files written, " << written->unchanged
              << " unchanged\n";
  });
  return kAccepted;
}

}  // namespace

void AddRepository(CLI::App& repository, Action& action) {
  CLI::App& command = *repository.add_subcommand(
      "export", "Write the files for a bucket, a CDN or a web server");
  command.footer(kExportFooter);
  auto flags = std::make_shared<Flags>();
  flags->source.AddRepositoryTo(command);
  command.add_option("DIR", flags->folder, "folder to write tuf/ into")
      ->required();
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Export(*flags); }; });
}

}  // namespace anchorage::trustctl

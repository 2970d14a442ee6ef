#include "trustd/restore_command.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "anchors/base/proto_time.h"
#include "trustd/backup/restore.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

constexpr char kFooter[] = R"(
    trustd restore /backup/monday --why "disk 3 died" --config trustd.yaml

For a trustd that is stopped. The backup is checked first, all of it, and that
it is of the repository that data_dir, ceremony_dir and keys are of. What was
there is kept, under a name that is printed. Keys and store.head stay as they
are. The next trustd serves what the backup has and signs nothing until people
accept it: 'trustctl store accept' (trustd/INCIDENTS.md, "The store went
back"), which puts the reason on the record.
)";

RestorePlace PlaceOf(const Config& config) {
  RestorePlace place{.data_dir = config.data_dir,
                     .ceremony_dir = config.ceremony_dir,
                     .key_paths = {config.online_key_path}};
  if (config.mode == v1::TrustdConfig::MODE_ONLINE) {
    place.key_paths.push_back(config.targets_key_path);
    place.key_paths.push_back(config.root_key_path);
  }
  return place;
}

}  // namespace

CLI::App* AddRestore(CLI::App& app, RestoreFlags& flags) {
  CLI::App* restore = app.add_subcommand(
      "restore", "Put a backup in the place of the store, with trustd stopped");
  restore->footer(kFooter);
  restore->fallthrough();
  restore
      ->add_option("DIR", flags.folder,
                   "the folder that 'trustctl backup' made")
      ->required();
  restore->add_option("--why", flags.why, "why, for the record")->required();
  return restore;
}

absl::Status RunRestore(const Config& config, const RestoreFlags& flags) {
  const auto restored =
      RestoreBackup(flags.folder, PlaceOf(config), flags.why, absl::Now());
  if (!restored.ok()) return restored.status();
  const StoreHead& head = restored->head;
  std::string text = absl::StrCat(
      "restored  sequence ", head.sequences.Of(anchors::kCatalogName),
      ", timestamp ", head.timestamp_version, ", ", head.records,
      " records, as of ",
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                       anchors::TimeOf(restored->manifest.made()),
                       absl::UTCTimeZone()),
      "\n");
  if (!restored->kept.empty()) {
    absl::StrAppend(&text, "kept      ", verify::Printable(restored->kept),
                    ": what was there\n");
  }
  for (const std::string& note : restored->notes) {
    absl::StrAppend(&text, "note      ", verify::Printable(note), "\n");
  }
  absl::StrAppend(&text,
                  "next      start trustd: it serves this and signs nothing "
                  "until 'trustctl store accept'\n");
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0
             ? absl::OkStatus()
             : absl::UnavailableError("cannot write to standard output");
}

}  // namespace anchorage::trustd

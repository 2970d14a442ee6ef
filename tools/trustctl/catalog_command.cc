// trustctl catalog diff

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "anchors/catalog.h"
#include "anchors/succession.h"
#include "client/bundle_cache.h"
#include "client/disk_cache_folder.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/catalog_step.h"
#include "tools/trustctl/ceremony_text.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/repository_export.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

using anchors::Catalog;

struct Flags {
  std::string before;
  std::string after;
  std::string trusted_root;
  std::string tls_roots;
  Output output;
};

constexpr char kFooter[] = R"(
    trustctl catalog diff anchors.json next.json
    trustctl catalog diff --trusted-root 1.root.json \
        https://cdn.example/tuf/ data/proposal.json

Each is a catalog's file (- for standard input), the cache folder of a client,
or, with --trusted-root, HOST:PORT of a trustd or the URL of a tuf/ folder.
Signatures are verified of what is fetched alone.

Shows which anchors come, change and go, and whether any gate lets AFTER follow
BEFORE: trustd before it publishes, and a ceremony before it is signed, refuse
what is refused here. Exit code 4: it is refused, with the reason of each rule
that it breaks. What takes a key back into use is shown by name: it needs people
who name it (targets propose --reactivate).
)";

// Fetches what is served at `address`, verified from --trusted-root, whenever
// it has expired.
absl::StatusOr<std::string> Fetch(const Flags& flags,
                                  const std::string& address) {
  if (flags.trusted_root.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(address,
                     " is no file or folder; to fetch from there, "
                     "give --trusted-root"));
  }
  const auto root = ReadInput(flags.trusted_root);
  if (!root.ok()) return root.status();
  AnchorSource source;
  source.server = address;
  source.tls_roots = flags.tls_roots;
  const auto repository = source.OpenRepository();
  if (!repository.ok()) return repository.status();
  const Progress progress("fetching from " + address);
  auto copy =
      FetchRepository(*repository->fetcher, *root, absl::InfinitePast());
  if (!copy.ok()) return copy.status();
  return copy->files.catalog();
}

absl::StatusOr<Catalog> Read(const Flags& flags, const std::string& from) {
  std::error_code error;
  absl::StatusOr<std::string> json;
  if (std::filesystem::is_directory(from, error)) {
    client::BundleCache cache(
        client::OpenDiskCacheFolder(from, client::FolderOwner::kAny));
    const auto files = cache.LoadWithRoots();
    if (!files.ok()) return files.status();
    json = files->catalog();
  } else if (from == "-" || std::filesystem::exists(from, error)) {
    json = ReadInput(from);
  } else {
    json = Fetch(flags, from);
  }
  if (!json.ok()) return json.status();
  auto catalog = anchors::ParseCatalog(*json);
  if (catalog.ok()) return catalog;
  return absl::Status(catalog.status().code(),
                      absl::StrCat(from, ": ", catalog.status().message()));
}

int Diff(const Flags& flags) {
  const auto before = Read(flags, flags.before);
  if (!before.ok()) return Fail(before.status());
  const auto after = Read(flags, flags.after);
  if (!after.ok()) return Fail(after.status());
  const auto reactivated = anchors::FindReactivated(*before, *after);
  const auto problems =
      anchors::FindSuccessorProblems(*before, *after, reactivated);
  flags.output.Print(
      StepToJson(*before, *after, reactivated, problems),
      {.rows = "anchors",
       .columns = {{"CHANGE", "/change"},
                   {"SLOT", "/slot"},
                   {"FROM", "/from"},
                   {"TO", "/to"},
                   {"KEY", "/spki_sha256"}},
       .name = "/spki_sha256"},
      [&] {
        std::cout << TextOf(*after, &*before) << TextOf(reactivated);
        std::cout << (problems.empty() ? "LEGAL" : "REFUSED") << "  sequence "
                  << before->sequence << " -> " << after->sequence << "\n"
                  << TextOf(problems);
      });
  return ExitCodeOf(anchors::StatusOf(problems));
}

}  // namespace

void AddCatalog(CLI::App& catalog, Action& action) {
  CLI::App& diff = *catalog.add_subcommand(
      "diff", "Show what differs, and whether one may follow the other");
  diff.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  diff.add_option("before", flags->before, "the catalog that is in use")
      ->required();
  diff.add_option("after", flags->after, "the one that is to follow")
      ->required();
  diff.add_option("--trusted-root", flags->trusted_root,
                  "root.json of a server, from a channel that you trust");
  diff.add_option("--tls-roots", flags->tls_roots,
                  "PEM file of CAs for the server's TLS certificate");
  flags->output.AddTo(diff);
  diff.callback(
      [flags, &action] { action = [flags] { return Diff(*flags); }; });
}

}  // namespace anchorage::trustctl

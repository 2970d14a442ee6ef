// trustctl cache show | verify | refresh | reset

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "anchors/baked/baked.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/tuf/trusted_set.h"
#include "client/bundle_cache.h"
#include "client/cached_bundle.h"
#include "client/disk_cache_folder.h"
#include "client/ladder.h"
#include "client/trust_client.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/verdict_output.h"

namespace anchorage::trustctl {
namespace {

namespace fs = std::filesystem;
using client::BundleCache;
using nlohmann::ordered_json;

struct Flags {
  std::string folder;
  // With which server; for "verify" its trusted root alone.
  AnchorSource source;
  bool forget_revocations = false;
  Output output;
};

absl::Status RequireFolder(const std::string& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return absl::OkStatus();
  return absl::NotFoundError(folder + " is no folder");
}

// Of whomever it is: what it holds is only shown.
BundleCache OpenToShow(const std::string& folder) {
  return BundleCache(
      client::OpenDiskCacheFolder(folder, client::FolderOwner::kAny));
}

ordered_json ToJson(const client::Memory& memory) {
  ordered_json json;
  json["root_version"] = memory.root_version;
  json["adopted"] = Rfc3339(memory.adopted);
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    json[std::string(kind.name) + "_floor"] = memory.floor.Of(kind.name);
  }
  ordered_json anchors = ordered_json::array();
  for (const auto& anchor : memory.revoked.anchors) {
    anchors.push_back(
        absl::StrCat(ToString(anchor.slot), " ", anchor.spki_sha256));
  }
  json["revoked_anchors"] = std::move(anchors);
  ordered_json releases = ordered_json::array();
  for (const auto& release : memory.revoked.releases) {
    releases.push_back(absl::StrCat(release.product, " ", release.name));
  }
  json["revoked_releases"] = std::move(releases);
  return json;
}

void Print(const client::Memory& memory) {
  std::cout << "root      " << memory.root_version << "\n"
            << "adopted   " << Rfc3339(memory.adopted) << "\n"
            << "floor     ";
  const char* separator = "";
  for (const anchors::TargetKind& kind : anchors::TargetKinds()) {
    std::cout << separator << kind.name << " " << memory.floor.Of(kind.name);
    separator = ", ";
  }
  std::cout << "\n";
  for (const auto& anchor : memory.revoked.anchors) {
    std::cout << "refused   " << ToString(anchor.slot) << "  "
              << anchor.spki_sha256 << "\n";
  }
  for (const auto& release : memory.revoked.releases) {
    std::cout << "refused   release " << release.product << " " << release.name
              << "\n";
  }
}

// What lies there, as it says of itself.
int Show(const Flags& flags) {
  if (absl::Status s = RequireFolder(flags.folder); !s.ok()) return Fail(s);
  BundleCache cache = OpenToShow(flags.folder);
  const auto files = cache.LoadBundle();
  const auto memory = cache.LoadMemory();
  const auto catalog =
      anchors::ParseCatalog(files.ok() ? files->catalog() : "");
  ordered_json json;
  json["verified"] = false;
  if (catalog.ok()) json["sequence"] = catalog->sequence;
  if (memory.ok()) json["memory"] = ToJson(*memory);
  flags.output.Print(json, {.name = "/sequence"}, [&] {
    if (files.ok()) {
      std::cout << "bundle    ";
      if (catalog.ok()) std::cout << "sequence " << catalog->sequence << ", ";
      std::cout << "catalog of " << files->catalog().size() << " bytes\n";
    }
    if (memory.ok()) Print(*memory);
  });
  for (const absl::Status& status : {files.status(), memory.status()}) {
    if (!status.ok()) PrintWarning(TextOf(status));
  }
  PrintWarning("nothing of this was verified (run: trustctl cache verify)");
  return files.ok() && memory.ok() ? kAccepted : kUnreadable;
}

// What a client would make of it.
int Verify(const Flags& flags) {
  if (absl::Status s = RequireFolder(flags.folder); !s.ok()) return Fail(s);
  const auto root = ReadInput(flags.source.trusted_root);
  if (!root.ok()) return UsageError(root.status());
  const auto trusted =
      anchors::tuf::TrustedSet::FromRoot(*root, absl::InfinitePast());
  if (!trusted.ok()) return UsageError(trusted.status());
  const absl::Time now = absl::Now();
  BundleCache cache = OpenToShow(flags.folder);
  const client::CachedBundle cached =
      client::OpenCache(*root, anchors::DefaultBakedBundle().as_of, cache, now);
  if (cached.empty) return Fail(absl::NotFoundError("the cache is empty"));
  if (!cached.status.ok()) {
    return Fail(cached.status,
                "the next refresh mends it; until then a client "
                "has what it was built with");
  }
  const verify::AnchorProvenance& provenance =
      cached.bundle->anchors->provenance();
  const verify::Freshness freshness = client::FreshnessOf(
      provenance, client::TrustClientOptions().max_stale, now);
  ordered_json json = ToJson(
      Anchors{cached.bundle->anchors, freshness, cached.bundle->release_list});
  json["memory"] = ToJson(cached.memory);
  flags.output.Print(json, {.name = "/sequence"}, [&] {
    std::cout << "usable    sequence " << provenance.sequence << "  "
              << NameOf(freshness) << ", fresh until "
              << Rfc3339(provenance.fresh_until) << "\n";
    Print(cached.memory);
  });
  return kAccepted;
}

// As a client in any product does: it begins with what is there, and leaves it
// if nothing better verifies.
int Refresh(const Flags& flags) {
  AnchorSource source = flags.source;
  source.cache = flags.folder;
  const auto client = source.MakeClient();
  if (!client.ok()) return UsageError(client.status());
  const client::TrustClientState before = (*client)->state();
  const absl::Status refreshed = RefreshFrom(source.server, **client);
  const client::TrustClientState now = (*client)->state();
  if (!refreshed.ok()) {
    if (!now.cache.ok()) PrintWarning(TextOf(now.cache));
    PrintError(absl::StrCat("no new bundle from ", now.servers->front().name,
                            ": ", TextOf(refreshed)),
               "the last verified set stays in use");
    return ExitCodeOf(refreshed);
  }
  if (!now.cache.ok()) {
    PrintError(TextOf(now.cache), "the folder does not have what is newest");
    // Another program writes: the next time will do.
    return absl::IsAborted(now.cache) ? kUndecided : kUsage;
  }
  if (!before.cache.ok()) PrintWarning(TextOf(before.cache));
  const verify::AnchorProvenance& had = before.provenance;
  const verify::AnchorProvenance& has = now.provenance;
  const bool is_new = had.origin != verify::Origin::kCache ||
                      had.sequence != has.sequence ||
                      had.fresh_until != has.fresh_until;
  ordered_json json;
  json["folder"] = flags.folder;
  json["new"] = is_new;
  json["sequence"] = has.sequence;
  json["freshness"] = NameOf(now.freshness);
  json["fresh_until"] = Rfc3339(has.fresh_until);
  flags.output.Print(json, {.name = "/sequence"}, [&] {
    std::cout << (is_new ? "refreshed" : "unchanged") << "  sequence "
              << has.sequence << "  " << NameOf(now.freshness)
              << ", fresh until " << Rfc3339(has.fresh_until) << "  in "
              << flags.folder << "\n";
  });
  return kAccepted;
}

// Empties the folder but for what stays refused.
int Reset(const Flags& flags) {
  if (absl::Status s = RequireFolder(flags.folder); !s.ok()) return Fail(s);
  BundleCache cache(client::OpenDiskCacheFolder(flags.folder));
  bool is_lost = false;
  const auto removed =
      cache.Clear([&]() -> absl::StatusOr<std::optional<client::Memory>> {
        if (flags.forget_revocations) return std::nullopt;
        const auto memory = cache.LoadMemory();
        const auto files = cache.LoadBundle();
        is_lost = !memory.ok() && !files.ok() && cache.is_marked();
        if (is_lost) return memory.status();
        client::Memory kept;
        if (memory.ok()) kept.revoked = memory->revoked;
        if (files.ok()) Merge(client::ClaimedRevoked(*files), kept.revoked);
        if (kept.revoked.empty()) return std::nullopt;
        return kept;
      });
  if (!removed.ok()) {
    return Fail(removed.status(),
                is_lost ? "what was revoked cannot be kept: "
                          "--forget-revocations empties the folder all the same"
                        : "");
  }
  ordered_json json = {{"removed", ordered_json::array()}};
  for (const std::string& name : *removed) {
    json["removed"].push_back(name);
  }
  flags.output.Print(json, {.rows = "removed"}, [&] {
    std::cout << "reset     " << removed->size() << " files removed from "
              << flags.folder << "\n";
  });
  return kAccepted;
}

constexpr char kShowFooter[] = R"(
    trustctl cache show /var/cache/product/anchors

Shows what the folder says of itself, verified or not. Exit code 2: something
in it cannot be read.
)";

constexpr char kVerifyFooter[] = R"(
    trustctl cache verify /var/cache/product/anchors --trusted-root 1.root.json

Shows whether a program with that root would start from the folder, how fresh
its bundle is, and what stays refused. Changes nothing. Exit code 3 or 4: what
is there is not signed by the keys of now, or older, or others can write it; 2:
it is damaged.
)";

constexpr char kRefreshFooter[] = R"(
    trustctl cache refresh /var/cache/product/anchors \
        --server https://trust.example/tuf/ --trusted-root 1.root.json

For products in shell, which verify with --cache, and for those that have no
network: asks the server once, and writes what is newer and verifies. Any number
of programs may use the folder meanwhile; it is made with mode 0755 if it is not
there. anchorage-cache@.timer does this every hour.

Exit code 0: refreshed, or there was nothing new; 1: the folder cannot be
written, or others can write it; 3 or 4: what the server sent was refused; 6:
the server could not be asked, or another program was writing. The last verified
set stays in the folder.
)";

constexpr char kResetFooter[] = R"(
    trustctl cache reset /var/cache/product/anchors

Removes what a client kept there, for one that cannot go on from it. What was
revoked stays refused, unless --forget-revocations says otherwise. Stop the
programs first: one that runs writes again what it knows.
)";

std::shared_ptr<Flags> AddFolderCommand(
    CLI::App& cache, Action& action, const char* name, const char* description,
    const char* footer, int (*run)(const Flags&), CLI::App*& command) {
  command = cache.add_subcommand(name, description);
  command->footer(footer);
  auto flags = std::make_shared<Flags>();
  command->add_option("folder", flags->folder, "the client's cache folder")
      ->required();
  flags->output.AddTo(*command);
  command->callback(
      [flags, run, &action] { action = [flags, run] { return run(*flags); }; });
  return flags;
}

}  // namespace

void AddCache(CLI::App& cache, Action& action) {
  CLI::App* command = nullptr;
  AddFolderCommand(cache, action, "show", "Show what the folder says of itself",
                   kShowFooter, &Show, command);
  auto flags =
      AddFolderCommand(cache, action, "verify", "Verify it as a client would",
                       kVerifyFooter, &Verify, command);
  command
      ->add_option("--trusted-root", flags->source.trusted_root,
                   "root.json that the program trusts")
      ->required()
      ->envname("ANCHORAGE_TRUSTED_ROOT");
  flags = AddFolderCommand(cache, action, "refresh",
                           "Ask a server, and keep what verifies",
                           kRefreshFooter, &Refresh, command);
  flags->source.AddRepositoryTo(*command);
  flags =
      AddFolderCommand(cache, action, "reset", "Empty it, but for revocations",
                       kResetFooter, &Reset, command);
  command->add_flag("--forget-revocations", flags->forget_revocations,
                    "also forget what was revoked");
}

}  // namespace anchorage::trustctl

// trustctl bundle show | fetch

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/trust_client.h"
#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/time_output.h"
#include "tools/trustctl/verdict_output.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

struct Flags {
  AnchorSource source;
  Output output;
};

ordered_json ToJson(const client::TrustClient& client) {
  const client::TrustClientState state = client.state();
  ordered_json json =
      ToJson(Anchors{client.anchors(), state.freshness, client.release_list()});
  json["anchors"] = state.anchors;
  json["regions"] = state.regions;
  json["releases"] = state.releases;
  return json;
}

void PrintLine(std::string_view label, const client::TrustClient& client) {
  const client::TrustClientState state = client.state();
  std::cout << label << "  origin " << NameOf(state.provenance.origin)
            << "  sequence " << state.provenance.sequence << "  "
            << NameOf(state.freshness) << "  " << state.anchors
            << " anchors in " << state.regions << " regions";
  if (state.releases > 0) std::cout << ", " << state.releases << " releases";
  if (state.freshness != verify::Freshness::kBakedIn &&
      IsFinite(state.provenance.fresh_until)) {
    std::cout << ", fresh until " << Rfc3339(state.provenance.fresh_until);
  } else if (IsFinite(state.provenance.as_of)) {
    std::cout << ", as of " << Rfc3339(state.provenance.as_of);
  }
  std::cout << "\n";
}

int Show(const Flags& flags) {
  const auto client = flags.source.MakeClient();
  if (!client.ok()) {
    PrintError(TextOf(client.status()));
    return kUsage;
  }
  ordered_json json;
  json["first"] = ToJson(**client);
  if (flags.output.is_text()) PrintLine("first", **client);
  absl::Status refreshed;
  if (!flags.source.server.empty()) {
    refreshed = RefreshFrom(flags.source.server, **client);
    if (flags.output.is_text()) PrintLine("now  ", **client);
  }
  json["now"] = ToJson(**client);
  flags.output.Print(json, {.name = "/now/sequence"}, [] {});
  const client::TrustClientState state = (*client)->state();
  if (!state.cache.ok()) PrintWarning(TextOf(state.cache));
  if (!refreshed.ok()) {
    PrintError(absl::StrCat("no new bundle from ", state.servers->front().name,
                            ": ", TextOf(refreshed)),
               "the last verified set stays in use");
    return ExitCodeOf(refreshed);
  }
  return kAccepted;
}

// Fetches through the same client as everything else, with the folder as its
// cache: what is there afterwards has been verified.
int Fetch(Flags flags, const std::string& folder) {
  flags.source.cache = folder;
  const auto client = flags.source.MakeClient();
  if (!client.ok()) {
    PrintError(TextOf(client.status()));
    return kUsage;
  }
  const absl::Status refreshed = RefreshFrom(flags.source.server, **client);
  if (!refreshed.ok()) {
    PrintError(TextOf(refreshed), "nothing was changed in " + folder);
    return ExitCodeOf(refreshed);
  }
  const client::TrustClientState state = (*client)->state();
  if (!state.cache.ok()) {
    PrintError(TextOf(state.cache));
    return kUsage;
  }
  ordered_json json = ToJson(**client);
  json["folder"] = folder;
  flags.output.Print(json, {.name = "/sequence"}, [&] {
    std::cout << "fetched  sequence " << state.provenance.sequence << "  "
              << state.anchors << " anchors in " << state.regions
              << " regions to " << folder << "\n";
  });
  return kAccepted;
}

constexpr char kShowFooter[] = R"(
    trustctl bundle show
    trustctl bundle show --server 127.0.0.1:7443 --trusted-root 1.root.json

"first" is what a program has before it has asked anybody, "now" what it has
after asking. Exit code 6: the server could not be asked; 3 or 4: what it sent
was refused.
)";

constexpr char kFetchFooter[] = R"(
    trustctl bundle fetch --server trust.example:7443 \
        --trusted-root 1.root.json --out anchors.d

Writes the bundle's files, each verified before it is written. The folder can
be given to --cache, here or on a machine without a network.
)";

}  // namespace

void AddBundle(CLI::App& bundle, Action& action) {
  CLI::App& show = *bundle.add_subcommand(
      "show", "Show which set of anchors a program would use");
  show.footer(kShowFooter);
  auto show_flags = std::make_shared<Flags>();
  show_flags->source.AddTo(show);
  show_flags->output.AddWatchedTo(show);
  show.callback([show_flags, &action] {
    action = [show_flags] { return Show(*show_flags); };
  });

  CLI::App& fetch = *bundle.add_subcommand(
      "fetch", "Fetch a bundle, verify it and write its files");
  fetch.footer(kFetchFooter);
  auto fetch_flags = std::make_shared<Flags>();
  auto folder = std::make_shared<std::string>();
  fetch_flags->source.AddRepositoryTo(fetch);
  fetch.add_option("--out", *folder, "folder to write to")->required();
  fetch_flags->output.AddTo(fetch);
  fetch.callback([fetch_flags, folder, &action] {
    action = [fetch_flags, folder] { return Fetch(*fetch_flags, *folder); };
  });
}

}  // namespace anchorage::trustctl

// trustctl anchors list

#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/trustctl/anchor_source.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/time_output.h"
#include "tools/trustctl/verdict_output.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

constexpr char kFooter[] = R"(
    trustctl anchors list --region eu-west-1
    trustctl anchors list --kind nitro-root --output json
)";

// How much of a hash is enough to tell keys apart at a glance.
constexpr std::size_t kShortHash = 16;

struct Flags {
  std::string partition;
  std::string region;
  std::string kind;
  std::string status;
  AnchorSource source;
  Output output;

  bool Passes(const verify::Anchor& anchor) const {
    return (partition.empty() || partition == anchor.slot().partition) &&
           (region.empty() || region == anchor.slot().region) &&
           (kind.empty() || kind == NameOf(anchor.slot().kind)) &&
           (status.empty() || status == NameOf(anchor.status()));
  }
};

// What has no limit is left out.
ordered_json ToJson(const verify::Anchor& anchor) {
  ordered_json json = {{"partition", anchor.slot().partition},
                       {"region", anchor.slot().region},
                       {"kind", NameOf(anchor.slot().kind)},
                       {"status", NameOf(anchor.status())},
                       {"spki_sha256", anchor.spki_sha256()}};
  AddTime(json, "valid_from", anchor.valid_from());
  AddTime(json, "valid_until", anchor.valid_until());
  AddTime(json, "accept_until", anchor.accept_until());
  json["certificates"] = anchor.certificates_der().size();
  return json;
}

void PrintLine(const verify::Anchor& anchor) {
  std::cout << std::left << std::setw(12) << anchor.slot().partition
            << std::setw(16)
            << (anchor.slot().region.empty() ? "-" : anchor.slot().region)
            << std::setw(13) << NameOf(anchor.slot().kind) << std::setw(10)
            << NameOf(anchor.status())
            << anchor.spki_sha256().substr(0, kShortHash) << "  "
            << anchor.certificates_der().size() << " certificate"
            << (anchor.certificates_der().size() == 1 ? "" : "s");
  const std::pair<const char*, absl::Time> limits[] = {
      {"made from", anchor.valid_from()},
      {"made until", anchor.valid_until()},
      {"accepted until", anchor.accept_until()}};
  for (const auto& [label, time] : limits) {
    if (IsFinite(time)) std::cout << ", " << label << " " << Rfc3339(time);
  }
  std::cout << "\n";
}

int List(const Flags& flags) {
  const auto anchors = flags.source.Load({});
  if (!anchors.ok()) {
    PrintError(TextOf(anchors.status()));
    return ExitCodeOf(anchors.status());
  }
  ordered_json json = {{"anchors", ordered_json::array()},
                       {"source", ToJson(*anchors)}};
  std::vector<const verify::Anchor*> passing;
  for (const verify::Anchor& anchor : anchors->set->anchors()) {
    if (!flags.Passes(anchor)) continue;
    passing.push_back(&anchor);
    json["anchors"].push_back(ToJson(anchor));
  }
  flags.output.Print(json,
                     {.rows = "anchors",
                      .columns = {{"PARTITION", "/partition"},
                                  {"REGION", "/region"},
                                  {"KIND", "/kind"},
                                  {"STATUS", "/status"},
                                  {"MADE UNTIL", "/valid_until"},
                                  {"ACCEPTED UNTIL", "/accept_until"},
                                  {"KEY", "/spki_sha256"}},
                      .name = "/spki_sha256"},
                     [&] {
                       for (const auto* anchor : passing) PrintLine(*anchor);
                       std::cout << passing.size() << " anchors\n";
                     });
  return kAccepted;
}

}  // namespace

void AddAnchors(CLI::App& anchors, Action& action) {
  CLI::App& list = *anchors.add_subcommand("list", "List the anchors");
  list.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  list.add_option("--partition", flags->partition, "only this partition");
  list.add_option("--region", flags->region, "only this region");
  list.add_option("--kind", flags->kind, "only this kind")
      ->transform(OneOf(AnchorKindNames(), "ANCHOR_KIND_"));
  list.add_option("--status", flags->status, "only this status")
      ->transform(
          OneOf({"ANNOUNCED", "ACTIVE", "RETIRING", "RETIRED", "REVOKED"},
                "ANCHOR_STATUS_"));
  flags->source.AddTo(list);
  flags->output.AddWatchedTo(list);
  list.callback(
      [flags, &action] { action = [flags] { return List(*flags); }; });
  AddAnchorsExport(anchors, action);
}

}  // namespace anchorage::trustctl

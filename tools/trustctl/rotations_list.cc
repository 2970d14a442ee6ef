// trustctl rotations list

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <vector>

#include "absl/strings/str_split.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/rotations.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;

constexpr int kMostOfAPage = 200;

struct Flags {
  SlotFlags slot;
  std::vector<std::string> classes;
  std::vector<std::string> states;
  bool open = false;
  std::string from;
  std::string until;
  int limit = 50;
  AdminSource source;
  Output output;
};

int Agreeing(const v1::Rotation& rotation) {
  const auto& sources = rotation.sources();
  return static_cast<int>(
      std::count_if(sources.begin(), sources.end(), [](const auto& source) {
        return source.stance() == v1::SourceStance::STANCE_AGREES;
      }));
}

absl::Status SetTimes(const Flags& flags, v1::ListRotationsRequest& request) {
  const auto from = ParseOptionalTime(flags.from);
  if (!from.ok()) return from.status();
  const auto until = ParseOptionalTime(flags.until);
  if (!until.ok()) return until.status();
  if (from->has_value()) {
    anchors::SetTime(**from, *request.mutable_from_time());
  }
  if (until->has_value()) {
    anchors::SetTime(**until, *request.mutable_until_time());
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ListRotationsRequest> ReadFilter(const Flags& flags) {
  v1::ListRotationsRequest request;
  request.set_partition(flags.slot.partition);
  request.set_region(flags.slot.region);
  request.set_kind(flags.slot.proto_kind());
  // The names were checked.
  for (const std::string& name : flags.classes) {
    v1::RotationClass value = v1::ROTATION_CLASS_UNSPECIFIED;
    v1::RotationClass_Parse("ROTATION_CLASS_" + name, &value);
    request.add_classes(value);
  }
  for (const std::string& name : flags.states) {
    v1::RotationState value = v1::ROTATION_STATE_UNSPECIFIED;
    v1::RotationState_Parse("ROTATION_STATE_" + name, &value);
    request.add_states(value);
  }
  if (flags.open) {
    request.add_states(v1::ROTATION_STATE_DETECTED);
    request.add_states(v1::ROTATION_STATE_CORROBORATED);
    request.add_states(v1::ROTATION_STATE_APPROVED);
  }
  if (absl::Status s = SetTimes(flags, request); !s.ok()) return s;
  return request;
}

// Up to `limit` rotations, a page after another.
absl::StatusOr<v1::ListRotationsResponse> ReadPages(
    const AdminChannel& channel, v1::ListRotationsRequest request, int limit) {
  v1::ListRotationsResponse all;
  do {
    request.set_page_size(std::min(limit - all.rotations_size(), kMostOfAPage));
    auto page = CallAdmin<v1::AuditService>(
        channel, &v1::AuditService::Stub::ListRotations, request);
    if (!page.ok()) return page.status();
    request.set_page_token(page->next_page_token());
    all.MergeFrom(*page);
  } while (!request.page_token().empty() && all.rotations_size() < limit);
  return all;
}

ordered_json FactsOf(const v1::ListRotationsResponse& all) {
  ordered_json facts = {{"rotations", ordered_json::array()},
                        {"total_size", all.total_size()}};
  for (const v1::Rotation& rotation : all.rotations()) {
    ordered_json row = ToJson(rotation);
    row["subject"] = SubjectOf(rotation);
    row["agreeing_sources"] = Agreeing(rotation);
    row["proofs"] = rotation.live_proofs_size();
    facts["rotations"].push_back(std::move(row));
  }
  return facts;
}

const Shape& ShapeOfRotations() {
  static const auto* const shape =
      new Shape{.rows = "rotations",
                .columns = {{"ID", "/id"},
                            {"CLASS", "/rotation_class"},
                            {"STATE", "/state"},
                            {"SUBJECT", "/subject"},
                            {"SEEN", "/detected_time"},
                            {"SOURCES", "/agreeing_sources"},
                            {"PROOFS", "/proofs"}},
                .name = "/id"};
  return *shape;
}

int List(const Flags& flags) {
  const auto request = ReadFilter(flags);
  if (!request.ok()) return UsageError(request.status());
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto all = ReadPages(*channel, *request, flags.limit);
  if (!all.ok()) return Fail(all.status());
  const ordered_json facts = FactsOf(*all);
  flags.output.Print(facts, ShapeOfRotations(), [&] {
    std::cout << TextOfRotations(facts, {.headers = all->rotations_size() > 0,
                                         .width = WidthOfOutput(),
                                         .colour = MayColour(STDOUT_FILENO)})
              << all->rotations_size() << " of " << all->total_size()
              << " rotations, times in UTC\n";
  });
  return kAccepted;
}

constexpr char kFooter[] = R"(
    trustctl rotations list --open
    trustctl rotations list --class RE_KEY --region us-east-1 --output json
)";

// Whether every line of the table fits.
bool Fits(const ordered_json& facts, const Shape& shape, int width) {
  for (const absl::string_view line :
       absl::StrSplit(TextOfTable(facts, shape, {}), '\n')) {
    if (line.size() > static_cast<std::size_t>(width)) return false;
  }
  return true;
}

}  // namespace

std::string TextOfRotations(const ordered_json& facts,
                            const TableLayout& layout) {
  if (layout.width <= 0 || Fits(facts, ShapeOfRotations(), layout.width)) {
    return TextOfTable(facts, ShapeOfRotations(), layout);
  }
  ordered_json brief = facts;
  for (ordered_json& row : brief["rotations"]) {
    const auto seen = ParseRfc3339(row.value("detected_time", ""));
    if (!seen.ok()) continue;
    row["detected_time"] =
        absl::FormatTime("%m-%d %H:%M", *seen, absl::UTCTimeZone());
  }
  Shape shape = ShapeOfRotations();
  if (!Fits(brief, shape, layout.width)) shape.columns.resize(5);
  return TextOfTable(brief, shape, layout);
}

void AddRotationsList(CLI::App& rotations, Action& action) {
  CLI::App& command = *rotations.add_subcommand(
      "list", "List what differs, or differed, from what is pinned");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  flags->slot.AddTo(command, false);
  const auto& classes = *v1::RotationClass_descriptor();
  command
      .add_option("--class", flags->classes,
                  "only this class, such as RE_KEY (repeatable)")
      ->allow_extra_args(false)
      ->transform(OneOf(NamesOf(classes), PrefixOf(classes)));
  const auto& states = *v1::RotationState_descriptor();
  auto* state = command
                    .add_option("--state", flags->states,
                                "only this state, such as DETECTED "
                                "(repeatable)")
                    ->allow_extra_args(false)
                    ->transform(OneOf(NamesOf(states), PrefixOf(states)));
  command.add_flag("--open", flags->open, "only what is not at its end")
      ->excludes(state);
  command.add_option("--from", flags->from, "first seen then or later");
  command.add_option("--until", flags->until, "first seen before");
  command.add_option("--limit", flags->limit, "the newest so many")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  flags->source.AddTo(command);
  flags->output.AddWatchedTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return List(*flags); }; });
}

}  // namespace anchorage::trustctl

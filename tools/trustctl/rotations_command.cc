// trustctl rotations list | show | approve | reject | hold

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/admin_connection.h"
#include "tools/trustctl/command.h"
#include "tools/trustctl/commands.h"

namespace anchorage::trustctl {
namespace {

using nlohmann::ordered_json;
using Channel = AdminChannel;

constexpr int kMostOfAPage = 200;

std::string ClassOf(const v1::Rotation& rotation) {
  return WithoutPrefix(v1::RotationClass_Name(rotation.rotation_class()),
                       "ROTATION_CLASS_");
}

std::string StateOf(const v1::Rotation& rotation) {
  return WithoutPrefix(v1::RotationState_Name(rotation.state()),
                       "ROTATION_STATE_");
}

std::string Time(const google::protobuf::Timestamp& time) {
  return Rfc3339(anchors::TimeOf(time));
}

// The slot, or of an anomaly of a source as a whole the source.
std::string SubjectOf(const v1::Rotation& rotation) {
  return rotation.slot().partition().empty() ? Printable(rotation.source())
                                             : TextOf(rotation.slot());
}

int Agreeing(const v1::Rotation& rotation) {
  const auto& sources = rotation.sources();
  return static_cast<int>(
      std::count_if(sources.begin(), sources.end(), [](const auto& source) {
        return source.stance() == v1::SourceStance::STANCE_AGREES;
      }));
}

// --- list --------------------------------------------------------------------

struct ListFlags {
  SlotFlags slot;
  std::vector<std::string> classes;
  std::vector<std::string> states;
  bool open = false;
  std::string from;
  std::string until;
  int limit = 50;
  AdminSource source;
  OutputOption output;
};

absl::Status SetTimes(const ListFlags& flags,
                      v1::ListRotationsRequest& request) {
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

absl::StatusOr<v1::ListRotationsRequest> ReadFilter(const ListFlags& flags) {
  v1::ListRotationsRequest request;
  request.set_partition(flags.slot.partition);
  request.set_region(flags.slot.region);
  request.set_kind(flags.slot.proto_kind());
  for (const std::string& name : flags.classes) {
    v1::RotationClass value;
    if (!v1::RotationClass_Parse("ROTATION_CLASS_" + name, &value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "' is not a class, such as RE_KEY"));
    }
    request.add_classes(value);
  }
  for (const std::string& name : flags.states) {
    v1::RotationState value;
    if (!v1::RotationState_Parse("ROTATION_STATE_" + name, &value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", name, "' is not a state, such as DETECTED"));
    }
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
    const Channel& channel, v1::ListRotationsRequest request, int limit) {
  v1::ListRotationsResponse all;
  do {
    request.set_page_size(std::min(limit - all.rotations_size(), kMostOfAPage));
    auto page = CallAdmin<v1::AuditService>(
        channel, &v1::AuditService::Stub::ListRotations, request);
    if (!page.ok()) return page.status();
    request.set_page_token(page->next_page_token());
    all.MergeFrom(*page);
  } while (!request.page_token().empty() && all.rotations_size() < limit);
  all.set_next_page_token(request.page_token());
  return all;
}

void PrintLine(const v1::Rotation& rotation) {
  std::cout << std::right << std::setw(5) << rotation.id() << "  " << std::left
            << std::setw(16) << ClassOf(rotation) << "  " << std::setw(12)
            << StateOf(rotation) << "  " << std::setw(34) << SubjectOf(rotation)
            << "  " << Time(rotation.detected_time()) << "  sources "
            << Agreeing(rotation) << "  proofs " << rotation.live_proofs_size()
            << "\n";
}

int List(const ListFlags& flags) {
  const auto request = ReadFilter(flags);
  if (!request.ok()) return UsageError(request.status());
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto all = ReadPages(*channel, *request, flags.limit);
  if (!all.ok()) return Fail(all.status());
  if (flags.output.json()) {
    ordered_json json = {{"rotations", ordered_json::array()},
                         {"total_size", all->total_size()}};
    for (const auto& rotation : all->rotations()) {
      json["rotations"].push_back(ToJson(rotation));
    }
    std::cout << json.dump(2) << "\n";
    return kAccepted;
  }
  for (const auto& rotation : all->rotations()) PrintLine(rotation);
  std::cout << all->rotations_size() << " of " << all->total_size()
            << " rotations\n";
  return kAccepted;
}

// --- show --------------------------------------------------------------------

struct ShowFlags {
  std::uint64_t id = 0;
  AdminSource source;
  OutputOption output;
};

absl::StatusOr<v1::Rotation> Get(const Channel& channel, std::uint64_t id) {
  v1::GetRotationRequest request;
  request.set_id(id);
  auto response = CallAdmin<v1::AuditService>(
      channel, &v1::AuditService::Stub::GetRotation, request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_rotation());
}

void PrintEvidence(const v1::Rotation& rotation, std::ostream& out) {
  for (const auto& source : rotation.sources()) {
    out << "source    " << Printable(source.source()) << "  "
        << WithoutPrefix(v1::SourceStance::Stance_Name(source.stance()),
                         "STANCE_")
        << " since " << Time(source.since_time()) << "\n";
    for (const std::string& why : source.held_by()) {
      out << "  held by " << Printable(why) << "\n";
    }
  }
  for (const auto& proof : rotation.live_proofs()) {
    out << "proof     " << Printable(proof.instance_id()) << " by "
        << Printable(proof.submitter()) << " at "
        << Time(proof.received_time());
    if (!proof.signer_serial().empty()) {
      out << "  serial " << Printable(proof.signer_serial());
    }
    out << "\n";
  }
  for (const auto& decision : rotation.decisions()) {
    out << "decision  "
        << WithoutPrefix(v1::Decision::Kind_Name(decision.kind()), "KIND_")
        << " by " << Printable(decision.by()) << " at " << Time(decision.time())
        << ": " << Printable(decision.why()) << "\n";
  }
}

void Print(const v1::Rotation& rotation, std::ostream& out) {
  out << "rotation  " << rotation.id() << "  " << ClassOf(rotation) << "  "
      << SubjectOf(rotation) << "\n"
      << "state     " << StateOf(rotation) << ": "
      << Printable(rotation.reason()) << "\n"
      << "seen      " << Time(rotation.detected_time()) << " by "
      << Printable(rotation.source()) << "  " << Printable(rotation.location())
      << "\n"
      << "change    " << Printable(rotation.change_id()) << "\n";
  if (!rotation.effect_sha256().empty()) {
    out << "effect    " << Printable(rotation.effect_sha256()) << "\n";
  }
  if (rotation.published_sequence() != 0) {
    out << "published in sequence " << rotation.published_sequence() << "\n";
  }
  PrintEvidence(rotation, out);
  for (const std::string& note : rotation.notes()) {
    out << "note      " << Printable(note) << "\n";
  }
  if (!rotation.diff().empty()) out << PrintableLines(rotation.diff(), "  ");
}

int PrintAnswer(const v1::Rotation& rotation, const OutputOption& output) {
  if (output.json()) {
    std::cout << ToJson(rotation).dump(2) << "\n";
  } else {
    Print(rotation, std::cout);
  }
  return kAccepted;
}

int Show(const ShowFlags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto rotation = Get(*channel, flags.id);
  if (!rotation.ok()) return Fail(rotation.status());
  return PrintAnswer(*rotation, flags.output);
}

// --- approve, reject, hold ---------------------------------------------------

struct DecideFlags {
  v1::Decision::Kind kind = v1::Decision::KIND_UNSPECIFIED;
  std::uint64_t id = 0;
  std::string why;
  std::string change;
  std::string effect;
  bool yes = false;
  AdminSource source;
  OutputOption output;
};

// Shows what is about to be approved and asks; puts what was looked at into
// the request.
absl::Status LookAndConfirm(const Channel& channel, const DecideFlags& flags,
                            v1::DecideRotationRequest& request) {
  const auto rotation = Get(channel, flags.id);
  if (!rotation.ok()) return rotation.status();
  if (request.change_id().empty()) {
    request.set_change_id(rotation->change_id());
  }
  if (request.effect_sha256().empty()) {
    request.set_effect_sha256(rotation->effect_sha256());
  }
  Print(*rotation, std::cerr);
  return Confirm("Approve this?", flags.yes);
}

int Decide(const DecideFlags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  v1::DecideRotationRequest request;
  request.set_id(flags.id);
  request.set_kind(flags.kind);
  request.set_why(flags.why);
  request.set_change_id(flags.change);
  request.set_effect_sha256(flags.effect);
  if (flags.kind == v1::Decision::KIND_APPROVE) {
    if (absl::Status s = LookAndConfirm(*channel, flags, request); !s.ok()) {
      return Fail(s);
    }
  }
  const auto response = CallAdmin<v1::AdminService>(
      *channel, &v1::AdminService::Stub::DecideRotation, request);
  if (!response.ok()) return Fail(response.status());
  if (flags.output.json()) {
    return PrintAnswer(response->rotation(), flags.output);
  }
  std::cout << "rotation " << flags.id << " is "
            << StateOf(response->rotation()) << ": "
            << Printable(response->rotation().reason()) << "\n";
  return kAccepted;
}

// --- Flags -------------------------------------------------------------------

constexpr char kFooter[] = R"(
    trustctl rotations list --open --server trustd:7444 \
        --client-cert alice.pem --client-key alice.key
    trustctl rotations approve 17 --why "AWS support case 1234" --server ...
)";

void AddList(CLI::App& rotations, Action& action) {
  CLI::App& command = *rotations.add_subcommand(
      "list", "List what differs, or differed, from what is pinned");
  command.footer(kFooter);
  auto flags = std::make_shared<ListFlags>();
  flags->slot.AddTo(command, false);
  command
      .add_option("--class", flags->classes,
                  "only this class, such as RE_KEY (repeatable)")
      ->allow_extra_args(false);
  auto* state = command
                    .add_option("--state", flags->states,
                                "only this state, such as DETECTED "
                                "(repeatable)")
                    ->allow_extra_args(false);
  command.add_flag("--open", flags->open, "only what is not at its end")
      ->excludes(state);
  command.add_option("--from", flags->from, "first seen then or later");
  command.add_option("--until", flags->until, "first seen before");
  command.add_option("--limit", flags->limit, "the newest so many")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  flags->source.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return List(*flags); }; });
}

void AddShow(CLI::App& rotations, Action& action) {
  CLI::App& command = *rotations.add_subcommand(
      "show", "Show one with its evidence and decisions");
  auto flags = std::make_shared<ShowFlags>();
  command.add_option("id", flags->id, "its number")->required();
  flags->source.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Show(*flags); }; });
}

void AddDecision(CLI::App& rotations, Action& action, const std::string& name,
                 const std::string& help, v1::Decision::Kind kind) {
  CLI::App& command = *rotations.add_subcommand(name, help);
  command.footer(kFooter);
  auto flags = std::make_shared<DecideFlags>();
  flags->kind = kind;
  command.add_option("id", flags->id, "its number")->required();
  command.add_option("--why", flags->why, "why, for the record")->required();
  command.add_option("--change", flags->change,
                     "only if this is its change, as 'show' has it");
  command.add_option("--effect", flags->effect,
                     "only if this is what it would do, as 'show' has it");
  if (kind == v1::Decision::KIND_APPROVE) {
    command.add_flag("--yes", flags->yes, "do not ask");
  }
  flags->source.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Decide(*flags); }; });
}

}  // namespace

void AddRotations(CLI::App& rotations, Action& action) {
  AddList(rotations, action);
  AddShow(rotations, action);
  AddDecision(rotations, action, "approve", "Decide for one",
              v1::Decision::KIND_APPROVE);
  AddDecision(rotations, action, "reject", "Decide against one",
              v1::Decision::KIND_REJECT);
  AddDecision(rotations, action, "hold", "Keep the policy from deciding",
              v1::Decision::KIND_HOLD);
}

}  // namespace anchorage::trustctl

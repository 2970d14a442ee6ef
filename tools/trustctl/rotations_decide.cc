// trustctl rotations approve | reject | hold

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "anchors/base/proto_time.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/rotation_screen.h"
#include "tools/trustctl/rotations.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  v1::Decision::Kind kind = v1::Decision::KIND_UNSPECIFIED;
  std::uint64_t id = 0;
  std::string why;
  std::string change;
  std::string effect;
  bool yes = false;
  AdminSource source;
  Output output;
};

// Shows what is about to be decided and asks; puts what was looked at into the
// request.
absl::Status LookAndConfirm(const AdminChannel& channel, const Flags& flags,
                            v1::DecideRotationRequest& request) {
  const auto explanation = Explain(channel, flags.id);
  if (!explanation.ok()) return explanation.status();
  const v1::Rotation& rotation = explanation->rotation();
  if (request.change_id().empty()) request.set_change_id(rotation.change_id());
  std::cerr << ScreenOf(*explanation, ColumnsOf(WidthOfOutput()));
  if (flags.kind == v1::Decision::KIND_REJECT) {
    // An anomaly is found anew.
    return Confirm(
        rotation.rotation_class() == v1::ROTATION_CLASS_SOURCE_ANOMALY
            ? "Reject this?"
            : "Reject this? Seen again, it stays rejected.",
        flags.yes);
  }
  if (request.effect_sha256().empty()) {
    request.set_effect_sha256(rotation.effect_sha256());
  }
  // What cannot be approved has no effect: the server says what to do instead.
  if (rotation.effect_sha256().empty()) {
    request.set_effect_sha256("none");
    return absl::OkStatus();
  }
  const auto action = explanation->recommendation().action();
  if (action == v1::Recommendation::ACTION_HOLD ||
      action == v1::Recommendation::ACTION_REJECT) {
    PrintWarning("this is not recommended: " +
                 explanation->recommendation().sentence());
  }
  return Confirm("Approve this?", flags.yes);
}

// What became of an approval, in words.
std::string TextOf(const v1::DecideRotationResponse& response) {
  const std::string& count = response.approvals().sentence();
  if (!response.has_approved_before_time()) {
    return "approved: " + Printable(count);
  }
  return absl::StrCat("you approved this already at ",
                      Rfc3339(anchors::TimeOf(response.approved_before_time())),
                      "; still ", Printable(count));
}

void Print(const Flags& flags, const v1::DecideRotationResponse& response) {
  const v1::Rotation& rotation = response.rotation();
  nlohmann::ordered_json facts = ToJson(rotation);
  facts["approvals"] = ToJson(response.approvals());
  if (response.has_approved_before_time()) {
    facts["approved_before_time"] =
        Rfc3339(anchors::TimeOf(response.approved_before_time()));
  }
  flags.output.Print(facts, {.name = "/id"}, [&] {
    std::cout << "rotation " << flags.id << " is " << StateOf(rotation) << ": "
              << Printable(rotation.reason()) << "\n";
    if (flags.kind == v1::Decision::KIND_APPROVE) {
      std::cout << TextOf(response) << "\n";
    } else if (flags.kind == v1::Decision::KIND_HOLD &&
               !rotation.decisions().empty()) {
      std::cout << "held by " << Printable(rotation.decisions().rbegin()->by())
                << "; the policy waits until somebody approves or rejects it\n";
    }
  });
}

int Decide(const Flags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  v1::DecideRotationRequest request;
  request.set_id(flags.id);
  request.set_kind(flags.kind);
  request.set_why(flags.why);
  request.set_change_id(flags.change);
  request.set_effect_sha256(flags.effect);
  if (flags.kind != v1::Decision::KIND_HOLD) {
    if (absl::Status s = LookAndConfirm(*channel, flags, request); !s.ok()) {
      return Fail(s);
    }
  }
  const auto response = CallAdmin<v1::AdminService>(
      *channel, &v1::AdminService::Stub::DecideRotation, request);
  if (!response.ok()) return Fail(response.status());
  Print(flags, *response);
  return kAccepted;
}

constexpr char kFooter[] = R"(
    trustctl rotations approve 17 --why "AWS support case 1234"
    trustctl rotations hold 17 --why "asking AWS"
    trustctl rotations reject 17 --why "AWS knows nothing of it"
)";

void AddDecision(CLI::App& rotations, Action& action, const std::string& name,
                 const std::string& help, v1::Decision::Kind kind) {
  CLI::App& command = *rotations.add_subcommand(name, help);
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  flags->kind = kind;
  AddRotationId(command, flags->id);
  command.add_option("--why", flags->why, "why, for the record")->required();
  command.add_option("--change", flags->change,
                     "only if this is its change, as 'show' has it");
  command.add_option("--effect", flags->effect,
                     "only if this is what it would do, as 'show' has it");
  if (kind != v1::Decision::KIND_HOLD) {
    command.add_flag("--yes", flags->yes, "do not ask");
  }
  flags->source.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Decide(*flags); }; });
}

}  // namespace

void AddRotationsDecide(CLI::App& rotations, Action& action) {
  AddDecision(rotations, action, "approve", "Decide for one",
              v1::Decision::KIND_APPROVE);
  AddDecision(rotations, action, "reject", "Decide against one",
              v1::Decision::KIND_REJECT);
  AddDecision(rotations, action, "hold", "Keep the policy from deciding",
              v1::Decision::KIND_HOLD);
}

}  // namespace anchorage::trustctl

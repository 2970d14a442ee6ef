// trustctl rotations undo

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "proto/anchorage/v1/admin_service.grpc.pb.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/rotation_screen.h"
#include "tools/trustctl/rotations.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  std::uint64_t id = 0;
  std::string why;
  bool revoke = false;
  bool yes = false;
  AdminSource source;
  Output output;
};

int Undo(const Flags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  const auto explanation = Explain(*channel, flags.id);
  if (!explanation.ok()) return Fail(explanation.status());
  std::cerr << ScreenOf(*explanation, ColumnsOf(WidthOfOutput()));
  if (explanation->can_undo()) {
    if (flags.revoke) {
      PrintWarning(
          "--revoke says that the new key was never AWS's. If it is AWS's, all "
          "genuine evidence that it signed is refused, and nobody can take "
          "that back. Without --revoke the key is retired, verifies nothing "
          "either, and can come back");
    }
    const absl::Status confirmed =
        Confirm(flags.revoke ? "REVOKE the new key, for ever?"
                             : "Take this rotation back?",
                flags.yes);
    if (!confirmed.ok()) return Fail(confirmed);
  }
  v1::UndoRotationRequest request;
  request.set_id(flags.id);
  request.set_why(flags.why);
  request.set_revoke(flags.revoke);
  const auto response = CallAdmin<v1::AdminService>(
      *channel, &v1::AdminService::Stub::UndoRotation, request);
  if (!response.ok()) return Fail(response.status());
  const v1::Rotation& rotation = response->rotation();
  nlohmann::ordered_json facts = ToJson(rotation);
  facts["approvals"] = ToJson(response->approvals());
  flags.output.Print(facts, {.name = "/id"}, [&] {
    std::cout << "rotation " << rotation.id() << " takes rotation " << flags.id
              << " back, and is " << StateOf(rotation) << ": "
              << Printable(rotation.reason()) << "\n"
              << "approved: " << Printable(response->approvals().sentence())
              << "\n";
  });
  return kAccepted;
}

constexpr char kFooter[] = R"(
    trustctl rotations undo 17 --why "AWS knows nothing of this key"

Opens a rotation that you have approved: the key that rotation 17 replaced is
ACTIVE again and the one that it brought is RETIRED, in one publication, once as
many people approve it as the configuration says. It can be undone in turn. A
trustd in MODE_OFFLINE proposes it for people to sign.

--revoke is for a key that was never AWS's. Revoking a genuine key at night is the
worst mistake there is: a revoked key never comes back. When in doubt, leave it
out; 'anchors revoke' can follow in the morning.
)";

}  // namespace

void AddRotationsUndo(CLI::App& rotations, Action& action) {
  CLI::App& command = *rotations.add_subcommand(
      "undo", "Take a published one back: the key before, instead of the new");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  AddRotationId(command, flags->id);
  command.add_option("--why", flags->why, "why, for the record")->required();
  command.add_flag("--revoke", flags->revoke,
                   "the new key was never AWS's: revoke it, for ever");
  command.add_flag("--yes", flags->yes, "do not ask");
  flags->source.AddTo(command);
  flags->output.AddTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Undo(*flags); }; });
}

}  // namespace anchorage::trustctl

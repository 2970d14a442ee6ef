// trustctl rotations show

#include <iostream>
#include <memory>

#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/output.h"
#include "tools/trustctl/rotation_screen.h"
#include "tools/trustctl/rotations.h"
#include "tools/trustctl/terminal.h"

namespace anchorage::trustctl {
namespace {

struct Flags {
  std::uint64_t id = 0;
  AdminSource source;
  Output output;
};

absl::StatusOr<v1::Rotation> Get(const AdminChannel& channel,
                                 std::uint64_t id) {
  v1::GetRotationRequest request;
  request.set_id(id);
  auto response = CallAdmin<v1::AuditService>(
      channel, &v1::AuditService::Stub::GetRotation, request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_rotation());
}

int Show(const Flags& flags) {
  const auto channel = OpenChannel(flags.source);
  if (!channel.ok()) return Fail(channel.status());
  auto explanation = Explain(*channel, flags.id);
  if (!explanation.ok()) return Fail(explanation.status());
  if (flags.output.is_text()) {
    std::cout << ScreenOf(*explanation, ColumnsOf(WidthOfOutput()));
    return kAccepted;
  }
  // With the certificates and the evidence, which are for machines.
  const auto rotation = Get(*channel, flags.id);
  if (!rotation.ok()) return Fail(rotation.status());
  explanation->clear_rotation();
  nlohmann::ordered_json facts = ToJson(*rotation);
  facts["explanation"] = ToJson(*explanation);
  flags.output.Print(facts, {.name = "/id"}, [] {});
  return kAccepted;
}

constexpr char kFooter[] = R"(
    trustctl rotations show 17
    trustctl rotations show 17 --output json | jq .explanation.recommendation
)";

}  // namespace

void AddRotationsShow(CLI::App& rotations, Action& action) {
  CLI::App& command = *rotations.add_subcommand(
      "show", "Show one as a person needs it to decide");
  command.footer(kFooter);
  auto flags = std::make_shared<Flags>();
  AddRotationId(command, flags->id);
  flags->source.AddTo(command);
  flags->output.AddWatchedTo(command);
  command.callback(
      [flags, &action] { action = [flags] { return Show(*flags); }; });
}

}  // namespace anchorage::trustctl

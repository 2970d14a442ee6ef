// trustctl rotations list | show | approve | reject | hold | undo

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "tools/trustctl/commands.h"
#include "tools/trustctl/rotations.h"

namespace anchorage::trustctl {

std::string ClassOf(const v1::Rotation& rotation) {
  return WithoutPrefix(v1::RotationClass_Name(rotation.rotation_class()),
                       "ROTATION_CLASS_");
}

std::string StateOf(const v1::Rotation& rotation) {
  return WithoutPrefix(v1::RotationState_Name(rotation.state()),
                       "ROTATION_STATE_");
}

std::string SubjectOf(const v1::Rotation& rotation) {
  return rotation.slot().partition().empty() ? Printable(rotation.source())
                                             : TextOf(rotation.slot());
}

void AddRotationId(CLI::App& command, std::uint64_t& id) {
  // CLI11 would read 0x2 and 010, and wrap what is too long.
  command.add_option("id", id, "its number")
      ->required()
      ->check(CLI::Validator(
          [](const std::string& text) {
            std::uint64_t number = 0;
            return absl::SimpleAtoi(text, &number) &&
                           absl::StrCat(number) == text
                       ? std::string()
                       : "'" + text + "' is no number of a rotation";
          },
          ""));
}

absl::StatusOr<v1::RotationExplanation> Explain(const AdminChannel& channel,
                                                std::uint64_t id) {
  v1::ExplainRotationRequest request;
  request.set_id(id);
  auto response = CallAdmin<v1::AuditService>(
      channel, &v1::AuditService::Stub::ExplainRotation, request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_explanation());
}

void AddRotations(CLI::App& rotations, Action& action) {
  AddRotationsList(rotations, action);
  AddRotationsShow(rotations, action);
  AddRotationsDecide(rotations, action);
  AddRotationsUndo(rotations, action);
}

}  // namespace anchorage::trustctl

#include "trustd/admin/access.h"

#include "absl/strings/str_cat.h"
#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {

bool Allows(v1::Person::Role role, Action action) {
  switch (role) {
    case v1::Person::ROLE_VIEWER:
      return action == Action::kLook;
    case v1::Person::ROLE_APPROVER:
      return action == Action::kLook || action == Action::kDecide;
    case v1::Person::ROLE_OPERATOR:
      return true;
    case v1::Person::ROLE_INSTANCE:
      return action == Action::kProve;
    default:
      return false;
  }
}

grpc::Status Access::Admit(std::string_view name, Action action) const {
  if (name.empty()) {
    return RpcError(grpc::StatusCode::UNAUTHENTICATED, kNameMissing,
                    "the client certificate has no common name");
  }
  const auto found = people_.find(name);
  if (found == people_.end()) {
    return RpcError(grpc::StatusCode::PERMISSION_DENIED, kNameUnknown,
                    "the configuration of this trustd does not have the name "
                    "of the client certificate");
  }
  if (Allows(found->second, action)) return grpc::Status::OK;
  return RpcError(grpc::StatusCode::PERMISSION_DENIED, kRoleInsufficient,
                  absl::StrCat(v1::Person::Role_Name(found->second),
                               " does not allow this"));
}

}  // namespace anchorage::trustd

#include "trustd/admin/access.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "trustd/rpc/rpc_status.h"
#include "verify/printable.h"

namespace anchorage::trustd {

namespace {

// How much of a stranger's name goes into an answer.
constexpr std::size_t kShownName = 128;

// The roles that allow `action`, in words.
std::string RolesFor(Action action) {
  std::vector<std::string> roles;
  for (int role = v1::Person::Role_MIN; role <= v1::Person::Role_MAX; ++role) {
    if (Allows(static_cast<v1::Person::Role>(role), action)) {
      roles.push_back(
          v1::Person::Role_Name(static_cast<v1::Person::Role>(role)));
    }
  }
  return absl::StrJoin(roles, " or ");
}

}  // namespace

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
    case v1::Person::ROLE_PRODUCER:
      return action == Action::kSubmitManifest;
    default:
      return false;
  }
}

grpc::Status AdmitLocally(Action action) {
  switch (action) {
    case Action::kLook:
    case Action::kBackup:
      return grpc::Status::OK;
    default:
      return RpcError(grpc::StatusCode::PERMISSION_DENIED, kPersonRequired,
                      "this takes a person with a client certificate; the "
                      "administrators' socket is for reading and backups");
  }
}

bool Access::MaySubmit(std::string_view name, std::string_view product) const {
  const auto found = people_.find(name);
  if (found == people_.end()) return false;
  const PersonRules& rules = found->second;
  return rules.role == v1::Person::ROLE_OPERATOR ||
         std::find(rules.products.begin(), rules.products.end(), product) !=
             rules.products.end();
}

grpc::Status Access::Admit(const PresentedName& who, Action action) const {
  if (who.name.empty()) {
    return RpcError(grpc::StatusCode::UNAUTHENTICATED, kNameMissing,
                    "the client certificate has no common name");
  }
  const auto found = people_.find(who.name);
  if (found == people_.end()) {
    return RpcError(grpc::StatusCode::PERMISSION_DENIED, kNameUnknown,
                    absl::StrCat("'", verify::Printable(who.name, kShownName),
                                 "', the name in the client certificate, is "
                                 "not among the 'people' of this trustd"));
  }
  const PersonRules& rules = found->second;
  if (!rules.certificate_sha256.empty() &&
      std::find(rules.certificate_sha256.begin(),
                rules.certificate_sha256.end(),
                who.certificate_sha256) == rules.certificate_sha256.end()) {
    return RpcError(
        grpc::StatusCode::PERMISSION_DENIED, kCertificateNotPinned,
        absl::StrCat("the configuration of this trustd does not "
                     "have the client certificate, SHA-256 ",
                     who.certificate_sha256, ", among those of its name"));
  }
  if (Allows(rules.role, action)) return grpc::Status::OK;
  return RpcError(
      grpc::StatusCode::PERMISSION_DENIED, kRoleInsufficient,
      absl::StrCat(v1::Person::Role_Name(rules.role),
                   " does not allow this; what does is ", RolesFor(action)));
}

}  // namespace anchorage::trustd

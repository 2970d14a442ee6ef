#include "trustd/admin/admin_config.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "trustd/base/config_path.h"

namespace anchorage::trustd {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:7444";
// Whom the record names where the policy decided.
constexpr std::string_view kPolicyName = "policy";

absl::Status Wrong(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": 'admin': ", what));
}

bool IsHostAndPort(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  int port = -1;
  return colon != std::string::npos && colon != 0 &&
         absl::SimpleAtoi(address.substr(colon + 1), &port) && port >= 0 &&
         port <= 65535;
}

absl::Status AddPerson(const v1::Person& person, const std::string& path,
                       People& people) {
  const std::string& name = person.name();
  const bool has_control =
      std::any_of(name.begin(), name.end(),
                  [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > kMaxPersonNameBytes || has_control) {
    return Wrong(path, "'name' must be 1 to 64 bytes, none a control code");
  }
  if (name == kPolicyName) {
    return Wrong(path,
                 "nobody can be called 'policy': the record would not "
                 "tell them from the policy");
  }
  if (person.role() == v1::Person::ROLE_UNSPECIFIED ||
      !v1::Person::Role_IsValid(person.role())) {
    return Wrong(path, absl::StrCat("'", name, "' has no 'role'"));
  }
  if (!people.emplace(name, person.role()).second) {
    return Wrong(path, absl::StrCat("two people have the name '", name, "'"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AdminSettings> ReadAdminSettings(const v1::AdminConfig& proto,
                                                const std::string& path) {
  AdminSettings settings;
  settings.listen_address =
      proto.listen_address().empty() ? kDefaultAddress : proto.listen_address();
  if (!IsHostAndPort(settings.listen_address)) {
    return Wrong(path, absl::StrCat("'listen_address' must be HOST:PORT, not '",
                                    settings.listen_address, "'"));
  }
  if (proto.tls().certificate_path().empty() ||
      proto.tls().key_path().empty()) {
    return Wrong(path, "'tls' needs 'certificate_path' and 'key_path'");
  }
  if (proto.client_ca_path().empty()) {
    return Wrong(path,
                 "'client_ca_path' is required: it says whose "
                 "certificates name people");
  }
  settings.tls_certificate_path =
      ResolvePath(proto.tls().certificate_path(), path);
  settings.tls_key_path = ResolvePath(proto.tls().key_path(), path);
  settings.client_ca_path = ResolvePath(proto.client_ca_path(), path);
  if (proto.people().empty() || proto.people_size() > kMaxPeople) {
    return Wrong(path, absl::StrCat("'people' are 1 to ", kMaxPeople));
  }
  for (const v1::Person& person : proto.people()) {
    if (absl::Status s = AddPerson(person, path, settings.people); !s.ok()) {
      return s;
    }
  }
  return settings;
}

absl::Status CheckApprovals(const AdminSettings& settings, int approvals,
                            const std::string& path) {
  const auto deciders = std::count_if(
      settings.people.begin(), settings.people.end(), [](const auto& person) {
        return Allows(person.second, Action::kDecide);
      });
  if (deciders >= approvals) return absl::OkStatus();
  return Wrong(path, absl::StrCat(deciders,
                                  " people may decide, and "
                                  "'rotations' asks for ",
                                  approvals, " 'approvals'"));
}

}  // namespace anchorage::trustd

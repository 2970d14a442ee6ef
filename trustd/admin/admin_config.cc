#include "trustd/admin/admin_config.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "trustd/base/config_reader.h"

namespace anchorage::trustd {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:7444";
// Whom the record names where the policy decided.
constexpr std::string_view kPolicyName = "policy";

constexpr char kPart[] = "'admin'";

void AddPerson(const v1::Person& person, ConfigReader& reader, People& people) {
  const std::string& name = person.name();
  const bool has_control =
      std::any_of(name.begin(), name.end(),
                  [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > kMaxPersonNameBytes || has_control) {
    reader.Fail("'name' must be 1 to 64 bytes, none a control code");
  } else if (name == kPolicyName) {
    reader.Fail(
        "nobody can be called 'policy': the record would not tell them from "
        "the policy");
  } else if (person.role() == v1::Person::ROLE_UNSPECIFIED ||
             !v1::Person::Role_IsValid(person.role())) {
    reader.Fail(absl::StrCat("'", name, "' has no 'role'"));
  } else if (!people.emplace(name, person.role()).second) {
    reader.Fail(absl::StrCat("two people have the name '", name, "'"));
  }
}

}  // namespace

absl::StatusOr<AdminSettings> ReadAdminSettings(v1::AdminConfig& proto,
                                                const std::string& path) {
  ConfigReader reader(path, kPart, &proto);
  AdminSettings settings;
  settings.listen_address =
      reader.Address(proto.listen_address(), kDefaultAddress, "listen_address");
  if (proto.tls().certificate_path().empty() ||
      proto.tls().key_path().empty()) {
    reader.Fail("'tls' needs 'certificate_path' and 'key_path'");
  }
  if (proto.client_ca_path().empty()) {
    reader.Fail(
        "'client_ca_path' is required: it says whose certificates name people");
  }
  settings.tls_certificate_path =
      reader.Path(proto.tls().certificate_path(), "tls.certificate_path");
  settings.tls_key_path = reader.Path(proto.tls().key_path(), "tls.key_path");
  settings.client_ca_path =
      reader.Path(proto.client_ca_path(), "client_ca_path");
  if (proto.people().empty() || proto.people_size() > kMaxPeople) {
    reader.Fail(absl::StrCat("'people' are 1 to ", kMaxPeople));
  }
  for (const v1::Person& person : proto.people()) {
    AddPerson(person, reader, settings.people);
  }
  if (!reader.status().ok()) return reader.status();
  return settings;
}

absl::Status CheckApprovals(const AdminSettings& settings, int approvals,
                            const std::string& path) {
  const auto deciders = std::count_if(
      settings.people.begin(), settings.people.end(), [](const auto& person) {
        return Allows(person.second, Action::kDecide);
      });
  ConfigReader reader(path, kPart);
  if (deciders < approvals) {
    reader.Fail(absl::StrCat(deciders,
                             " people may decide, and 'rotations' asks for ",
                             approvals, " 'approvals'"));
  }
  return reader.status();
}

}  // namespace anchorage::trustd

#include "trustd/admin/admin_config.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anchors/releases.h"
#include "trustd/base/config_reader.h"
#include "trustd/net/socket_file.h"

namespace anchorage::trustd {
namespace {

constexpr char kDefaultAddress[] = "127.0.0.1:7444";
// Whom the record names where the policy decided.
constexpr std::string_view kPolicyName = "policy";
// How the names of callers begin that are no people.
constexpr char kLocalPrefix[] = "unix:";
constexpr std::size_t kSha256HexDigits = 64;
constexpr int kMaxProductsOfPerson = 64;

constexpr char kPart[] = "'admin'";

// A producer has products, as the list of producers has them, and nobody else.
bool AreProducts(const v1::Person& person) {
  if (person.role() != v1::Person::ROLE_PRODUCER) {
    return person.products().empty();
  }
  return !person.products().empty() &&
         person.products_size() <= kMaxProductsOfPerson &&
         std::all_of(person.products().begin(), person.products().end(),
                     [](const std::string& product) {
                       return !product.empty() &&
                              product.size() <= anchors::kMaxProductBytes;
                     });
}

bool ArePins(const google::protobuf::RepeatedPtrField<std::string>& pins) {
  return pins.size() <= kMaxPinnedCertificates &&
         std::all_of(pins.begin(), pins.end(), [](const std::string& pin) {
           return pin.size() == kSha256HexDigits &&
                  pin.find_first_not_of("0123456789abcdef") == pin.npos;
         });
}

void AddPerson(const v1::Person& person, ConfigReader& reader, People& people) {
  const std::string& name = person.name();
  const auto& pins = person.certificate_sha256();
  const bool has_control =
      std::any_of(name.begin(), name.end(),
                  [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > kMaxPersonNameBytes || has_control) {
    reader.Fail("'name' must be 1 to 64 bytes, none a control code");
  } else if (name == kPolicyName) {
    reader.Fail(
        "nobody can be called 'policy': the record would not tell them from "
        "the policy");
  } else if (absl::StartsWith(name, kLocalPrefix)) {
    reader.Fail(absl::StrCat("no name begins with '", kLocalPrefix,
                             "': users of this host are called so"));
  } else if (!ArePins(pins)) {
    reader.Fail(absl::StrCat("'certificate_sha256' of '", name,
                             "' are at most ", kMaxPinnedCertificates,
                             ", each 64 lower-case hex digits"));
  } else if (person.role() == v1::Person::ROLE_UNSPECIFIED ||
             !v1::Person::Role_IsValid(person.role())) {
    reader.Fail(absl::StrCat("'", name, "' has no 'role'"));
  } else if (!AreProducts(person)) {
    reader.Fail(absl::StrCat("'", name, "': ROLE_PRODUCER has 1 to ",
                             kMaxProductsOfPerson,
                             " 'products' of 1 to 64 bytes, and no other role "
                             "has any"));
  } else if (!people
                  .try_emplace(name, PersonRules{person.role(),
                                                 {pins.begin(), pins.end()},
                                                 {person.products().begin(),
                                                  person.products().end()}})
                  .second) {
    reader.Fail(absl::StrCat("two people have the name '", name, "'"));
  }
}

// Reads what the port for people needs.
void ReadListener(const v1::AdminConfig& proto, ConfigReader& reader,
                  AdminSettings& settings) {
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
}

void ReadUnixSocket(const v1::UnixSocketConfig& proto, ConfigReader& reader,
                    AdminSettings& settings) {
  UnixSocketSettings socket;
  socket.path = reader.Path(proto.path(), "unix_socket.path");
  socket.group = proto.group();
  if (socket.path.empty() || socket.path.size() > kMaxSocketPathBytes ||
      socket.path.find('\0') != socket.path.npos) {
    reader.Fail(absl::StrCat("'unix_socket' needs a 'path' of at most ",
                             kMaxSocketPathBytes, " bytes"));
  }
  settings.unix_socket = std::move(socket);
}

// Whether nothing of a port for people is set.
bool HasNoListener(const v1::AdminConfig& proto) {
  return proto.listen_address().empty() && !proto.has_tls() &&
         proto.client_ca_path().empty() && proto.people().empty();
}

}  // namespace

absl::StatusOr<AdminSettings> ReadAdminSettings(v1::AdminConfig& proto,
                                                const std::string& path) {
  ConfigReader reader(path, kPart, &proto);
  AdminSettings settings;
  if (proto.has_unix_socket()) {
    ReadUnixSocket(proto.unix_socket(), reader, settings);
  }
  if (!proto.has_unix_socket() || !HasNoListener(proto)) {
    ReadListener(proto, reader, settings);
  }
  if (!reader.status().ok()) return reader.status();
  return settings;
}

absl::Status CheckApprovals(const AdminSettings& settings, int approvals,
                            const std::string& path) {
  if (settings.listen_address.empty()) return absl::OkStatus();
  const auto deciders = std::count_if(
      settings.people.begin(), settings.people.end(), [](const auto& person) {
        return Allows(person.second.role, Action::kDecide);
      });
  ConfigReader reader(path, kPart);
  if (deciders < approvals) {
    reader.Fail(absl::StrCat(
        deciders, " people may decide, and 'rotations' asks for ", approvals,
        " 'approvals': add a person with ROLE_APPROVER or "
        "ROLE_OPERATOR (trustctl pki issue)"));
  }
  return reader.status();
}

}  // namespace anchorage::trustd

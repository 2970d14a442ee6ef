// Who may do what on the admin listener: names, roles, actions.
//
//   const Access access(settings.people);
//   if (auto s = access.Admit(who, Action::kDecide); !s.ok()) return s;
//
// Values: the same caller and action always get the same answer.

#ifndef ANCHORAGE_TRUSTD_ADMIN_ACCESS_H_
#define ANCHORAGE_TRUSTD_ADMIN_ACCESS_H_

#include <grpcpp/support/status.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::trustd {

enum class Action {
  // Reads rotations, sources and the record.
  kLook,
  // Approves, rejects or holds a rotation.
  kDecide,
  // Changes an anchor without a rotation.
  kPin,
  // Makes a source be polled.
  kPoll,
  // Submits evidence of an instance.
  kProve,
  // Goes on with a store that went back.
  kAcceptStore,
  // Copies the store.
  kBackup,
  // Submits a manifest of an image.
  kSubmitManifest,

  kMaxValue = kSubmitManifest,
};

// What the configuration has of a name.
struct PersonRules {
  // Those of config.proto.
  v1::Person::Role role = v1::Person::ROLE_UNSPECIFIED;
  // SHA-256 of the certificates that count for it, lower-case hex; empty: all.
  std::vector<std::string> certificate_sha256 = {};
  // The products whose manifests it may submit.
  std::vector<std::string> products = {};

  friend bool operator==(const PersonRules&, const PersonRules&) = default;
};

using People = std::map<std::string, PersonRules, std::less<>>;

// Who calls, as TLS has proved it.
struct PresentedName {
  // Empty where the certificate has none.
  std::string name;
  // SHA-256 of the certificate, lower-case hex.
  std::string certificate_sha256;
};

// Whether a role allows an action; false for roles that are not known.
bool Allows(v1::Person::Role role, Action action);

// Returns OK for what an administrator of this host may do without a name in
// the configuration: what decides nothing. PERMISSION_DENIED (PERSON_REQUIRED)
// for everything else.
grpc::Status AdmitLocally(Action action);

class Access {
 public:
  explicit Access(People people) : people_(std::move(people)) {}

  // Returns OK, or UNAUTHENTICATED (NAME_MISSING: an empty name) or
  // PERMISSION_DENIED (NAME_UNKNOWN, CERTIFICATE_NOT_PINNED,
  // ROLE_INSUFFICIENT).
  grpc::Status Admit(const PresentedName& who, Action action) const;

  // Whether `name`, which was admitted, may submit manifests of `product`.
  bool MaySubmit(std::string_view name, std::string_view product) const;

 private:
  const People people_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_ACCESS_H_

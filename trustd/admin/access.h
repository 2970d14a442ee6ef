// Who may do what on the admin listener: names, roles, actions.
//
//   const Access access(settings.people);
//   if (auto s = access.Admit(name, Action::kDecide); !s.ok()) return s;
//
// Values: the same name and action always get the same answer.

#ifndef ANCHORAGE_TRUSTD_ADMIN_ACCESS_H_
#define ANCHORAGE_TRUSTD_ADMIN_ACCESS_H_

#include <grpcpp/support/status.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

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

  kMaxValue = kBackup,
};

// The role of each person, by name. Roles are those of config.proto.
using People = std::map<std::string, v1::Person::Role, std::less<>>;

// Whether a role allows an action; false for roles that are not known.
bool Allows(v1::Person::Role role, Action action);

class Access {
 public:
  explicit Access(People people) : people_(std::move(people)) {}

  // Returns OK, or UNAUTHENTICATED (NAME_MISSING: an empty name) or
  // PERMISSION_DENIED (NAME_UNKNOWN, ROLE_INSUFFICIENT).
  grpc::Status Admit(std::string_view name, Action action) const;

 private:
  const People people_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_ACCESS_H_

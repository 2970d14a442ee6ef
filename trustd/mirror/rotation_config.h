// The settings that say which rotations are published without people.
//
//   auto options =
//       ReadRotationOptions(*proto.mutable_rotations(), "/etc/trustd.yaml");

#ifndef ANCHORAGE_TRUSTD_MIRROR_ROTATION_CONFIG_H_
#define ANCHORAGE_TRUSTD_MIRROR_ROTATION_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/rotation/apply.h"
#include "trustd/rotation/rotation_policy.h"

namespace anchorage::trustd {

// Every value is within its limits (config.proto).
struct RotationOptions {
  RotationPolicy policy;
  absl::Duration overlap = kDefaultOverlap;
  // How many people must approve what the policy holds.
  int approvals = 1;

  friend bool operator==(const RotationOptions&,
                         const RotationOptions&) = default;
};

// Every message begins with `path`. Fills the defaults into `proto`. Fails with
// INVALID_ARGUMENT.
absl::StatusOr<RotationOptions> ReadRotationOptions(v1::RotationConfig& proto,
                                                    const std::string& path);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_ROTATION_CONFIG_H_

// Which rotations are published without people, as a configuration has it.
//
//   auto options = ReadRotationOptions(proto.rotations(), "/etc/trustd.yaml");

#ifndef ANCHORAGE_TRUSTD_MIRROR_ROTATION_CONFIG_H_
#define ANCHORAGE_TRUSTD_MIRROR_ROTATION_CONFIG_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/mirror/mirror.h"

namespace anchorage::trustd {

// Returns the options of a mirror with policy, overlap, approvals and
// held_too_long as the configuration has them; the others are as a mirror has
// them by default. `path` begins every message. Fails with INVALID_ARGUMENT.
absl::StatusOr<Mirror::Options> ReadRotationOptions(
    const v1::RotationConfig& proto, const std::string& path);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_MIRROR_ROTATION_CONFIG_H_

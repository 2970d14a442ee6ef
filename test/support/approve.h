// Approves a rotation as a person does who has just looked at it.

#ifndef ANCHORAGE_TEST_SUPPORT_APPROVE_H_
#define ANCHORAGE_TEST_SUPPORT_APPROVE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/anchorage/v1/rotation.pb.h"
#include "trustd/mirror/mirror.h"

namespace anchorage::trustd {

// Fails as Mirror::Decide().
inline absl::StatusOr<v1::Rotation> Approve(Mirror& mirror, std::uint64_t id,
                                            const std::string& by,
                                            const std::string& why,
                                            absl::Time now) {
  const auto rotation = mirror.FindRotation(id);
  return mirror.Decide(
      {.rotation_id = id,
       .kind = v1::Decision::KIND_APPROVE,
       .by = by,
       .why = why,
       .change_id = rotation ? rotation->change_id() : "",
       .effect_sha256 = rotation ? rotation->effect_sha256() : ""},
      now);
}

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TEST_SUPPORT_APPROVE_H_

// The part of trustd's configuration that is about reports: see trustd/config.h
// and config.proto.

#ifndef ANCHORAGE_TRUSTD_FLEET_FLEET_CONFIG_H_
#define ANCHORAGE_TRUSTD_FLEET_FLEET_CONFIG_H_

#include "absl/time/time.h"
#include "trustd/fleet/window.h"

namespace anchorage::trustd {

struct FleetSettings {
  absl::Duration window = absl::Hours(1);
  FailureThreshold threshold;

  friend bool operator==(const FleetSettings&, const FleetSettings&) = default;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_FLEET_CONFIG_H_

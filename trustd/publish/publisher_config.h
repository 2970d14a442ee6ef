// What a publisher needs of trustd's configuration: see trustd/config.h and
// config.proto.

#ifndef ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_CONFIG_H_
#define ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_CONFIG_H_

#include <string>

#include "absl/time/time.h"
#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::trustd {

struct PublisherConfig {
  std::string data_dir;
  v1::TrustdConfig::Mode mode = v1::TrustdConfig::MODE_UNSPECIFIED;
  std::string online_key_path;
  // Both empty in MODE_OFFLINE.
  std::string targets_key_path;
  std::string root_key_path;
  absl::Duration root_validity;
  absl::Duration targets_validity;
  absl::Duration snapshot_validity;
  absl::Duration timestamp_validity;
  absl::Duration timestamp_interval;
  absl::Duration refresh_hint;
  // Empty in MODE_ONLINE.
  std::string ceremony_dir;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_PUBLISHER_CONFIG_H_

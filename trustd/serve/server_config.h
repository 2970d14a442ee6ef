// The part of trustd's configuration that the gRPC server for clients needs:
// see trustd/config.h and config.proto.

#ifndef ANCHORAGE_TRUSTD_SERVE_SERVER_CONFIG_H_
#define ANCHORAGE_TRUSTD_SERVE_SERVER_CONFIG_H_

#include <string>

#include "absl/time/time.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/net/ip_address.h"

namespace anchorage::trustd {

struct ServerConfig {
  std::string listen_address;
  // Both empty for plain text.
  std::string tls_certificate_path;
  std::string tls_key_path;
  v1::TrustdConfig::Mode mode = v1::TrustdConfig::MODE_UNSPECIFIED;
  absl::Duration timestamp_interval;
  int max_watchers = 0;
  AddressList proxies;
  int connections = 0;
  int calls = 0;
  absl::Duration shutdown_grace;
  bool reflection = true;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_SERVER_CONFIG_H_

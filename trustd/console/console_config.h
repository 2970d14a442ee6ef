// The settings of the console: read, completed with their defaults, and
// checked.
//
//   auto settings = ReadConsoleSettings(proto, "/etc/trustd.yaml");

#ifndef ANCHORAGE_TRUSTD_CONSOLE_CONSOLE_CONFIG_H_
#define ANCHORAGE_TRUSTD_CONSOLE_CONSOLE_CONFIG_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/anchorage/v1/config.pb.h"

namespace anchorage::trustd {

inline constexpr int kMaxConsoleHostNames = 16;
inline constexpr std::size_t kMaxHostNameBytes = 253;

// Every value is within its limits (config.proto), with defaults filled in, so
// no user of this has to know a default.
struct ConsoleSettings {
  // One of the two is empty.
  std::string listen_address;
  std::string unix_socket;
  // Both empty for plain text, and then what is below is empty too.
  std::string tls_certificate_path;
  std::string tls_key_path;
  // Empty, or the next two are.
  std::string client_ca_path;
  std::string user;
  std::string password_hash_path;
  // In lower case.
  std::vector<std::string> host_names;
  // Whether loopback names are allowed.
  bool is_local = true;

  friend bool operator==(const ConsoleSettings&,
                         const ConsoleSettings&) = default;
};

// Reads `config.console()`, and sets the defaults in it. `path` is the configuration file's: every message
// begins with it, and relative paths are relative to its folder. Reads no file.
// Fails with INVALID_ARGUMENT.
absl::StatusOr<ConsoleSettings> ReadConsoleSettings(v1::TrustdConfig& config,
                                                    const std::string& path);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONSOLE_CONSOLE_CONFIG_H_

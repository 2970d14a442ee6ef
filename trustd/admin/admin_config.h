// The settings of the admin listener: read, completed with their defaults, and
// checked.
//
//   auto settings =
//       ReadAdminSettings(*proto.mutable_admin(), "/etc/trustd.yaml");

#ifndef ANCHORAGE_TRUSTD_ADMIN_ADMIN_CONFIG_H_
#define ANCHORAGE_TRUSTD_ADMIN_ADMIN_CONFIG_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/admin/access.h"

namespace anchorage::trustd {

inline constexpr int kMaxPeople = 1000;
// The longest common name that X.520 allows.
inline constexpr std::size_t kMaxPersonNameBytes = 64;

// How many certificates may count for one name.
inline constexpr int kMaxPinnedCertificates = 8;

// A socket for administrators of this host.
struct UnixSocketSettings {
  std::string path;
  // A name; empty for the group of the process.
  std::string group;

  friend bool operator==(const UnixSocketSettings&,
                         const UnixSocketSettings&) = default;
};

// Every value is within its limits (config.proto), with defaults filled in, so
// no user of this has to know a default.
struct AdminSettings {
  // Empty where there is the Unix socket alone, as all up to `people` then are.
  std::string listen_address;
  std::string tls_certificate_path;
  std::string tls_key_path;
  std::string client_ca_path;
  People people;
  std::optional<UnixSocketSettings> unix_socket;

  friend bool operator==(const AdminSettings&, const AdminSettings&) = default;
};

// `path` is the configuration file's: every message begins with it, and
// relative paths are relative to its folder. Fills the defaults into `proto`.
// Reads no file. Fails with INVALID_ARGUMENT.
absl::StatusOr<AdminSettings> ReadAdminSettings(v1::AdminConfig& proto,
                                                const std::string& path);

// Fails with INVALID_ARGUMENT if fewer people may decide than must approve:
// then nothing that is held could ever be published. Nobody can be missing where
// no people are served.
absl::Status CheckApprovals(const AdminSettings& settings, int approvals,
                            const std::string& path);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_ADMIN_CONFIG_H_

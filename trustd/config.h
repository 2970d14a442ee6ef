// A trustd's configuration: read, completed with its defaults, and checked.

#ifndef ANCHORAGE_TRUSTD_CONFIG_H_
#define ANCHORAGE_TRUSTD_CONFIG_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/bundle.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/admin/admin_config.h"
#include "trustd/alerts/alert_config.h"
#include "trustd/console/console_config.h"
#include "trustd/fleet/fleet_config.h"
#include "trustd/images/image_store.h"
#include "trustd/mirror/rotation_config.h"
#include "trustd/net/ip_address.h"
#include "trustd/publish/publisher_config.h"
#include "trustd/regions/region_watch.h"
#include "trustd/serve/server_config.h"
#include "trustd/sources/source_config.h"

namespace anchorage::trustd {

// How much of each port peers may hold (config.proto).
struct Limits {
  AddressList proxies;
  int connections = 12'000;
  int calls = 4096;
  int http_connections = 1024;
  int admin_connections = 256;

  friend bool operator==(const Limits&, const Limits&) = default;
};

// Every value that trustd uses, each within its limits (config.proto) and with
// defaults filled in, so no user of this has to know a default.
struct Config {
  std::string listen_address;
  // Both empty for plain text.
  std::string tls_certificate_path;
  std::string tls_key_path;
  // Empty for no HTTP.
  std::string http_listen_address;
  std::string data_dir;
  v1::TrustdConfig::Mode mode = v1::TrustdConfig::MODE_UNSPECIFIED;
  std::string online_key_path;
  std::string targets_key_path;
  std::string root_key_path;
  absl::Duration root_validity;
  absl::Duration targets_validity;
  absl::Duration snapshot_validity;
  absl::Duration timestamp_validity;
  absl::Duration timestamp_interval;
  absl::Duration refresh_hint;
  int max_watchers = 0;
  Limits limits;
  absl::Duration shutdown_grace;
  bool reflection = true;
  // Empty in MODE_ONLINE.
  std::string ceremony_dir;
  // The files of the targets that are published beside the catalog, by the
  // paths of the targets.
  anchors::ByPath beside_paths;
  // Empty for the set that trustd is built with.
  std::string initial_catalog_path;
  // Empty: nothing is polled.
  std::vector<SourceSettings> sources;
  AlertSettings alerts;
  // nullopt: nobody can inspect or decide.
  std::optional<AdminSettings> admin;
  RotationOptions rotations;
  // nullopt: no reports are taken.
  std::optional<FleetSettings> reports;
  // nullopt: there is no console.
  std::optional<ConsoleSettings> console;
  // nullopt: AWS's list of regions is not looked at.
  std::optional<RegionWatchSettings> region_watch;
  // nullopt: no manifests are taken or served.
  std::optional<ImageLimits> images;
  v1::LogConfig::Level log_level = v1::LogConfig::LEVEL_INFO;
  v1::LogConfig::Format log_format = v1::LogConfig::FORMAT_TEXT;
  // SHA-256 of the file as it was read, lower-case hex.
  std::string sha256;
  // The file that says all of this, whatever it left out.
  v1::TrustdConfig effective;
};

// Reads `yaml` as the contents of the file `path`: messages name that path and
// the line, and relative paths in it are relative to its folder. Fails with
// INVALID_ARGUMENT.
absl::StatusOr<Config> ParseConfig(std::string_view yaml,
                                   const std::string& path);

// Reads `proto` as ParseConfig() does the file from which it comes, into an
// empty `config`, and fills the defaults into it. After a failure all the rest
// has been read too.
absl::Status ReadConfig(const std::string& path, v1::TrustdConfig& proto,
                        Config& config);

// Reads the file at `path`. Fails as ParseConfig() or, for a file that cannot
// be read, as anchors::ReadFile().
absl::StatusOr<Config> LoadConfig(const std::string& path);

// Returns the names of the settings that differ and that a reload cannot change,
// in the order of the schema.
std::vector<std::string> DifferencesAtStart(const Config& now,
                                            const Config& next);

// Each returns the part of `config` for a folder that does not know Config.
PublisherConfig PublisherConfigOf(const Config& config);
ServerConfig ServerConfigOf(const Config& config);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_CONFIG_H_

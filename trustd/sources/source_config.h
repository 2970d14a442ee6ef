// The sources of a configuration: read, completed with their defaults, and
// checked; and the sources themselves.
//
//   auto settings = ReadSourceSettings(proto.sources(), "/etc/trustd.yaml");
//   for (const SourceSettings& s : *settings) MakeSource(s, environment);

#ifndef ANCHORAGE_TRUSTD_SOURCES_SOURCE_CONFIG_H_
#define ANCHORAGE_TRUSTD_SOURCES_SOURCE_CONFIG_H_

#include <google/protobuf/repeated_field.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/source.h"

namespace anchorage::trustd {

inline constexpr int kMaxSources = 32;
inline constexpr int kMaxAddresses = 8;

struct RegionsPageSettings {
  std::vector<std::string> addresses;
};

struct NitroRootSettings {
  std::string address;
};

struct PrintedRootSettings {
  std::vector<std::string> addresses;
  int publications = 2;
};

struct DirectorySettings {
  std::string path;
};

struct UpstreamSettings {
  // Each ends in a slash.
  std::string metadata_url;
  std::string targets_url;
  std::string root_path;
};

// Every value is within its limits (config.proto), with defaults filled in, so
// no user of this has to know a default.
struct SourceSettings {
  SourceProfile profile;
  // The limits of time and size; has no address.
  Request limits;
  std::string ca_path;
  bool allow_loopback_http = false;
  std::variant<RegionsPageSettings, NitroRootSettings, PrintedRootSettings,
               DirectorySettings, UpstreamSettings>
      kind;
};

// `path` is the configuration file's: every message begins with it, and
// relative paths are relative to its folder. Reads no file. Fails with
// INVALID_ARGUMENT.
absl::StatusOr<std::vector<SourceSettings>> ReadSourceSettings(
    const google::protobuf::RepeatedPtrField<v1::SourceConfig>& sources,
    const std::string& path);

// Returns the names of sources, each with the name of its family: the
// alphabetically first among those that feed one another.
std::map<std::string, std::string> FamiliesOf(
    const std::vector<SourceSettings>& sources);

// What sources need besides their settings.
struct SourceEnvironment {
  // Where sources keep what they must remember, each in a folder of its own
  // name. Made when it is needed.
  std::string state_folder;
  // As in DownloaderOptions.
  std::shared_ptr<const std::atomic<bool>> cancelled = nullptr;
  // Called with the name of a source and its server's date, for each answer
  // that has one; from any thread. May be empty.
  std::function<void(const std::string& source, absl::Time date)> saw_date = {};
};

// Makes a source, and reads the files that `settings` name. Fails as
// anchors::ReadFile() does for one that cannot be read, and as
// UpstreamSource::Create() does.
absl::StatusOr<std::unique_ptr<Source>> MakeSource(
    const SourceSettings& settings, const SourceEnvironment& environment);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_SOURCE_CONFIG_H_

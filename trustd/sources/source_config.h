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

// Every value within its limits (config.proto): no reader of this has to know
// a default.
struct SourceSettings {
  SourceProfile profile;
  // Times and size; without an address.
  Request limits;
  std::string ca_path;
  bool allow_loopback_http = false;
  std::variant<RegionsPageSettings, NitroRootSettings, PrintedRootSettings,
               DirectorySettings, UpstreamSettings>
      kind;
};

// `path` is that of the file: it begins every message, and relative paths are
// relative to its folder. Reads no file. Fails with INVALID_ARGUMENT.
absl::StatusOr<std::vector<SourceSettings>> ReadSourceSettings(
    const google::protobuf::RepeatedPtrField<v1::SourceConfig>& sources,
    const std::string& path);

// The names of sources, each with that of its family: the first, in the order of
// the alphabet, of those that are fed by one another.
std::map<std::string, std::string> FamiliesOf(
    const std::vector<SourceSettings>& sources);

// What sources need that is not their own.
struct SourceEnvironment {
  // Where sources keep what they must remember, each in a folder of its name.
  // Made when it is needed.
  std::string state_folder;
  // As in DownloaderOptions.
  std::shared_ptr<const std::atomic<bool>> cancelled = nullptr;
  // Called with the name of a source and what its server said the date is, of
  // each answer that has one; from any thread. May be empty.
  std::function<void(const std::string& source, absl::Time date)> saw_date = {};
};

// Reads the files that `settings` name. Fails as anchors::ReadFile() for one
// that cannot be read, and as UpstreamSource::Create().
absl::StatusOr<std::unique_ptr<Source>> MakeSource(
    const SourceSettings& settings, const SourceEnvironment& environment);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_SOURCE_CONFIG_H_

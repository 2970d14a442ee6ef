// The sources of a configuration: read, completed with their defaults, and
// checked.
//
//   auto settings =
//       ReadSourceSettings(*proto.mutable_sources(), "/etc/trustd.yaml");
//   for (const SourceSettings& s : *settings) MakeSource(s, environment);

#ifndef ANCHORAGE_TRUSTD_SOURCES_SOURCE_CONFIG_H_
#define ANCHORAGE_TRUSTD_SOURCES_SOURCE_CONFIG_H_

#include <google/protobuf/repeated_field.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/anchorage/v1/config.pb.h"
#include "trustd/sources/source_settings.h"

namespace anchorage::trustd {

inline constexpr int kMaxSources = 32;
inline constexpr int kMaxAddresses = 8;

// `path` is that of the file: it begins every message, and relative paths are
// relative to its folder. Fills the defaults into `sources`. Reads no file.
// Fails with INVALID_ARGUMENT.
absl::StatusOr<std::vector<SourceSettings>> ReadSourceSettings(
    google::protobuf::RepeatedPtrField<v1::SourceConfig>& sources,
    const std::string& path);

// Returns the names of sources, each with the name of its family: the
// alphabetically first among those that feed one another.
std::map<std::string, std::string> FamiliesOf(
    const std::vector<SourceSettings>& sources);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_SOURCE_CONFIG_H_

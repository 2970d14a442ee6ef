// What the configuration says of one source, and the source that it makes.
//
// Each kind of source brings, beside the source, a SourceKind of its own: what
// only it can be told. Its reader and its defaults are a row of the table in
// source_config.cc.

#ifndef ANCHORAGE_TRUSTD_SOURCES_SOURCE_SETTINGS_H_
#define ANCHORAGE_TRUSTD_SOURCES_SOURCE_SETTINGS_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/sources/downloader.h"
#include "trustd/sources/source.h"

namespace anchorage::trustd {

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

struct SourceSettings;

// What only one kind of source can be told. Immutable once it was read.
class SourceKind {
 public:
  virtual ~SourceKind() = default;

  // As MakeSource(), for `settings` whose kind this is.
  virtual absl::StatusOr<std::unique_ptr<Source>> Make(
      const SourceSettings& settings,
      const SourceEnvironment& environment) const = 0;
};

// Every value within its limits (config.proto): no reader of this has to know
// a default.
struct SourceSettings {
  SourceProfile profile;
  // Times and size; without an address.
  Request limits;
  std::string ca_path;
  bool allow_loopback_http = false;
  // Never null once it was read.
  std::shared_ptr<const SourceKind> kind;
};

// Reads the files that `settings` name. Fails as anchors::ReadFile() for one
// that cannot be read, and as UpstreamSource::Create().
absl::StatusOr<std::unique_ptr<Source>> MakeSource(
    const SourceSettings& settings, const SourceEnvironment& environment);

// For kinds that ask servers. Fails as MakeSource() does.
absl::StatusOr<std::shared_ptr<Downloader>> MakeDownloader(
    const SourceSettings& settings, const SourceEnvironment& environment);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SOURCES_SOURCE_SETTINGS_H_

// Keeps a folder at what a set of anchors exports, for other programs to read,
// and runs a command when it has changed.
//
//   auto feed = ExportFeed::Open({.folder = "/var/lib/vault-feed", ...});
//   auto done = (*feed)->Update(anchors, absl::Now());
//
// The files lie in FOLDER/current, a link to FOLDER/export-HASH, and the link is
// replaced as a whole: a reader sees all of the old files or all of the new. The
// export before is kept; older ones are removed. Nothing is written while
// nothing changes.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_FEED_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_FEED_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/base/atomic_file.h"
#include "tools/trustctl/exports/export_format.h"
#include "verify/anchor_set.h"

namespace anchorage::trustctl {

// How long a command may run.
inline constexpr absl::Duration kExportCommandTime = absl::Seconds(60);

struct ExportFeedOptions {
  // Absolute. Made with mode 0755 if it is not there.
  std::string folder;
  const ExportFormat* format = nullptr;
  ExportFilter filter;
  // What is run after each change: an absolute path and its arguments. Empty:
  // nothing. It gets an environment of its own, and kExportCommandTime.
  std::vector<std::string> command;
};

// For a metric, and for whoever reads the log.
struct ExportFeedState {
  // Of the catalog that the folder has.
  std::uint64_t sequence = 0;
  int anchors = 0;
  // When the folder was last found or made to be what it should be.
  absl::Time last_success = absl::InfinitePast();
  std::uint64_t failures = 0;
  // The exit status of the last command; 128 and the signal's number for one
  // that was killed; nullopt: none has run.
  std::optional<int> command_status;
  std::uint64_t command_failures = 0;
};

class ExportFeed {
 public:
  // Takes the folder. ABORTED: another feed has it. FAILED_PRECONDITION: it has
  // files, and is no feed's. Fails as MakeFolder() does, too.
  static absl::StatusOr<std::unique_ptr<ExportFeed>> Open(
      ExportFeedOptions options);

  enum class Outcome { kUnchanged, kReplaced };

  // Brings the folder up to date, and runs the command unless it succeeded with
  // these files before. FAILED_PRECONDITION for a catalog that is older than the
  // folder's. Fails as SelectExported(), the format or the disk
  // does, and with UNAVAILABLE where the command fails; the folder is then as it
  // was, or complete.
  absl::StatusOr<Outcome> Update(const verify::AnchorSet& set, absl::Time now);

  const ExportFeedState& state() const { return state_; }

 private:
  ExportFeed(ExportFeedOptions options, anchors::FolderLock lock)
      : options_(std::move(options)), lock_(std::move(lock)) {}

  absl::StatusOr<Outcome> Try(const verify::AnchorSet& set, absl::Time now);
  // Writes the files, and then the link to them.
  absl::Status Replace(const std::string& name,
                       const std::vector<ExportFile>& files) const;
  void RemoveOld(const std::string& name) const;
  // Whether the command has succeeded with the export `name`.
  bool WasRun(const std::string& name) const;
  // The sequence of the newest catalog that the folder was made of; 0: none.
  std::uint64_t NewestSequence() const;
  absl::Status Note(const char* file, const std::string& text) const;
  absl::Status RunCommand();

  const ExportFeedOptions options_;
  const anchors::FolderLock lock_;
  ExportFeedState state_;
  // The link's target before this one, which is kept.
  std::string previous_;
};

// The state as node_exporter's textfile collector takes it, of the feed `name`.
std::string ExportMetrics(const std::string& name, const ExportFeedState& state,
                          bool expired);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_EXPORTS_EXPORT_FEED_H_

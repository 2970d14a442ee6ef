// What was last verified, in memory and, where there is one, in a folder.

#ifndef ANCHORAGE_CLIENT_BUNDLE_CACHE_H_
#define ANCHORAGE_CLIENT_BUNDLE_CACHE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "anchors/files/atomic_file.h"
#include "anchors/tuf/updater.h"

namespace anchorage::client {

// Keeps TUF metadata and the catalog. What it gives back is untrusted input,
// whoever wrote it: the updater verifies it again at each load.
//
// The folder is a convenience: one that is locked by another process, cannot
// be written or is full is reported by status(), and the client goes on from
// memory. Files are written whole or not at all. Not thread-safe.
class BundleCache final : public anchors::tuf::MetadataStore {
 public:
  // Uses `folder`, made if it is absent; empty: memory only.
  explicit BundleCache(std::string folder);

  std::optional<std::string> Load(std::string_view name,
                                  std::size_t max_bytes) override;
  // Never fails: what the folder does not take stays in memory.
  absl::Status Save(std::string_view name, std::string_view bytes) override;

  // The target catalog/v1/anchors.json, beside the metadata.
  std::optional<std::string> LoadCatalog();
  void SaveCatalog(std::string_view bytes);

  // Why the folder was last not read or not written; OK if it was.
  const absl::Status& status() const { return status_; }

  // Records why what was loaded was of no use.
  void Report(absl::Status status) { status_ = std::move(status); }

 private:
  const std::string folder_;
  std::optional<anchors::FolderLock> lock_;
  absl::Status status_;
  // What was saved or loaded since the start, by name.
  std::map<std::string, std::string, std::less<>> files_;
};

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_BUNDLE_CACHE_H_

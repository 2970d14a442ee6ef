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
#include "proto/anchorage/v1/anchor_service.pb.h"

namespace anchorage::client {

// Keeps two things. The TUF metadata that an updater has verified so far, file
// by file: what later files must not go back behind. And the last bundle that
// was verified as a whole, in one file of its own: a refresh that fails half
// way has moved the metadata on, and must not cost the bundle. What either
// gives back is untrusted input, whoever wrote it, and is verified again at
// each load.
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

  // The bundle that was last verified; nullopt if there is none.
  std::optional<v1::GetUpdateResponse> LoadBundle();
  void SaveBundle(const v1::GetUpdateResponse& files);

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

// What was last verified, in memory and, where there is one, in a folder.

#ifndef ANCHORAGE_CLIENT_BUNDLE_CACHE_H_
#define ANCHORAGE_CLIENT_BUNDLE_CACHE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/base/atomic_file.h"
#include "anchors/bundle.h"
#include "anchors/tuf/updater.h"
#include "client/memory.h"

namespace anchorage::client {

// Keeps three things. The TUF metadata that an updater has verified so far, file
// by file: what later files must not go back behind. The last bundle that was
// verified as a whole, in one file of its own, without its roots, which are
// among the metadata: a refresh that fails half way has moved the metadata on,
// and must not cost the bundle. And a Memory. What any of them gives back is
// untrusted input, whoever wrote it, and is verified again at each load.
//
// The folder is a convenience: one that is locked by another process, cannot
// be written or is full is reported by status(), and the client goes on from
// memory. Files are written whole or not at all. Not thread-safe.
class BundleCache final : public anchors::tuf::MetadataStore {
 public:
  enum class Access {
    // Takes the folder's lock, and makes the folder if it is absent.
    kReadWrite,
    // Changes nothing in it.
    kReadOnly,
  };

  // Uses `folder`; empty: memory only.
  explicit BundleCache(std::string folder, Access access = Access::kReadWrite);

  std::optional<std::string> Load(std::string_view name,
                                  std::size_t max_bytes) override;
  // Never fails: what the folder does not take stays in memory.
  absl::Status Save(std::string_view name, std::string_view bytes) override;

  // The bundle that was last verified; NOT_FOUND if there is none. Any other
  // error: there is one, and it cannot be read.
  absl::StatusOr<anchors::BundleFiles> LoadBundle();
  absl::StatusOr<Memory> LoadMemory();

  // The same bundle with the roots that are kept in the folder, in order: all
  // that it takes to verify it elsewhere.
  absl::StatusOr<anchors::BundleFiles> LoadWithRoots();

  // Writes the bundle first: it says itself what it revokes and how new it is,
  // and a start takes that into the older memory that a crash leaves. Marks the
  // folder last, as one that holds a bundle.
  void SaveBundle(const anchors::BundleFiles& files, const Memory& memory);
  void SaveMemory(const Memory& memory);

  // Whether a bundle was ever kept here: a folder that is empty all the same
  // has lost it.
  bool is_marked();

  // Keeps what is on the disk out of this client from now on, but for what it
  // writes over it. `fork` names the stored root that contradicts `root`, the
  // trusted one of its version: it is put aside under another name, the trusted
  // one takes its place, and the bundle and the metadata are emptied.
  void Disown(std::string_view fork, const anchors::tuf::Envelope& root);

  // Removes everything that a client keeps in the folder, and nothing else, but
  // for the memory if `keep_memory`; returns the names. FAILED_PRECONDITION
  // where the folder is not ours.
  absl::StatusOr<std::vector<std::string>> Clear(bool keep_memory);

  // Why the folder was last not read or not written; OK if it was.
  const absl::Status& status() const { return status_; }

  // Records why what was loaded was of no use.
  void Report(absl::Status status) { status_ = std::move(status); }

 private:
  // The names of the stored roots, in the order of their versions.
  std::vector<std::string> RootNames() const;
  absl::StatusOr<std::string> Read(std::string_view name,
                                   std::size_t max_bytes);

  const std::string folder_;
  std::optional<anchors::FolderLock> lock_;
  absl::Status status_;
  bool disowned_ = false;
  // What was saved since the start, by name.
  std::map<std::string, std::string, std::less<>> files_;
};

// The files of a cache that are not TUF metadata.
inline constexpr std::string_view kBundleFile = "last_verified.bundle";
inline constexpr std::string_view kMemoryFile = "last_verified.memory";
inline constexpr std::string_view kMarkFile = ".held-a-bundle";

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_BUNDLE_CACHE_H_

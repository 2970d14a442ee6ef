// Keeps what was last verified, in memory and, if there is one, in a folder.

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

// Keeps three things. The TUF metadata that an updater has verified so far,
// file by file: later files must not be older than these. The last bundle that
// was verified as a whole, in one file of its own, without its roots, which are
// among the metadata: a refresh that fails half way has moved the metadata on,
// and must not cost the bundle. And a Memory. Whatever is loaded is untrusted
// input, whoever wrote it, and is verified again at each load.
//
// The folder is a convenience: if it is locked by another process, cannot be
// written or is full, status() says so, and the client goes on from memory.
// Files are written whole or not at all. Not thread-safe.
class BundleCache final : public anchors::tuf::MetadataStore {
 public:
  enum class Access {
    // Takes the folder's lock, and makes the folder if it is absent.
    kReadWrite,
    // Changes nothing in the folder.
    kReadOnly,
  };

  // Uses `folder`; empty: memory only.
  explicit BundleCache(std::string folder, Access access = Access::kReadWrite);

  std::optional<std::string> Load(std::string_view name,
                                  std::size_t max_bytes) override;
  // Never fails: what cannot be written to the folder stays in memory.
  absl::Status Save(std::string_view name, std::string_view bytes) override;

  // The bundle that was last verified; NOT_FOUND if there is none. Any other
  // error means that there is one, but it cannot be read.
  absl::StatusOr<anchors::BundleFiles> LoadBundle();
  absl::StatusOr<Memory> LoadMemory();

  // The last verified bundle with the roots that are kept in the folder, in
  // order: all that is needed to verify it elsewhere.
  absl::StatusOr<anchors::BundleFiles> LoadWithRoots();

  // Writes the bundle first: it says itself what it revokes and how new it is,
  // and the next start merges that into the older memory that a crash leaves.
  // Marks the folder last, as one that holds a bundle, if it does.
  void SaveBundle(const anchors::BundleFiles& files, const Memory& memory);
  void SaveMemory(const Memory& memory);

  // Whether a bundle was ever kept here: a marked folder that is empty has lost
  // it.
  bool is_marked();

  // From now on keeps this client from reading what is on the disk, except what
  // it overwrites itself. `fork` names the stored root that contradicts `root`,
  // the trusted one of the same version: it is renamed out of the way, the
  // trusted root takes its place, and the bundle and the metadata are emptied.
  void Disown(std::string_view fork, const anchors::tuf::Envelope& root);

  // Removes everything that a client keeps in the folder, except the memory if
  // `keep_memory`, and nothing else; returns the names. FAILED_PRECONDITION if
  // the folder is not ours.
  absl::StatusOr<std::vector<std::string>> Clear(bool keep_memory);

  // Why a file could last not be written, or else why the last read failed; OK
  // if there is nothing of that.
  const absl::Status& status() const {
    return failures_.empty() ? status_ : failures_.begin()->second;
  }

  // Records why what was loaded could not be used.
  void Report(absl::Status status) { status_ = std::move(status); }

 private:
  // The names of the stored roots, in the order of their versions.
  std::vector<std::string> RootNames() const;
  absl::StatusOr<std::string> Read(std::string_view name,
                                   std::size_t max_bytes);
  const std::string folder_;
  std::optional<anchors::FolderLock> lock_;
  absl::Status status_;
  // By the name of the file that is not in the folder, or is an older one.
  std::map<std::string, absl::Status> failures_;
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

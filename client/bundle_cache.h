// Keeps what was last verified, in memory and, if there is one, in a folder.

#ifndef ANCHORAGE_CLIENT_BUNDLE_CACHE_H_
#define ANCHORAGE_CLIENT_BUNDLE_CACHE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anchors/bundle.h"
#include "anchors/tuf/updater.h"
#include "client/cache_folder.h"
#include "client/memory.h"

namespace anchorage::client {

// Keeps three things. The TUF metadata that an updater has verified so far,
// file by file: later files must not be older than these. The last bundle that
// was verified as a whole, in one file of its own, without its roots, which are
// among the metadata: a refresh that fails half way has moved the metadata on,
// and must not cost the bundle. And a Memory. Whatever is loaded is untrusted
// input, whoever wrote it, and is verified again at each load.
//
// Any number of clients may use one folder ("The cache folder" in README.md).
// What is saved stays in memory until Write(), which takes the folder's lock,
// has the caller look at what others wrote since, and writes what is newer:
// roots first, then metadata, the bundle, the memory, the mark. Whoever reads
// in the opposite order needs no lock, as OpenCache() does: what it sees is what
// a crash could have left, for the bundle is as new as the memory or newer, and
// the roots as new as the bundle or newer.
//
// The folder is a convenience: if it cannot be used or written, status() says
// so, and the client goes on from memory. Not thread-safe.
class BundleCache final : public anchors::tuf::MetadataStore {
 public:
  // Null: memory only.
  explicit BundleCache(std::unique_ptr<CacheFolder> folder)
      : folder_(std::move(folder)) {}

  // Whether there is a folder.
  bool has_folder() const { return folder_ != nullptr; }

  // What was saved by this client or, if nothing was, the file of the folder.
  std::optional<std::string> Load(std::string_view name,
                                  std::size_t max_bytes) override;
  // Never fails.
  absl::Status Save(std::string_view name, std::string_view bytes) override;

  // Whether this client saved that file, or took over what was there.
  bool has_saved(std::string_view name) const { return files_.contains(name); }

  // The file of the folder itself, whatever was saved.
  absl::StatusOr<std::string> Read(std::string_view name,
                                   std::size_t max_bytes);

  // The bundle that the folder has; NOT_FOUND if there is none. Any other error
  // means that there is one, but it cannot be read.
  absl::StatusOr<anchors::BundleFiles> LoadBundle();
  absl::StatusOr<Memory> LoadMemory();

  // Whether a bundle was ever kept in the folder: a marked one that is empty
  // has lost it.
  bool is_marked();

  // The bundle with the roots that are kept in the folder, in order: all that is
  // needed to verify it elsewhere.
  absl::StatusOr<anchors::BundleFiles> LoadWithRoots();

  // Saves a bundle with its memory, or a memory alone.
  void SaveBundle(const anchors::BundleFiles& files, const Memory& memory);
  void SaveMemory(const Memory& memory);

  // Whether the folder is another one than at the last call; true at the first.
  bool HasChanged();

  // Whether the folder lacks something that was saved.
  bool has_unwritten() const {
    return folder_ != nullptr && !unwritten_.empty();
  }
  // Whether that is so of this file.
  bool is_unwritten(std::string_view name) const {
    return unwritten_.contains(OrderOf(name));
  }
  // Says that the folder has what was saved under this name, or something
  // newer; or that it has lost it.
  void MarkWritten(std::string_view name);
  void MarkUnwritten(std::string_view name);

  // Writes what the folder lacks. Calls `look` once it has the lock: others may
  // have written since, and what they wrote must not be replaced by something
  // older. What cannot be written stays for the next call, and so does what
  // comes after it.
  void Write(absl::FunctionRef<void()> look);

  // From now on keeps this client from reading what is in the folder, except
  // what it overwrites itself. `fork` names the stored root that contradicts
  // `root`, the trusted one of the same version: it is renamed out of the way,
  // the trusted root takes its place, and the bundle and the metadata are
  // emptied.
  void Disown(std::string_view fork, const anchors::tuf::Envelope& root);

  // Removes everything that clients keep in the folder, and nothing else;
  // returns the names. `keep` is called with the lock taken; the memory that it
  // returns, if any, stays.
  absl::StatusOr<std::vector<std::string>> Clear(
      absl::FunctionRef<absl::StatusOr<std::optional<Memory>>()> keep);

  // Why what was saved could last not be written, or else why the last read
  // failed; OK if there is nothing of that.
  const absl::Status& status() const {
    return write_status_.ok() ? status_ : write_status_;
  }

  // Records why what was loaded could not be used.
  void Report(absl::Status status) { status_ = std::move(status); }

 private:
  // The place of a file in the order of writing.
  using Order = std::tuple<int, std::int64_t, std::string>;
  static Order OrderOf(std::string_view name);

  // The names of the stored roots, in the order of their versions.
  absl::StatusOr<std::vector<std::string>> RootNames();
  std::vector<std::string> Stamps();
  absl::Status WriteAll(absl::FunctionRef<void()> look);

  const std::unique_ptr<CacheFolder> folder_;
  absl::Status status_;
  absl::Status write_status_;
  bool disowned_ = false;
  // What was saved since the start, by name; a bundle and a memory only until
  // the folder has them.
  std::map<std::string, std::string, std::less<>> files_;
  std::set<Order> unwritten_;
  // What HasChanged() looks at.
  std::vector<std::string> stamps_;
};

// The files of a cache that are not TUF metadata.
inline constexpr std::string_view kBundleFile = "last_verified.bundle";
inline constexpr std::string_view kMemoryFile = "last_verified.memory";
inline constexpr std::string_view kMarkFile = ".held-a-bundle";

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_BUNDLE_CACHE_H_

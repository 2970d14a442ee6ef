// What a trustd serves at one moment, and how its readers learn of a new one.

#ifndef ANCHORAGE_TRUSTD_PUBLISH_PUBLICATION_H_
#define ANCHORAGE_TRUSTD_PUBLISH_PUBLICATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "anchors/bundle.h"
#include "anchors/catalog.h"
#include "anchors/releases.h"

namespace anchorage::trustd {

// When one TUF role's metadata expires, and who signs it.
struct RoleFacts {
  std::string role;
  absl::Time expires;
  std::vector<std::string> key_ids;
  int threshold = 0;
};

// A bundle that a client would accept, as files and as values. Immutable.
struct Publication {
  // The root of version n is files.roots[n - 1].
  anchors::BundleFiles files;

  std::uint64_t timestamp_version = 0;
  std::uint64_t snapshot_version = 0;
  std::uint64_t targets_version = 0;
  // The sequence of the next catalog: above every one that clients may know.
  std::uint64_t next_sequence = 0;
  // SHA-256 of each target, lower-case hex.
  anchors::ByPath target_sha256;
  const std::string& catalog_sha256() const {
    return target_sha256.at(std::string(anchors::kCatalogTargetPath));
  }

  anchors::Catalog catalog;
  // nullopt for none.
  std::optional<anchors::ReleaseList> releases;
  std::optional<anchors::ProducerList> producers;
  std::optional<anchors::ImageIndex> images;
  // Of each target that there is.
  anchors::FactsByName facts;
  // How many regions the anchors name.
  int region_count = 0;
  // In the order root, targets, snapshot, timestamp.
  std::vector<RoleFacts> roles;
};

// Holds the current publication, notifies watchers of a new one, and says
// whether anything is signed at all. Thread-safe; its lock is the last that
// anybody takes: see "The order of locks" in DESIGN.md.
class PublicationHub {
 public:
  using Watcher = std::function<void(const Publication&)>;

  PublicationHub() = default;
  PublicationHub(const PublicationHub&) = delete;
  PublicationHub& operator=(const PublicationHub&) = delete;
  // No watcher is called after it returns.
  ~PublicationHub();

  // The current publication; null until the first.
  std::shared_ptr<const Publication> Current() const;

  // Makes `next` the current one; watchers are notified soon. The caller may
  // hold locks that watchers take.
  void Publish(std::shared_ptr<const Publication> next);

  // Calls `watcher` with the newest publication after each Publish(), until
  // Unwatch() with the returned number; of several in a row it may get only the
  // last. The calls come one by one from a thread of the hub, so that no
  // caller's lock is held: a watcher may take any lock. One last call may still
  // be under way when Unwatch() returns, so a watcher must own what it uses.
  // Throws std::system_error if that thread cannot be started.
  std::uint64_t Watch(Watcher watcher);
  void Unwatch(std::uint64_t id);

  std::size_t watchers() const;

  // Returns OK, or why nothing is signed and the current publication stays.
  absl::Status signing() const;
  void SetSigning(absl::Status status);

 private:
  // Waits for a new publication. Returns false when the hub is stopping.
  bool AwaitNews() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status TellWatchers() ABSL_LOCKS_EXCLUDED(mutex_);

  mutable absl::Mutex mutex_;
  std::shared_ptr<const Publication> current_ ABSL_GUARDED_BY(mutex_);
  // How many publications there were, and how many of these watchers were
  // notified of.
  std::uint64_t published_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t told_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  struct Entry {
    std::shared_ptr<const Watcher> watcher;
    // The number of the publication that was current when the watcher was
    // added.
    std::uint64_t after = 0;
  };
  absl::flat_hash_map<std::uint64_t, Entry> watchers_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::Status signing_ ABSL_GUARDED_BY(mutex_);
  // Runs from the first Watch() on.
  std::thread teller_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_PUBLICATION_H_

// What a trustd serves at one moment, and how its readers learn of a new one.

#ifndef ANCHORAGE_TRUSTD_PUBLISH_PUBLICATION_H_
#define ANCHORAGE_TRUSTD_PUBLISH_PUBLICATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
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

// Until when one TUF role's metadata is good, and who signs it.
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
  // What the next catalog has: above every one that clients may know.
  std::uint64_t next_sequence = 0;
  // SHA-256 of the catalog, lower-case hex.
  std::string catalog_sha256;
  // SHA-256 of the list of releases, lower-case hex; empty for none.
  std::string releases_sha256;

  anchors::Catalog catalog;
  // nullopt for none.
  std::optional<anchors::ReleaseList> releases;
  // How many regions the anchors name.
  int region_count = 0;
  // In the order root, targets, snapshot, timestamp.
  std::vector<RoleFacts> roles;
};

// Holds the current publication and tells of a new one, and whether anything is
// signed at all. Thread-safe.
class PublicationHub {
 public:
  using Watcher = std::function<void(const Publication&)>;

  // The current publication; null until the first.
  std::shared_ptr<const Publication> Current() const;

  // Makes `next` the current one and calls every watcher with it. One call at
  // a time.
  void Publish(std::shared_ptr<const Publication> next);

  // Has `watcher` called for every later publication, never under a lock of
  // ours, until Unwatch() with the returned number; one last call may still be
  // under way when that returns, so a watcher owns what it touches.
  std::uint64_t Watch(Watcher watcher);
  void Unwatch(std::uint64_t id);

  std::size_t watchers() const;

  // OK, or why nothing is signed and what is current stays.
  absl::Status signing() const;
  void SetSigning(absl::Status status);

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Publication> current_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::uint64_t, std::shared_ptr<const Watcher>> watchers_
      ABSL_GUARDED_BY(mutex_);
  std::uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::Status signing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_PUBLISH_PUBLICATION_H_

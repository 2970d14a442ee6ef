// Exports a repository as a folder for a bucket or a CDN: fetched, verified
// from the caller's root, and written in an order in which readers never miss a
// file.
//
//   auto copy = FetchRepository(fetcher, trusted_root, now);
//   if (!copy.ok()) return copy.status();
//   auto written = WriteRepository(*copy, folder);
//
// The names are those of anchors/tuf/static_layout.h, as a trustd serves them.
// Nothing in the folder is ever removed or, except for the timestamp, changed.

#ifndef ANCHORAGE_TOOLS_TRUSTCTL_REPOSITORY_EXPORT_H_
#define ANCHORAGE_TOOLS_TRUSTCTL_REPOSITORY_EXPORT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/bundle.h"
#include "anchors/tuf/fetcher.h"

namespace anchorage::trustctl {

// Every file of a repository, verified.
struct RepositoryCopy {
  // The root of version n is files.roots[n - 1].
  anchors::BundleFiles files;
  std::int64_t timestamp_version = 0;
  std::int64_t snapshot_version = 0;
  std::int64_t targets_version = 0;
};

// Fetches all roots from the first and what the newest vouches for. The roots
// before `trusted_root` must lead to it by their signatures. Fails as the
// updater does, or with FAILED_PRECONDITION for a repository that is not laid
// out like trustd's: one whose snapshots are not consistent, or with delegated
// roles.
absl::StatusOr<RepositoryCopy> FetchRepository(anchors::tuf::Fetcher& fetcher,
                                               const std::string& trusted_root,
                                               absl::Time now);

// What WriteRepository() did.
struct RepositoryWritten {
  int written = 0;
  // Files that were already there, byte for byte the same.
  int unchanged = 0;
};

// Writes what `folder` lacks into its "tuf/", each file atomically, the
// timestamp last. Fails with FAILED_PRECONDITION, before anything is written,
// if the folder has a newer timestamp or belongs to another repository; with
// ABORTED if another process writes to it; or as the writers of anchors/base
// do.
absl::StatusOr<RepositoryWritten> WriteRepository(const RepositoryCopy& copy,
                                                  const std::string& folder);

}  // namespace anchorage::trustctl

#endif  // ANCHORAGE_TOOLS_TRUSTCTL_REPOSITORY_EXPORT_H_

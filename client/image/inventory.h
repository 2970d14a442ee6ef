// What is in an image: a walk over a tree of files that cannot be fooled.
//
//   auto made = ListImage("/mnt", {.exclusions = {"var/log"}}, {});
//   manifest.entries = std::move(made->found);
//
//   auto found = ExamineImage("/sysroot", manifest, {});
//   if (!found.ok()) return found.status();
//   auto differences = verify::Compare(manifest, std::move(found->found),
//                                      std::move(found->problems));
//
// The tree is read from a private copy of its mount, so that what lies hidden
// under other mounts is seen, and nothing outside is. No link is followed, no
// name is resolved twice, a device or a FIFO is never opened to be read, and
// what changes while it is read is a problem. What cannot be read is a problem
// too, never skipped. README.md says what this cannot see.
//
// The result is the same whatever the order in which threads come to files.
// Safe to call from any number of threads.

#ifndef ANCHORAGE_CLIENT_IMAGE_INVENTORY_H_
#define ANCHORAGE_CLIENT_IMAGE_INVENTORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "verify/image/comparison.h"
#include "verify/image/manifest.h"

namespace anchorage::client {

// How far a walk is; may be read while it goes on.
struct InventoryProgress {
  // Names that were looked at, and what was hashed of files.
  std::atomic<std::uint64_t> names{0};
  std::atomic<std::uint64_t> bytes{0};
};

struct InventoryOptions {
  // Where this process may not copy the mount (CAP_SYS_ADMIN), a walk fails;
  // with `as_seen` it goes over the tree as this process sees it, stops at
  // other mounts, and says so in `as_seen` of the result.
  bool as_seen = false;
  // How many threads read; 0 for a number that suits processors and disks.
  std::size_t threads = 0;
  // May be null.
  InventoryProgress* progress = nullptr;
  // Of most of what is as a manifest has it, keeps that fact alone, and no
  // entry: `as_listed` of the result is filled in, for verify::Compare().
  bool compact = false;
};

struct Inventory {
  // Sorted by name.
  std::vector<verify::ManifestEntry> found;
  // Empty, or for each entry of the manifest whether it was found as it is there
  // and is not in `found`.
  std::vector<bool> as_listed;
  // What makes an image differ beside its entries: unreadable, changed while
  // read, hidden by a mount, ... Sorted by name, then reason.
  std::vector<verify::Difference> problems;
  // What people should know and what is no difference, each a printable
  // sentence: mounts that are not looked at, exclusions on mounts that allow
  // programs.
  std::vector<std::string> notes;
  // Whether other mounts may hide files from the walk.
  bool as_seen = false;
  // Files that were read, their bytes, and files of which the kernel vouches
  // for the contents (fs-verity), which were not read.
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t enforced = 0;
};

// What a manifest that is to be made lists.
struct InventorySubject {
  verify::ManifestScope scope = verify::ManifestScope::kCodeAndStartup;
  // As in ImageManifest: exact names, sorted, none below another.
  std::vector<std::string> exclusions = {};
  // Whether entries say which package owns them (package_owner.h).
  bool packages = false;
};

// Lists everything below the folder `root` that `subject` covers, with SHA-256
// of all files; `problems` must be empty for a manifest to be made of it. A
// directory is listed where its mode is special, where something listed lies
// below it (who may write to it decides what is found there), and in the scope
// "everything".
//
// Fails with NOT_FOUND or FAILED_PRECONDITION where `root` is no folder,
// PERMISSION_DENIED where the mount may not be copied, RESOURCE_EXHAUSTED where
// there are more names than a manifest has entries, or no memory, threads or
// descriptors.
absl::StatusOr<Inventory> ListImage(const std::string& root,
                                    const InventorySubject& subject,
                                    const InventoryOptions& options);

// Finds what stands below the folder `root` for verify::Compare(): everything
// that `manifest` covers, and whatever stands at the names of its entries. Of
// files that cannot match (not listed, or of another size) the digest is zero
// and nothing is read but the head, so that the work is bounded by the manifest.
// A file of which `manifest` has the digest that the kernel enforces
// (fs-verity) has the SHA-256 of the manifest and is not read.
//
// Fails as ListImage() does.
absl::StatusOr<Inventory> ExamineImage(const std::string& root,
                                       const verify::ImageManifest& manifest,
                                       const InventoryOptions& options);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_IMAGE_INVENTORY_H_

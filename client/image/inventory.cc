#include "client/image/inventory.h"

#include <errno.h>
#include <stdlib.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/no_throw.h"
#include "client/image/beneath.h"
#include "client/image/mounts.h"
#include "client/image/package_owner.h"
#include "client/image/walk.h"
#include "verify/printable.h"

namespace anchorage::client {
namespace {

using verify::Difference;
using verify::DifferenceReason;
using verify::EntryType;
using verify::ManifestEntry;

// Whether an entry of `entries`, which are sorted, stands at `point` or below.
bool Hides(const std::vector<ManifestEntry>& entries, std::string_view point) {
  const std::string below = absl::StrCat(std::string(point), "/");
  const auto from = [&](std::string_view name) {
    return std::lower_bound(
        entries.begin(), entries.end(), name,
        [](const ManifestEntry& e, std::string_view n) { return e.name < n; });
  };
  const auto at = from(point);
  if (at != entries.end() && at->name == point &&
      at->type != EntryType::kDirectory) {
    return true;
  }
  const auto next = from(below);
  return next != entries.end() && next->name.starts_with(below);
}

// What the mounts at and below `root` make of an image.
void JudgeMounts(const WalkJob& job, const std::vector<Mount>& mounts,
                 const std::string& root, Inventory& all) {
  std::string skipped;
  for (const Mount& mount : mounts) {
    std::string_view name;
    if (!RelativeTo(root, mount.point, name) || name.empty()) continue;
    const bool runs = mount.exec || mount.suid;
    if (verify::IsExcluded(job.exclusions, name)) {
      if (!runs) {
        if (mount.dev && name != "dev" && !name.starts_with("dev/")) {
          all.notes.push_back(absl::StrCat(std::string(name), ": a mount (",
                                           mount.type, ") without nodev"));
        }
        continue;
      }
      all.problems.push_back(
          {DifferenceReason::kExcludedExecutable, std::string(name),
           absl::StrCat("a mount (", mount.type, ") that allows programs")});
    } else if (Hides(
                   job.manifest != nullptr ? job.manifest->entries : all.found,
                   name)) {
      all.problems.push_back(
          {DifferenceReason::kHiddenByMount, std::string(name),
           absl::StrCat("under a mount (", mount.type, ")")});
    } else {
      absl::StrAppend(&skipped, skipped.empty() ? "" : ", ", std::string(name),
                      mount.exec ? " (allows programs)" : "");
    }
  }
  if (!skipped.empty()) {
    all.notes.push_back("mounts that are no part of it: " + skipped);
  }
}

absl::StatusOr<Inventory> TakeOrThrow(const std::string& root,
                                      const InventorySubject& subject,
                                      const verify::ImageManifest* manifest,
                                      const InventoryOptions& options) {
  const std::unique_ptr<char, void (*)(void*)> real(
      ::realpath(root.c_str(), nullptr), ::free);
  if (real == nullptr) return anchors::FileError(errno, "open", root);
  auto mounts = MountsSeen();
  if (!mounts.ok()) return mounts.status();
  const Mount* const mounted = MountOf(*mounts, real.get());

  auto folder = OpenPrivateCopy(real.get());
  const bool as_seen = !folder.ok();
  if (options.as_seen && absl::IsPermissionDenied(folder.status())) {
    folder = OpenAsSeen(real.get());
  }
  if (!folder.ok()) return folder.status();

  const WalkJob job = {
      subject.scope, subject.exclusions,
      manifest,      options,
      as_seen,       mounted == nullptr ? std::string() : mounted->upper};
  auto all = WalkTree(job, *folder);
  if (!all.ok()) return all.status();
  all->as_seen = as_seen;
  JudgeMounts(job, *mounts, real.get(), *all);
  if (mounted != nullptr && !mounted->read_only) {
    all->notes.push_back(
        "its file system is writable: what was looked at can change");
  }
  if (as_seen) {
    all->notes.push_back("read as seen: other mounts may hide files");
  }
  if (manifest == nullptr) {
    // An exclusion is made for a folder that will be a mount of its own, and an
    // image may be built in an overlay.
    std::erase_if(all->problems, [&](const Difference& problem) {
      if (problem.reason != DifferenceReason::kExcludedExecutable &&
          problem.reason != DifferenceReason::kOverlayUpper) {
        return false;
      }
      all->notes.push_back(absl::StrCat(problem.name, ": ", problem.detail));
      return true;
    });
    if (subject.packages) AddPackages(*folder, all->found);
  }
  std::sort(all->problems.begin(), all->problems.end(),
            [](const Difference& a, const Difference& b) {
              return std::tie(a.name, a.reason, a.detail) <
                     std::tie(b.name, b.reason, b.detail);
            });
  for (std::string& note : all->notes) note = verify::Printable(note);
  return all;
}

}  // namespace

absl::StatusOr<Inventory> ListImage(const std::string& root,
                                    const InventorySubject& subject,
                                    const InventoryOptions& options) {
  return anchors::NoThrow(
      [&] { return TakeOrThrow(root, subject, nullptr, options); });
}

absl::StatusOr<Inventory> ExamineImage(const std::string& root,
                                       const verify::ImageManifest& manifest,
                                       const InventoryOptions& options) {
  return anchors::NoThrow([&] {
    return TakeOrThrow(
        root, {.scope = manifest.scope, .exclusions = manifest.exclusions},
        &manifest, options);
  });
}

}  // namespace anchorage::client

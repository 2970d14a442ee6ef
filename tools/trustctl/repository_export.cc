#include "tools/trustctl/repository_export.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/tuf/metadata.h"
#include "anchors/tuf/static_layout.h"
#include "anchors/tuf/trusted_set.h"
#include "anchors/tuf/updater.h"

namespace anchorage::trustctl {
namespace {

namespace tuf = anchors::tuf;

// What one fetch verified, for as long as it lasts.
class MemoryStore final : public tuf::MetadataStore {
 public:
  std::optional<std::string> Load(std::string_view name,
                                  std::size_t max_bytes) override {
    const auto found = files_.find(name);
    if (found == files_.end() || found->second.size() > max_bytes) {
      return std::nullopt;
    }
    return found->second;
  }

  absl::Status Save(std::string_view name, std::string_view bytes) override {
    files_.insert_or_assign(std::string(name), std::string(bytes));
    return absl::OkStatus();
  }

 private:
  std::map<std::string, std::string, std::less<>> files_;
};

// Fetches the roots from the first to the one before `trusted` and checks that
// they lead to it. A client may be older than the root that we trust.
absl::StatusOr<std::vector<std::string>> FetchOlderRoots(
    tuf::Fetcher& fetcher, const tuf::Root& trusted) {
  std::vector<std::string> roots;
  std::optional<tuf::TrustedSet> set;
  for (std::int64_t version = 1; version < trusted.envelope.version;
       ++version) {
    auto root = fetcher.FetchMetadata(absl::StrCat(version, ".root.json"),
                                      tuf::kMaxRootBytes);
    if (!root.ok()) {
      return absl::Status(
          root.status().code(),
          absl::StrCat(version, ".root.json: ", root.status().message()));
    }
    if (!set.has_value()) {
      auto first = tuf::TrustedSet::FromRoot(*root, absl::InfinitePast());
      if (!first.ok()) return first.status();
      set = *std::move(first);
    } else if (absl::Status s = set->UpdateRoot(*root); !s.ok()) {
      return s;
    }
    roots.push_back(*std::move(root));
  }
  if (set.has_value()) {
    if (absl::Status s = set->UpdateRoot(trusted.envelope.bytes); !s.ok()) {
      return s;
    }
  }
  return roots;
}

absl::Status CheckShape(const tuf::TrustedSet& set) {
  if (!set.root().consistent_snapshot) {
    return absl::FailedPreconditionError(
        "the repository's snapshots are not consistent: its files cannot be "
        "replaced one by one");
  }
  if (set.snapshot()->files.size() != 1) {
    return absl::FailedPreconditionError(
        "the repository has delegated roles, which a trustd never has");
  }
  return absl::OkStatus();
}

// The file at `path`; nullopt where there is none. One that is too long is as
// good as any other that is not ours: empty.
absl::StatusOr<std::optional<std::string>> ReadIfThere(const std::string& path,
                                                       std::size_t max_bytes) {
  auto bytes = anchors::ReadFile(path, max_bytes);
  if (absl::IsNotFound(bytes.status())) return std::nullopt;
  if (absl::IsOutOfRange(bytes.status())) return std::string();
  if (!bytes.ok()) return bytes.status();
  return *std::move(bytes);
}

absl::Status CheckNotBack(const std::string& path, const std::string& there,
                          const RepositoryCopy& copy) {
  if (there == copy.files.timestamp) return absl::OkStatus();
  const auto parsed = tuf::ParseTimestamp(there);
  if (!parsed.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is not a timestamp: ", parsed.status().message(),
                     " (is this the right folder?)"));
  }
  if (parsed->envelope.version >= copy.timestamp_version) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " has version ", parsed->envelope.version,
        " and the repository's is ", copy.timestamp_version,
        ": writing it would take readers back, or to another repository"));
  }
  return absl::OkStatus();
}

// A file that is to be written, and where.
struct Pending {
  std::string path;
  std::string_view bytes;
};

// Web servers run as others, so that folders are as open as the umask lets
// them be.
absl::Status MakeOpenFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot make folder ", path, ": ", error.message()));
}

}  // namespace

absl::StatusOr<RepositoryCopy> FetchRepository(tuf::Fetcher& fetcher,
                                               const std::string& trusted_root,
                                               absl::Time now) {
  const auto trusted = tuf::ParseRoot(trusted_root);
  if (!trusted.ok()) return trusted.status();
  MemoryStore store;
  auto updater = tuf::Updater::Create(trusted_root, now, &fetcher, &store);
  if (!updater.ok()) return updater.status();
  auto roots = FetchOlderRoots(fetcher, *trusted);
  if (!roots.ok()) return roots.status();
  if (absl::Status s = updater->Refresh(); !s.ok()) return s;
  const tuf::TrustedSet& set = updater->trusted();
  if (absl::Status s = CheckShape(set); !s.ok()) return s;

  RepositoryCopy copy;
  copy.files.roots = *std::move(roots);
  copy.files.roots.push_back(trusted_root);
  const std::int64_t newest = set.root().envelope.version;
  for (std::int64_t version = trusted->envelope.version + 1; version <= newest;
       ++version) {
    copy.files.roots.push_back(
        version == newest
            ? set.root().envelope.bytes
            : store
                  .Load(absl::StrCat("root_history/", version, ".root.json"),
                        tuf::kMaxRootBytes)
                  .value_or(""));
  }
  for (const auto& [path, target] : set.targets()->targets) {
    auto bytes = updater->DownloadTarget(path, target);
    if (!bytes.ok()) return bytes.status();
    copy.files.target_files.emplace(path, *std::move(bytes));
  }
  copy.files.timestamp = set.timestamp()->envelope.bytes;
  copy.files.snapshot = set.snapshot()->envelope.bytes;
  copy.files.targets = set.targets()->envelope.bytes;
  copy.timestamp_version = set.timestamp()->envelope.version;
  copy.snapshot_version = set.snapshot()->envelope.version;
  copy.targets_version = set.targets()->envelope.version;
  return copy;
}

absl::StatusOr<RepositoryWritten> WriteRepository(const RepositoryCopy& copy,
                                                  const std::string& folder) {
  tuf::RepositoryFiles files;
  files.roots = copy.files.roots;
  files.timestamp = copy.files.timestamp;
  files.snapshot = copy.files.snapshot;
  files.targets = copy.files.targets;
  files.snapshot_version = copy.snapshot_version;
  files.targets_version = copy.targets_version;
  for (const auto& [path, bytes] : copy.files.target_files) {
    files.target_files.push_back({path, bytes});
  }

  if (absl::Status s = MakeOpenFolder(folder); !s.ok()) return s;
  const auto lock = anchors::FolderLock::Take(folder);
  if (!lock.ok()) return lock.status();
  RepositoryWritten result;
  std::vector<Pending> pending;
  for (const tuf::StaticFile& file : tuf::LayOut(files)) {
    std::string path = absl::StrCat(folder, "/", file.path);
    const auto there =
        ReadIfThere(path, std::max(file.bytes.size(), tuf::kMaxTimestampBytes));
    if (!there.ok()) return there.status();
    if (there->has_value() && **there == file.bytes) {
      ++result.unchanged;
      continue;
    }
    if (there->has_value() && file.immutable) {
      return absl::FailedPreconditionError(
          absl::StrCat(path,
                       " is there with other bytes: this folder is of another "
                       "repository, or was changed by hand"));
    }
    if (there->has_value()) {
      if (absl::Status s = CheckNotBack(path, **there, copy); !s.ok()) {
        return s;
      }
    }
    pending.push_back({std::move(path), file.bytes});
  }

  for (const Pending& file : pending) {
    const std::string parent =
        std::filesystem::path(file.path).parent_path().string();
    if (absl::Status s = MakeOpenFolder(parent); !s.ok()) return s;
    if (absl::Status s = anchors::WriteFileAtomically(file.path, file.bytes);
        !s.ok()) {
      return s;
    }
    ++result.written;
  }
  return result;
}

}  // namespace anchorage::trustctl

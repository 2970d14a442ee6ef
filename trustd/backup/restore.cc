#include "trustd/backup/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "anchors/base/proto_time.h"
#include "anchors/tuf/metadata.h"
#include "trustd/backup/backup_error.h"
#include "trustd/base/store_keys.h"
#include "trustd/publish/keys.h"
#include "trustd/publish/publisher.h"
#include "trustd/publish/publisher_files.h"
#include "verify/printable.h"

namespace anchorage::trustd {
namespace {

namespace fs = std::filesystem;
namespace tuf = anchors::tuf;
using anchors::FileError;

std::string Utc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string Text(const StoreHead& head) {
  return absl::StrCat("sequence ", head.sequences.Of(anchors::kCatalogName),
                      ", timestamp ", head.timestamp_version, ", ",
                      head.records, " records");
}

// What a restore makes before it changes anything.
constexpr char kWorkName[] = "restoring";
// What the folder of what was there is called while the stores are exchanged.
constexpr char kCutOff[] = ".cut-off";

bool IsWork(const std::string& name) {
  const std::string part = absl::StrCat(kWorkName, ".part-");
  return name == kWorkName ||
         (name.starts_with(part) && name.size() == part.size() + 6);
}

// Removes what a restore left in `data_dir`, whose lock is held: at the
// beginning that of one that was cut off, and at the end our own. Never the
// backup in `folder`, whatever it is called.
void RemoveWork(const std::string& data_dir, const std::string& folder) {
  std::error_code error;
  const std::string backup = fs::weakly_canonical(folder, error).string() + "/";
  for (auto at = fs::directory_iterator(data_dir, error);
       !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code ignored;
    if (IsWork(at->path().filename().string()) &&
        !backup.starts_with(fs::weakly_canonical(at->path(), ignored).string() +
                            "/")) {
      fs::remove_all(at->path(), ignored);
    }
  }
}

// --- comparing -----------------------------------------------------------------

// What is in the place and says how far it had come.
struct Here {
  std::optional<StoreHead> head;
  // Null where there is none that can be read.
  std::unique_ptr<RocksDbStore> store;
  std::optional<StoreHead> store_head;
};

Here Look(const std::string& data_dir) {
  Here here;
  const auto text =
      anchors::ReadFile(data_dir + "/" + kHeadFile, kMaxHeadBytes);
  if (text.ok()) {
    if (auto head = ParseHead(*text); head.ok()) here.head = *std::move(head);
  }
  auto store = RocksDbStore::OpenForReading(data_dir + "/" + kStoreFolder);
  if (!store.ok()) return here;
  auto head = ReadHead(**store);
  if (!head.ok() || *head == StoreHead()) return here;
  here.store = *std::move(store);
  here.store_head = *std::move(head);
  return here;
}

// Compares the first root with each that is there; says whether there was one.
absl::StatusOr<bool> CheckFirstRoot(const BackupFacts& backup,
                                    const RestorePlace& place,
                                    const Here& here) {
  const std::string& first = backup.publication->files.roots.front();
  std::vector<std::pair<std::string, std::string>> known;
  for (const std::string& folder : {place.data_dir, place.ceremony_dir}) {
    if (folder.empty()) continue;
    const std::string path = absl::StrCat(folder, "/", kFirstRootFile);
    auto root = anchors::ReadFile(path, tuf::kMaxRootBytes);
    if (absl::IsNotFound(root.status())) continue;
    if (!root.ok()) return root.status();
    known.emplace_back(path, *std::move(root));
  }
  if (here.store != nullptr) {
    auto files = LoadFiles(*here.store);
    if (files.ok() && !files->roots.empty()) {
      known.emplace_back(place.data_dir + "/store",
                         std::move(files->roots.front()));
    }
  }
  for (const auto& [path, root] : known) {
    if (root == first) continue;
    return NotABackup(
        BackupReason::kOtherRepository,
        absl::StrCat("its first root is not that of ", path,
                     ": clients of the one do not follow the other"));
  }
  return !known.empty();
}

bool Names(const tuf::Root& root, const std::string& keyid) {
  for (const tuf::RoleKeys* role :
       {&root.root, &root.targets, &root.snapshot, &root.timestamp}) {
    if (std::find(role->keyids.begin(), role->keyids.end(), keyid) !=
        role->keyids.end()) {
      return true;
    }
  }
  return false;
}

// Compares the keys that are there with the backup's roots. Where nothing else
// says which repository this is (`is_known`), one of them must be in a root.
absl::Status CheckKeysHere(const BackupFacts& backup, const RestorePlace& place,
                           bool is_known, std::vector<std::string>& notes) {
  bool any_there = false;
  bool any_named = false;
  for (const std::string& path : place.key_paths) {
    const auto key = LoadKey(path);
    if (!key.ok()) {
      notes.push_back(std::string(key.status().message()));
      continue;
    }
    any_there = true;
    const std::string& keyid = (*key)->public_key().keyid();
    bool by_newest = false;
    for (const std::string& bytes : backup.publication->files.roots) {
      const auto root = tuf::ParseRoot(bytes);
      by_newest = root.ok() && Names(*root, keyid);
      any_named = any_named || by_newest;
    }
    if (!by_newest) {
      notes.push_back(absl::StrCat(
          path, " is no key of root ", backup.head.root_version,
          ", the newest of the backup: if it was replaced since, accept the "
          "store with a bundle that has the root that names it"));
    }
  }
  if (is_known || !any_there || any_named) return absl::OkStatus();
  return NotABackup(
      BackupReason::kOtherRepository,
      absl::StrCat("no root of it names a key that is here. If it is of this "
                   "repository, put its 1.root.json into ",
                   place.data_dir, " first"));
}

// Compares how far the backup has come with what is there.
absl::Status CheckHistory(const BackupFacts& backup, const RestorePlace& place,
                          const Here& here, std::vector<std::string>& notes) {
  const auto other = [&](const std::string& what) {
    return NotABackup(
        BackupReason::kOtherHistory,
        absl::StrCat("it has other records than ", what,
                     ": one of them was given up when people accepted a store "
                     "that went back. If you want this one all the same, move "
                     "store and store.head out of ",
                     place.data_dir, " first"));
  };
  if (here.head.has_value() && here.head->records <= backup.head.records) {
    const auto same = BeginsWith(*backup.store, backup.head, *here.head);
    if (!same.ok()) return same.status();
    if (!*same) return other("store.head has");
  }
  if (here.store_head.has_value() &&
      here.store_head->records >= backup.head.records) {
    const auto same = BeginsWith(*here.store, *here.store_head, backup.head);
    if (!same.ok()) return same.status();
    if (!*same) return other("the store has that is here");
  }
  const std::optional<StoreHead>& known =
      here.head.has_value() ? here.head : here.store_head;
  if (!known.has_value()) {
    notes.push_back(
        "nothing here tells how far this repository had come: let clients be "
        "heard before you accept the store");
  } else if (known->timestamp_version > backup.head.timestamp_version ||
             known->records > backup.head.records) {
    notes.push_back(absl::StrCat("this repository had come to ", Text(*known),
                                 "; the backup has ", Text(backup.head)));
  } else if (known->timestamp_version < backup.head.timestamp_version) {
    notes.push_back(
        absl::StrCat("the backup has ", Text(backup.head),
                     ", which is newer than what is here: ", Text(*known)));
  }
  return absl::OkStatus();
}

// --- changing ------------------------------------------------------------------

absl::Status Mark(const std::string& folder, const v1::BackupManifest& manifest,
                  std::string_view why, absl::Time now) {
  const auto store =
      RocksDbStore::Open(absl::StrCat(folder, "/", kStoreFolder));
  if (!store.ok()) return store.status();
  StoreBatch batch;
  batch.Put(keys::kSchema, absl::StrCat(kSchemaVersion));
  batch.Put(
      keys::kRestored,
      verify::Printable(absl::StrCat(
          "it was restored at ", Utc(now), " from the backup of ",
          Utc(anchors::TimeOf(manifest.made())), ": ", std::string(why))));
  return (*store)->Commit(batch);
}

// Gives what root has made to the owner of the place, who is to use it.
absl::Status GiveToOwner(const std::string& data_dir,
                         const std::string& folder) {
  struct stat status;
  if (::stat(data_dir.c_str(), &status) != 0) {
    return FileError(errno, "stat", data_dir);
  }
  if (::geteuid() != 0 || status.st_uid == 0) return absl::OkStatus();
  std::vector<std::string> paths = {folder, data_dir + "/lock"};
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error);
       !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    paths.push_back(at->path().string());
  }
  if (error) return absl::UnavailableError(error.message());
  for (const std::string& path : paths) {
    if (::lchown(path.c_str(), status.st_uid, status.st_gid) != 0) {
      return FileError(errno, "change the owner of", path);
    }
  }
  return absl::OkStatus();
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError(errno, "open", folder);
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  return synced == 0 ? absl::OkStatus() : FileError(error, "sync", folder);
}

// A name in `data_dir` for the store of before that nothing has yet, not even
// one that was cut off.
std::string KeptFolder(const std::string& data_dir, absl::Time now) {
  const std::string name = absl::StrCat(
      data_dir, "/before-restore-",
      absl::FormatTime("%Y%m%dT%H%M%SZ", now, absl::UTCTimeZone()));
  std::string kept = name;
  std::error_code error;
  for (int count = 2; fs::exists(fs::symlink_status(kept, error)) ||
                      fs::exists(fs::symlink_status(kept + kCutOff, error));
       ++count) {
    kept = absl::StrCat(name, "-", count);
  }
  return kept;
}

// Puts the store of `folder` into the place. Returns where the one of before is
// then, with a copy of its head; empty where there was none.
absl::StatusOr<std::string> Exchange(const std::string& data_dir,
                                     const std::string& folder,
                                     const std::string& kept_folder) {
  const std::string theirs = absl::StrCat(data_dir, "/", kStoreFolder);
  const std::string head = absl::StrCat(folder, "/", kHeadFile);
  if (absl::Status s =
          anchors::RemoveFile(absl::StrCat(folder, "/", kManifestFile));
      !s.ok()) {
    return s;
  }
  const auto kept =
      anchors::ReadFile(absl::StrCat(data_dir, "/", kHeadFile), kMaxHeadBytes);
  if (absl::Status s = kept.ok()
                           ? anchors::WriteFileAtomically(
                                 head, *kept, anchors::FileAccess::kPrivate)
                           : anchors::RemoveFile(head);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = GiveToOwner(data_dir, folder); !s.ok()) return s;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(theirs, error))) {
    const std::string ours = absl::StrCat(folder, "/", kStoreFolder);
    if (::rename(ours.c_str(), theirs.c_str()) != 0) {
      return FileError(errno, "rename a store to", theirs);
    }
    return std::string();
  }
  // Not as kWorkName, which is removed, and not yet as what it becomes: if this
  // is cut off, either of the two stores may be in it.
  const std::string between = kept_folder + kCutOff;
  if (::rename(folder.c_str(), between.c_str()) != 0) {
    return FileError(errno, "make", between);
  }
  const std::string ours = absl::StrCat(between, "/", kStoreFolder);
  // At no moment is there no store: a trustd that finds none may begin anew.
  if (::renameat2(AT_FDCWD, ours.c_str(), AT_FDCWD, theirs.c_str(),
                  RENAME_EXCHANGE) != 0) {
    const absl::Status status =
        FileError(errno, "exchange (move it away and restore again)", theirs);
    fs::remove_all(between, error);
    return status;
  }
  const bool is_named = ::rename(between.c_str(), kept_folder.c_str()) == 0;
  const std::string& kept_in = is_named ? kept_folder : between;
  if (absl::Status s = SyncFolder(kept_in); !s.ok()) return s;
  return kept_in;
}

}  // namespace

absl::StatusOr<Restored> RestoreBackup(const std::string& folder,
                                       const RestorePlace& place,
                                       std::string_view why, absl::Time now) {
  if (why.empty() || why.size() > kMaxRestoreWhyBytes) {
    return absl::InvalidArgumentError(
        "say why, in at most 1000 bytes: it goes on the record when people "
        "accept the store");
  }
  if (absl::Status s = anchors::MakeFolder(place.data_dir); !s.ok()) return s;
  const auto lock = anchors::FolderLock::Take(place.data_dir);
  if (absl::IsAborted(lock.status())) {
    return NotABackup(BackupReason::kInUse,
                      absl::StrCat(lock.status().message(), ": stop trustd"));
  }
  if (!lock.ok()) return lock.status();

  auto reader = BackupReader::Open(folder);
  if (!reader.ok()) return reader.status();
  RemoveWork(place.data_dir, folder);
  const absl::Cleanup remove_work = [&] { RemoveWork(place.data_dir, folder); };
  const std::string work = absl::StrCat(place.data_dir, "/", kWorkName);
  auto writer = BackupWriter::Begin(work);
  if (!writer.ok()) return writer.status();
  while (true) {
    const auto piece = (*reader)->Next();
    if (!piece.ok()) return piece.status();
    if (!piece->has_value()) break;
    if (absl::Status s = (*writer)->Take(**piece); !s.ok()) return s;
  }
  Restored restored;
  {
    const auto backup = (*writer)->Finish();
    if (!backup.ok()) return backup.status();
    const Here here = Look(place.data_dir);
    const auto is_known = CheckFirstRoot(*backup, place, here);
    if (!is_known.ok()) return is_known.status();
    if (absl::Status s =
            CheckKeysHere(*backup, place, *is_known, restored.notes);
        !s.ok()) {
      return s;
    }
    if (absl::Status s = CheckHistory(*backup, place, here, restored.notes);
        !s.ok()) {
      return s;
    }
    restored.manifest = backup->manifest;
    restored.head = backup->head;
  }
  if (absl::Status s = Mark(work, restored.manifest, why, now); !s.ok()) {
    return s;
  }
  auto kept = Exchange(place.data_dir, work, KeptFolder(place.data_dir, now));
  if (!kept.ok()) return kept.status();
  restored.kept = *std::move(kept);
  if (absl::Status s = SyncFolder(place.data_dir); !s.ok()) return s;
  return restored;
}

}  // namespace anchorage::trustd

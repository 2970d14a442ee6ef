// Puts a backup in the place of a trustd's store, while that trustd is stopped.
//
//   auto restored = RestoreBackup("/backup/monday", {.data_dir = dir, ...},
//                                 "disk 3 died", absl::Now());
//
// The next trustd serves what was restored and signs nothing until people
// accept it ('trustctl store accept'), whatever store.head says: the restored
// store says so itself (keys::kRestored).

#ifndef ANCHORAGE_TRUSTD_BACKUP_RESTORE_H_
#define ANCHORAGE_TRUSTD_BACKUP_RESTORE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/backup/backup_folder.h"

namespace anchorage::trustd {

// The longest reason, in bytes.
inline constexpr std::size_t kMaxRestoreWhyBytes = 1000;

struct RestorePlace {
  std::string data_dir;
  // Empty for none.
  std::string ceremony_dir = {};
  // The private keys that are to be there. They are read, and never changed.
  std::vector<std::string> key_paths = {};
};

struct Restored {
  v1::BackupManifest manifest;
  StoreHead head;
  // The folder that the store of before was moved to, with a copy of the head
  // that is still in its place; empty where there was none.
  std::string kept;
  // What people should know, one line each.
  std::vector<std::string> notes;
};

// Copies the backup in `folder` into the place, verifies the copy as
// VerifyBackup() does, compares it with what is there, and then exchanges the
// stores in one step; what was there is kept. Never changes a key nor
// store.head. Fails with INVALID_ARGUMENT for no reason or one that is too
// long, with the reasons of the place (backup_error.h), or as
// BackupWriter does; then nothing was changed.
absl::StatusOr<Restored> RestoreBackup(const std::string& folder,
                                       const RestorePlace& place,
                                       std::string_view why, absl::Time now);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BACKUP_RESTORE_H_

// Why a backup is not one that can be restored here, as one closed list.
//
//   const auto backup = VerifyBackup(folder);
//   if (!backup.ok()) Count(NameOf(*BackupReasonOf(backup.status())));
//
// A reason's NAME is API: it keeps its meaning for ever and is never reused.
// The text beside the name is for people: it may change, so never parse it.

#ifndef ANCHORAGE_TRUSTD_BACKUP_BACKUP_ERROR_H_
#define ANCHORAGE_TRUSTD_BACKUP_BACKUP_ERROR_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace anchorage::trustd {

enum class BackupReason {
  // --- The backup itself ----------------------------------------------------

  // There is no folder, or none with a manifest.
  kNoBackup,
  // The manifest is not what a trustd or trustctl wrote.
  kManifestInvalid,
  // A newer program made it.
  kNewerProgram,
  // A file is not there, or shorter than the manifest says.
  kCut,
  // A file is not what the manifest says, or the manifest does not name it.
  kChanged,
  // The files are as they were sent, and the store cannot be opened, its record
  // is not what was written, or its metadata does not verify.
  kStoreDamaged,
  // Store and head are not of one moment.
  kHeadOfAnother,

  // --- The place where it is to be restored ---------------------------------

  // A trustd uses the folder.
  kInUse,
  // It is of another repository than what is there.
  kOtherRepository,
  // It has other records than those that the head there has.
  kOtherHistory,

  kMaxValue = kOtherHistory,
};

// Returns a non-OK status that carries `reason` for machines and `detail` for
// people, which is made one line by verify::Printable().
absl::Status NotABackup(BackupReason reason, std::string_view detail);

// Returns the reason that NotABackup() put in `status`; nullopt for an OK
// status and for a status that it did not make.
std::optional<BackupReason> BackupReasonOf(const absl::Status& status);

// Returns the stable name, such as "BACKUP_CUT".
std::string_view NameOf(BackupReason reason);

// Returns all reasons, in the order of the list.
absl::Span<const BackupReason> AllBackupReasons();

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_BACKUP_BACKUP_ERROR_H_

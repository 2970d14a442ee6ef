#include "trustd/backup/backup_error.h"

#include "verify/typed_error.h"

namespace anchorage::trustd {
namespace {

struct Row {
  BackupReason value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kDamaged = absl::StatusCode::kDataLoss;
constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;

constexpr Row kRows[] = {
    {BackupReason::kNoBackup, "NO_BACKUP", absl::StatusCode::kNotFound},
    {BackupReason::kManifestInvalid, "BACKUP_MANIFEST_INVALID",
     absl::StatusCode::kInvalidArgument},
    {BackupReason::kNewerProgram, "BACKUP_OF_NEWER_PROGRAM", kRefused},
    {BackupReason::kCut, "BACKUP_CUT", kDamaged},
    {BackupReason::kChanged, "BACKUP_CHANGED", kDamaged},
    {BackupReason::kStoreDamaged, "BACKUP_STORE_DAMAGED", kDamaged},
    {BackupReason::kHeadOfAnother, "BACKUP_HEAD_OF_ANOTHER", kDamaged},
    {BackupReason::kInUse, "DATA_DIR_IN_USE", absl::StatusCode::kAborted},
    {BackupReason::kOtherRepository, "BACKUP_OF_OTHER_REPOSITORY", kRefused},
    {BackupReason::kOtherHistory, "BACKUP_OF_OTHER_HISTORY", kRefused},
};

constexpr char kPayload[] = "anchorage.trustd/backup-reason";

using BackupErrors = verify::TypedErrors<kRows, kPayload>;

}  // namespace

absl::Status NotABackup(BackupReason reason, std::string_view detail) {
  return BackupErrors::Make(reason, detail);
}

std::optional<BackupReason> BackupReasonOf(const absl::Status& status) {
  return BackupErrors::ReasonOf(status);
}

std::string_view NameOf(BackupReason reason) {
  return BackupErrors::NameOf(reason);
}

absl::Span<const BackupReason> AllBackupReasons() {
  return BackupErrors::All();
}

}  // namespace anchorage::trustd

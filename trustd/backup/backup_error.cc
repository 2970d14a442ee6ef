#include "trustd/backup/backup_error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "verify/enum_table.h"
#include "verify/printable.h"

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

using BackupReasons = verify::EnumTable<kRows>;

constexpr char kPayloadUrl[] = "anchorage.trustd/backup-reason";

}  // namespace

absl::Status NotABackup(BackupReason reason, std::string_view detail) {
  const auto& row = BackupReasons::Of(reason);
  const std::string name(row.name);
  absl::Status status(
      row.code,
      verify::Printable(
          absl::StrCat(name, ": ",
                       absl::string_view(detail.data(), detail.size())),
          verify::kMaxSentenceBytes));
  status.SetPayload(kPayloadUrl, absl::Cord(name));
  return status;
}

std::optional<BackupReason> BackupReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  return BackupReasons::Named(std::string(*payload));
}

std::string_view NameOf(BackupReason reason) {
  return BackupReasons::Of(reason).name;
}

absl::Span<const BackupReason> AllBackupReasons() {
  return BackupReasons::All();
}

}  // namespace anchorage::trustd

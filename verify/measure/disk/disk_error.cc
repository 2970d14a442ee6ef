#include "verify/measure/disk/disk_error.h"

#include "verify/typed_error.h"

namespace anchorage::verify {
namespace {

struct Row {
  DiskReason value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kUnreadable = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kRefused = absl::StatusCode::kPermissionDenied;

constexpr Row kRows[] = {
    {DiskReason::kDiskUnreadable, "DISK_UNREADABLE",
     absl::StatusCode::kUnavailable},
    {DiskReason::kDiskNotRaw, "DISK_NOT_RAW", kUnreadable},
    {DiskReason::kDiskTruncated, "DISK_TRUNCATED", kUnreadable},
    {DiskReason::kGptMissing, "GPT_MISSING", kUnreadable},
    {DiskReason::kGptInvalid, "GPT_INVALID", kUnreadable},
    {DiskReason::kGptChecksum, "GPT_CHECKSUM", kUnreadable},
    {DiskReason::kGptLimit, "GPT_LIMIT", kUnreadable},
    {DiskReason::kGptOverlap, "GPT_OVERLAP", kUnreadable},
    {DiskReason::kGptAmbiguous, "GPT_AMBIGUOUS", kUnreadable},
    {DiskReason::kFatInvalid, "FAT_INVALID", kUnreadable},
    {DiskReason::kFatChain, "FAT_CHAIN", kUnreadable},
    {DiskReason::kFatLimit, "FAT_LIMIT", kUnreadable},
    {DiskReason::kFatName, "FAT_NAME", kUnreadable},
    {DiskReason::kFatAmbiguous, "FAT_AMBIGUOUS", kUnreadable},
    {DiskReason::kFatNotFound, "FAT_NOT_FOUND", kUnreadable},
    {DiskReason::kEspMissing, "ESP_MISSING", kUnreadable},
    {DiskReason::kEspAmbiguous, "ESP_AMBIGUOUS", kUnreadable},
    {DiskReason::kBootProgramMissing, "BOOT_PROGRAM_MISSING", kUnreadable},
    {DiskReason::kCmdlineMissing, "CMDLINE_MISSING", kRefused},
    {DiskReason::kInitrdMissing, "INITRD_MISSING", kRefused},
    {DiskReason::kCmdlineInvalid, "CMDLINE_INVALID", kRefused},
    {DiskReason::kCmdlineAmbiguous, "CMDLINE_AMBIGUOUS", kRefused},
    {DiskReason::kRootHashMissing, "ROOT_HASH_MISSING", kRefused},
    {DiskReason::kRootHashInvalid, "ROOT_HASH_INVALID", kRefused},
    {DiskReason::kVerityPartition, "VERITY_PARTITION", kRefused},
    {DiskReason::kVeritySuperblock, "VERITY_SUPERBLOCK", kRefused},
    {DiskReason::kVerityRootHash, "VERITY_ROOT_HASH", kRefused},
    {DiskReason::kVerityTree, "VERITY_TREE", kRefused},
    {DiskReason::kRootWritable, "ROOT_WRITABLE", kRefused},
    {DiskReason::kRootNotCovered, "ROOT_NOT_COVERED", kRefused},
};

constexpr char kPayload[] = "anchorage.dev/disk-reason";

using DiskErrors = TypedErrors<kRows, kPayload>;

}  // namespace

absl::Status DiskError(DiskReason reason, std::string_view detail) {
  return DiskErrors::Make(reason, detail);
}

std::optional<DiskReason> DiskReasonOf(const absl::Status& status) {
  return DiskErrors::ReasonOf(status);
}

std::string_view NameOf(DiskReason reason) {
  return DiskErrors::NameOf(reason);
}

}  // namespace anchorage::verify

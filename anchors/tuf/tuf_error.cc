#include "anchors/tuf/tuf_error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "verify/enum_table.h"
#include "verify/printable.h"

namespace anchorage::anchors::tuf {
namespace {

struct Row {
  TufReason value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kUnreadable = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kNotSigned = absl::StatusCode::kUnauthenticated;
constexpr absl::StatusCode kStale = absl::StatusCode::kFailedPrecondition;
constexpr absl::StatusCode kNotThere = absl::StatusCode::kNotFound;
constexpr absl::StatusCode kCouldNot = absl::StatusCode::kUnavailable;

constexpr Row kRows[] = {
    {TufReason::kMetadataTooLarge, "METADATA_TOO_LARGE", kUnreadable},
    {TufReason::kMetadataMalformed, "METADATA_MALFORMED", kUnreadable},
    {TufReason::kDuplicateMember, "DUPLICATE_MEMBER", kUnreadable},
    {TufReason::kNumberNotCanonical, "NUMBER_NOT_CANONICAL", kUnreadable},
    {TufReason::kWrongType, "WRONG_TYPE", kUnreadable},
    {TufReason::kSpecVersionUnsupported, "SPEC_VERSION_UNSUPPORTED",
     kUnreadable},
    {TufReason::kExpiresMalformed, "EXPIRES_MALFORMED", kUnreadable},
    {TufReason::kDuplicateSignatureKeyId, "DUPLICATE_SIGNATURE_KEYID",
     kUnreadable},
    {TufReason::kDuplicateRoleKeyId, "DUPLICATE_ROLE_KEYID", kUnreadable},
    {TufReason::kKeyIdMismatch, "KEYID_MISMATCH", kUnreadable},
    {TufReason::kThresholdInvalid, "THRESHOLD_INVALID", kUnreadable},
    {TufReason::kRootRolesInvalid, "ROOT_ROLES_INVALID", kUnreadable},
    {TufReason::kDelegationInvalid, "DELEGATION_INVALID", kUnreadable},
    {TufReason::kHashAlgorithmUnknown, "HASH_ALGORITHM_UNKNOWN", kUnreadable},
    {TufReason::kTargetPathUnsafe, "TARGET_PATH_UNSAFE", kUnreadable},
    {TufReason::kThresholdNotMet, "THRESHOLD_NOT_MET", kNotSigned},
    {TufReason::kRootNotSelfSigned, "ROOT_NOT_SELF_SIGNED", kNotSigned},
    {TufReason::kLengthMismatch, "LENGTH_MISMATCH", kNotSigned},
    {TufReason::kHashMismatch, "HASH_MISMATCH", kNotSigned},
    {TufReason::kTargetLengthMismatch, "TARGET_LENGTH_MISMATCH", kNotSigned},
    {TufReason::kTargetHashMismatch, "TARGET_HASH_MISMATCH", kNotSigned},
    {TufReason::kRootVersionNotNext, "ROOT_VERSION_NOT_NEXT", kStale},
    {TufReason::kTimestampRollback, "TIMESTAMP_ROLLBACK", kStale},
    {TufReason::kSnapshotEntryRollback, "SNAPSHOT_ENTRY_ROLLBACK", kStale},
    {TufReason::kSnapshotRollback, "SNAPSHOT_ROLLBACK", kStale},
    {TufReason::kTargetsEntryRollback, "TARGETS_ENTRY_ROLLBACK", kStale},
    {TufReason::kSnapshotEntryRemoved, "SNAPSHOT_ENTRY_REMOVED", kStale},
    {TufReason::kSnapshotVersionMismatch, "SNAPSHOT_VERSION_MISMATCH", kStale},
    {TufReason::kTargetsVersionMismatch, "TARGETS_VERSION_MISMATCH", kStale},
    {TufReason::kEquivocation, "EQUIVOCATION", kStale},
    {TufReason::kRootRollback, "ROOT_ROLLBACK", kStale},
    {TufReason::kSequenceRollback, "SEQUENCE_ROLLBACK", kStale},
    {TufReason::kSequenceLeap, "SEQUENCE_LEAP", kStale},
    {TufReason::kClockSuspect, "CLOCK_SUSPECT", kStale},
    {TufReason::kRootExpired, "ROOT_EXPIRED", kStale},
    {TufReason::kTimestampExpired, "TIMESTAMP_EXPIRED", kStale},
    {TufReason::kSnapshotExpired, "SNAPSHOT_EXPIRED", kStale},
    {TufReason::kTargetsExpired, "TARGETS_EXPIRED", kStale},
    {TufReason::kDelegatedExpired, "DELEGATED_EXPIRED", kStale},
    {TufReason::kOutOfOrder, "OUT_OF_ORDER", kStale},
    {TufReason::kRootLimit, "ROOT_LIMIT", kStale},
    {TufReason::kDelegationLimit, "DELEGATION_LIMIT", kStale},
    {TufReason::kRoleMissing, "ROLE_MISSING", kNotThere},
    {TufReason::kTargetNotFound, "TARGET_NOT_FOUND", kNotThere},
    {TufReason::kFileNotOnServer, "FILE_NOT_ON_SERVER", kNotThere},
    {TufReason::kFetchFailed, "FETCH_FAILED", kCouldNot},
    {TufReason::kStoreFailed, "STORE_FAILED", kCouldNot},
    {TufReason::kCryptoUnavailable, "CRYPTO_UNAVAILABLE", kCouldNot},
    {TufReason::kSigningKeyUnreadable, "SIGNING_KEY_UNREADABLE", kUnreadable},
    {TufReason::kSigningKeyUnsupported, "SIGNING_KEY_UNSUPPORTED", kUnreadable},
    {TufReason::kSigningFailed, "SIGNING_FAILED", kUnreadable},
    {TufReason::kNotPublishable, "NOT_PUBLISHABLE", kUnreadable},
};

using TufReasons = verify::EnumTable<kRows>;

constexpr char kPayloadUrl[] = "anchorage.dev/tuf-reason";

}  // namespace

absl::Status RejectUpdate(TufReason reason, std::string_view detail) {
  const Row& row = TufReasons::Of(reason);
  const std::string sentence =
      absl::StrCat(absl::string_view(row.name.data(), row.name.size()), ": ",
                   absl::string_view(detail.data(), detail.size()));
  absl::Status status(row.code,
                      verify::Printable(sentence, verify::kMaxSentenceBytes));
  status.SetPayload(kPayloadUrl, absl::Cord(absl::string_view(
                                     row.name.data(), row.name.size())));
  return status;
}

std::optional<TufReason> TufReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  return TufReasonNamed(std::string(*payload));
}

absl::Status InFile(std::string_view name, const absl::Status& status) {
  const auto reason = TufReasonOf(status);
  if (!reason.has_value()) return status;
  const absl::string_view detail =
      status.message().substr(NameOf(*reason).size() + 2);
  return RejectUpdate(
      *reason,
      absl::StrCat(absl::string_view(name.data(), name.size()), ": ", detail));
}

std::string_view NameOf(TufReason reason) {
  return TufReasons::Of(reason).name;
}

std::optional<TufReason> TufReasonNamed(std::string_view name) {
  return TufReasons::Named(name);
}

absl::Span<const TufReason> AllTufReasons() { return TufReasons::All(); }

}  // namespace anchorage::anchors::tuf

#include "verify/measure/boot/measure_error.h"

#include "verify/typed_error.h"

namespace anchorage::verify {
namespace {

struct Row {
  MeasureReason value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kUnreadable = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kNotSigned = absl::StatusCode::kUnauthenticated;
constexpr absl::StatusCode kDoesNotBoot = absl::StatusCode::kFailedPrecondition;
constexpr absl::StatusCode kBootsMore = absl::StatusCode::kPermissionDenied;
constexpr absl::StatusCode kUndecided = absl::StatusCode::kUnavailable;

constexpr Row kRows[] = {
    {MeasureReason::kNotPe, "NOT_PE", kUnreadable},
    {MeasureReason::kPeHeaderInvalid, "PE_HEADER_INVALID", kUnreadable},
    {MeasureReason::kPeTruncated, "PE_TRUNCATED", kUnreadable},
    {MeasureReason::kPeOverlap, "PE_OVERLAP", kUnreadable},
    {MeasureReason::kPeSectionCount, "PE_SECTION_COUNT", kUnreadable},
    {MeasureReason::kPeCertificateTablePlace, "PE_CERTIFICATE_TABLE_PLACE",
     kUnreadable},
    {MeasureReason::kPeSectionTwice, "PE_SECTION_TWICE", kUnreadable},
    {MeasureReason::kPeSectionZeroFilled, "PE_SECTION_ZERO_FILLED", kUndecided},
    {MeasureReason::kImageSignatureMalformed, "IMAGE_SIGNATURE_MALFORMED",
     kUnreadable},
    {MeasureReason::kImageSignatureOfAnother, "IMAGE_SIGNATURE_OF_ANOTHER",
     kNotSigned},
    {MeasureReason::kImageSignatureMismatch, "IMAGE_SIGNATURE_MISMATCH",
     kNotSigned},
    {MeasureReason::kImageAuthorityUndecided, "IMAGE_AUTHORITY_UNDECIDED",
     kUndecided},
    {MeasureReason::kSignatureListMalformed, "SIGNATURE_LIST_MALFORMED",
     kUnreadable},
    {MeasureReason::kSignatureListIsUpdate, "SIGNATURE_LIST_IS_UPDATE",
     kUnreadable},
    {MeasureReason::kImageNotBootable, "IMAGE_NOT_BOOTABLE", kDoesNotBoot},
    {MeasureReason::kStubVersionMissing, "STUB_VERSION_MISSING", kUndecided},
    {MeasureReason::kStubVersionUnknown, "STUB_VERSION_UNKNOWN", kUndecided},
    {MeasureReason::kCommandLineMissing, "COMMAND_LINE_MISSING", kBootsMore},
    {MeasureReason::kInitrdMissing, "INITRD_MISSING", kBootsMore},
    {MeasureReason::kProfileChosenAtBoot, "PROFILE_CHOSEN_AT_BOOT", kBootsMore},
    {MeasureReason::kShimNotModelled, "SHIM_NOT_MODELLED", kBootsMore},
    {MeasureReason::kKeysIncomplete, "KEYS_INCOMPLETE", kUnreadable},
    {MeasureReason::kImageNotAuthorized, "IMAGE_NOT_AUTHORIZED", kDoesNotBoot},
    {MeasureReason::kImageAuthorityAmbiguous, "IMAGE_AUTHORITY_AMBIGUOUS",
     kUndecided},
    {MeasureReason::kImageForbidden, "IMAGE_FORBIDDEN", kDoesNotBoot},
    {MeasureReason::kEventLogTooLarge, "EVENT_LOG_TOO_LARGE", kUnreadable},
    {MeasureReason::kEventLogTruncated, "EVENT_LOG_TRUNCATED", kUnreadable},
    {MeasureReason::kEventLogMalformed, "EVENT_LOG_MALFORMED", kUnreadable},
    {MeasureReason::kEventLogSha384Missing, "EVENT_LOG_SHA384_MISSING",
     kUnreadable},
};

constexpr char kPayload[] = "anchorage.dev/measure-reason";

using MeasureErrors = TypedErrors<kRows, kPayload>;

}  // namespace

absl::Status CannotMeasure(MeasureReason reason, std::string_view detail) {
  return MeasureErrors::Make(reason, detail);
}

std::optional<MeasureReason> MeasureReasonOf(const absl::Status& status) {
  return MeasureErrors::ReasonOf(status);
}

std::string_view NameOf(MeasureReason reason) {
  return MeasureErrors::NameOf(reason);
}

}  // namespace anchorage::verify

#include "client/validate/validate_error.h"

#include "verify/typed_error.h"

namespace anchorage::client {
namespace {

struct Row {
  ValidateReason value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kNotThere = absl::StatusCode::kNotFound;
constexpr absl::StatusCode kForbidden = absl::StatusCode::kPermissionDenied;
constexpr absl::StatusCode kCouldNot = absl::StatusCode::kUnavailable;
constexpr absl::StatusCode kTooLate = absl::StatusCode::kDeadlineExceeded;
constexpr absl::StatusCode kUnreadable = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kNotExpected = absl::StatusCode::kFailedPrecondition;

using Reason = ValidateReason;

constexpr Row kRows[] = {
    {Reason::kConfigMissing, "CONFIG_MISSING", kNotThere},
    {Reason::kConfigInvalid, "CONFIG_INVALID", kUnreadable},
    {Reason::kManifestMissing, "MANIFEST_MISSING", kNotThere},
    {Reason::kManifestUnreadable, "MANIFEST_UNREADABLE", kUnreadable},
    {Reason::kManifestForeign, "MANIFEST_FOREIGN", kNotExpected},
    {Reason::kManifestOfAnotherProduct, "MANIFEST_OF_ANOTHER_PRODUCT",
     kNotExpected},
    {Reason::kManifestOlder, "MANIFEST_OLDER", kNotExpected},
    {Reason::kManifestScopeTooSmall, "MANIFEST_SCOPE_TOO_SMALL", kNotExpected},
    {Reason::kManifestExclusions, "MANIFEST_EXCLUDES_TOO_MUCH", kNotExpected},
    {Reason::kTreeUnreadable, "TREE_UNREADABLE", kCouldNot},
    {Reason::kTreeDiffers, "TREE_DIFFERS", kNotExpected},
    {Reason::kTpmAbsent, "TPM_ABSENT", kNotThere},
    {Reason::kTpmForbidden, "TPM_FORBIDDEN", kForbidden},
    {Reason::kTpmTimeout, "TPM_TIMEOUT", kTooLate},
    {Reason::kTpmAnswerInvalid, "TPM_ANSWER_INVALID", kUnreadable},
    {Reason::kTpmRefused, "TPM_REFUSED", kCouldNot},
    {Reason::kTpmBankAbsent, "TPM_BANK_ABSENT", kCouldNot},
    {Reason::kTpmRegisterUsed, "TPM_REGISTER_USED", kNotExpected},
    {Reason::kTpmRegisterWrong, "TPM_REGISTER_WRONG", kNotExpected},
    {Reason::kValidatorDied, "VALIDATOR_DIED", kCouldNot},
    {Reason::kValidatorTimeout, "VALIDATOR_TIMEOUT", kTooLate},
    {Reason::kValidatorUnavailable, "VALIDATOR_UNAVAILABLE", kCouldNot},
};

constexpr char kPayload[] = "anchorage.dev/validate-reason";

using ValidateErrors = verify::TypedErrors<kRows, kPayload>;

}  // namespace

absl::Status NotValid(ValidateReason reason, std::string_view detail) {
  return ValidateErrors::Make(reason, detail);
}

std::optional<ValidateReason> ValidateReasonOf(const absl::Status& status) {
  return ValidateErrors::ReasonOf(status);
}

std::string_view NameOf(ValidateReason reason) {
  return ValidateErrors::NameOf(reason);
}

absl::Span<const ValidateReason> AllValidateReasons() {
  return ValidateErrors::All();
}

}  // namespace anchorage::client

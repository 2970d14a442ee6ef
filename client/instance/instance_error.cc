#include "client/instance/instance_error.h"

#include "verify/typed_error.h"

namespace anchorage::client {
namespace {

struct Row {
  InstanceReason value;
  std::string_view name;
  absl::StatusCode code;
};

constexpr absl::StatusCode kNotThere = absl::StatusCode::kNotFound;
constexpr absl::StatusCode kForbidden = absl::StatusCode::kPermissionDenied;
constexpr absl::StatusCode kCouldNot = absl::StatusCode::kUnavailable;
constexpr absl::StatusCode kTooLate = absl::StatusCode::kDeadlineExceeded;
constexpr absl::StatusCode kUnreadable = absl::StatusCode::kInvalidArgument;

constexpr Row kRows[] = {
    {InstanceReason::kImdsAbsent, "IMDS_ABSENT", kCouldNot},
    {InstanceReason::kImdsDisabled, "IMDS_DISABLED", kForbidden},
    {InstanceReason::kImdsHopLimit, "IMDS_HOP_LIMIT", kTooLate},
    {InstanceReason::kImdsTokenRequired, "IMDS_TOKEN_REQUIRED", kForbidden},
    {InstanceReason::kImdsThrottled, "IMDS_THROTTLED", kCouldNot},
    {InstanceReason::kImdsTimeout, "IMDS_TIMEOUT", kTooLate},
    {InstanceReason::kImdsAnswerInvalid, "IMDS_ANSWER_INVALID", kUnreadable},
    {InstanceReason::kIdentityFormNotServed, "IDENTITY_FORM_NOT_SERVED",
     kNotThere},
    {InstanceReason::kAttestationAbsent, "ATTESTATION_ABSENT", kNotThere},
    {InstanceReason::kAttestationForbidden, "ATTESTATION_FORBIDDEN",
     kForbidden},
    {InstanceReason::kAttestationRefused, "ATTESTATION_REFUSED", kCouldNot},
    {InstanceReason::kAttestationTimeout, "ATTESTATION_TIMEOUT", kTooLate},
    {InstanceReason::kAttestationAnswerInvalid, "ATTESTATION_ANSWER_INVALID",
     kUnreadable},
    {InstanceReason::kInstanceUnavailable, "INSTANCE_UNAVAILABLE", kCouldNot},
};

constexpr char kPayload[] = "anchorage.dev/instance-reason";

using InstanceErrors = verify::TypedErrors<kRows, kPayload>;

}  // namespace

absl::Status NotFromInstance(InstanceReason reason, std::string_view detail) {
  return InstanceErrors::Make(reason, detail);
}

std::optional<InstanceReason> InstanceReasonOf(const absl::Status& status) {
  return InstanceErrors::ReasonOf(status);
}

std::string_view NameOf(InstanceReason reason) {
  return InstanceErrors::NameOf(reason);
}

absl::Span<const InstanceReason> AllInstanceReasons() {
  return InstanceErrors::All();
}

}  // namespace anchorage::client

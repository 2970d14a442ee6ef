#include "client/instance/instance_error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "verify/enum_table.h"
#include "verify/printable.h"

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

using InstanceReasons = verify::EnumTable<kRows>;

constexpr char kPayloadUrl[] = "anchorage.dev/instance-reason";

}  // namespace

absl::Status NotFromInstance(InstanceReason reason, std::string_view detail) {
  const Row& row = InstanceReasons::Of(reason);
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

std::optional<InstanceReason> InstanceReasonOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  return InstanceReasons::Named(std::string(*payload));
}

std::string_view NameOf(InstanceReason reason) {
  return InstanceReasons::Of(reason).name;
}

absl::Span<const InstanceReason> AllInstanceReasons() {
  return InstanceReasons::All();
}

}  // namespace anchorage::client

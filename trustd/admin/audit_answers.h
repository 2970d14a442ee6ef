// The answers of AuditService as pure functions of what is known.
//
// The promises are those of audit_service.proto.

#ifndef ANCHORAGE_TRUSTD_ADMIN_AUDIT_ANSWERS_H_
#define ANCHORAGE_TRUSTD_ADMIN_AUDIT_ANSWERS_H_

#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/anchorage/v1/audit_service.pb.h"

namespace anchorage::trustd {

// Rotations in the order of their numbers, those for which `wanted` is true;
// as Mirror::Rotations().
using RotationReader = std::function<std::vector<v1::Rotation>(
    const std::function<bool(const v1::Rotation&)>& wanted)>;

// The bytes of one record; as Ledger::ReadBytes().
using RecordReader =
    std::function<absl::StatusOr<std::string>(std::uint64_t index)>;

// A page that passes few records looks at no more than these, and says where
// to go on: nobody can keep a thread busy with one call.
inline constexpr std::uint64_t kMaxRecordsScanned = 10'000;

// Fills `response` with one page.
grpc::Status AnswerRotations(const RotationReader& read,
                             const v1::ListRotationsRequest& request,
                             v1::ListRotationsResponse& response);

// The same of the `size` records that there are.
grpc::Status AnswerRecords(std::uint64_t size, const RecordReader& read,
                           const v1::ListRecordsRequest& request,
                           v1::ListRecordsResponse& response);

// Takes out what is large and what only GetRotation gives.
void Shorten(v1::Rotation& rotation);

// How the failure of a record's reader is told.
grpc::Status RecordError(const absl::Status& status);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_AUDIT_ANSWERS_H_

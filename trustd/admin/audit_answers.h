// The answers of AuditService, as pure functions.
//
// They keep the promises of audit_service.proto.

#ifndef ANCHORAGE_TRUSTD_ADMIN_AUDIT_ANSWERS_H_
#define ANCHORAGE_TRUSTD_ADMIN_AUDIT_ANSWERS_H_

#include <grpcpp/support/status.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/anchorage/v1/audit_service.pb.h"
#include "trustd/record/record_index.h"

namespace anchorage::trustd {

// Returns the rotations for which `wanted` is true, in the order of their
// numbers; like Mirror::Rotations().
using RotationReader = std::function<std::vector<v1::Rotation>(
    const std::function<bool(const v1::Rotation&)>& wanted)>;

// The most records that are read for one page, and that are looked at in the
// index, whose token then says where to go on: nobody can keep a thread busy
// with one call.
inline constexpr std::uint64_t kMaxRecordsScanned = 10'000;
inline constexpr std::uint64_t kMaxRecordsExamined = 100'000;

// Fills `response` with one page.
grpc::Status AnswerRotations(const RotationReader& read,
                             const v1::ListRotationsRequest& request,
                             v1::ListRotationsResponse& response);

// Fills `response` with one page of the `size` records. `index` is of the same
// records and is read on first, where the request needs it.
grpc::Status AnswerRecords(std::uint64_t size, const RecordReader& read,
                           RecordIndex& index,
                           const v1::ListRecordsRequest& request,
                           v1::ListRecordsResponse& response);

// Returns the gRPC status for a failure to read records.
grpc::Status RecordError(const absl::Status& status);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_AUDIT_ANSWERS_H_

// AuditService over gRPC: reads a mirror and changes nothing.

#ifndef ANCHORAGE_TRUSTD_ADMIN_AUDIT_SERVICE_H_
#define ANCHORAGE_TRUSTD_ADMIN_AUDIT_SERVICE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "proto/anchorage/v1/audit_service.pb.h"
#include "trustd/admin/access.h"
#include "trustd/mirror/mirror.h"
#include "trustd/rpc/call_gate.h"
#include "trustd/rpc/watches.h"

namespace anchorage::trustd {

// Returns at most `windows` windows of what instances reported.
using FleetFunction = std::function<v1::GetFleetResponse(std::size_t windows)>;

// Keeps the promises of audit_service.proto. Thread-safe.
class AuditServiceImpl final {
 public:
  // `access` and `mirror` must outlive the service; `fleet` is empty where no
  // reports are taken.
  AuditServiceImpl(const Access& access, Mirror& mirror, FleetFunction fleet,
                   std::function<absl::Time()> clock, int max_watchers);

  // Adds its methods to `gate`, which the service outlives.
  void AddTo(CallGate& gate);

  // As Watches::Shutdown().
  void Shutdown() { watches_.Shutdown(); }

 private:
  class Watch;

  // Adds a method that only reads, for callers that may look.
  template <typename Request, typename Response>
  void AddLook(CallGate& gate, const std::string& name,
               grpc::Status (AuditServiceImpl::*method)(const Request&,
                                                        Response&));

  grpc::Status ListRotations(const v1::ListRotationsRequest& request,
                             v1::ListRotationsResponse& response);
  grpc::Status GetRotation(const v1::GetRotationRequest& request,
                           v1::GetRotationResponse& response);
  grpc::Status ExplainRotation(const v1::ExplainRotationRequest& request,
                               v1::ExplainRotationResponse& response);
  grpc::Status ListRecords(const v1::ListRecordsRequest& request,
                           v1::ListRecordsResponse& response);
  grpc::Status ListSources(const v1::ListSourcesRequest& request,
                           v1::ListSourcesResponse& response);
  grpc::Status GetLedgerHead(const v1::GetLedgerHeadRequest& request,
                             v1::GetLedgerHeadResponse& response);
  grpc::Status GetFleet(const v1::GetFleetRequest& request,
                        v1::GetFleetResponse& response);
  grpc::Status WatchRecords(const Caller& caller,
                            const v1::WatchRecordsRequest& request,
                            std::shared_ptr<ServerStream>& stream);
  // Returns OK if the caller may look.
  grpc::Status AdmitToLook(const Caller& caller) const;

  const Access& access_;
  Mirror& mirror_;
  const FleetFunction fleet_;
  const std::function<absl::Time()> clock_;
  Watches watches_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_AUDIT_SERVICE_H_

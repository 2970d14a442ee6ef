// AuditService over gRPC: reads a mirror and changes nothing.

#ifndef ANCHORAGE_TRUSTD_ADMIN_AUDIT_SERVICE_H_
#define ANCHORAGE_TRUSTD_ADMIN_AUDIT_SERVICE_H_

#include <cstddef>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "proto/anchorage/v1/audit_service.grpc.pb.h"
#include "trustd/admin/access.h"
#include "trustd/mirror/mirror.h"

namespace anchorage::trustd {

// The promises are those of audit_service.proto. Thread-safe.
class AuditServiceImpl final : public v1::AuditService::CallbackService {
 public:
  // Both outlive the service.
  AuditServiceImpl(const Access& access, Mirror& mirror,
                   std::size_t max_watchers);
  ~AuditServiceImpl() override;

  grpc::ServerUnaryReactor* ListRotations(
      grpc::CallbackServerContext* context,
      const v1::ListRotationsRequest* request,
      v1::ListRotationsResponse* response) override;
  grpc::ServerUnaryReactor* GetRotation(
      grpc::CallbackServerContext* context,
      const v1::GetRotationRequest* request,
      v1::GetRotationResponse* response) override;
  grpc::ServerUnaryReactor* ListRecords(
      grpc::CallbackServerContext* context,
      const v1::ListRecordsRequest* request,
      v1::ListRecordsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchRecordsResponse>* WatchRecords(
      grpc::CallbackServerContext* context,
      const v1::WatchRecordsRequest* request) override;
  grpc::ServerUnaryReactor* ListSources(
      grpc::CallbackServerContext* context,
      const v1::ListSourcesRequest* request,
      v1::ListSourcesResponse* response) override;
  grpc::ServerUnaryReactor* GetLedgerHead(
      grpc::CallbackServerContext* context,
      const v1::GetLedgerHeadRequest* request,
      v1::GetLedgerHeadResponse* response) override;

  // Ends every open stream with SHUTTING_DOWN and refuses new ones.
  void Shutdown();

 private:
  class Watch;

  // OK if the caller may look.
  grpc::Status AdmitToLook(const grpc::CallbackServerContext& context) const;
  // Makes room for a stream, or says why there is none.
  grpc::Status Insert(const std::shared_ptr<Watch>& watch);
  void Forget(Watch* watch);

  const Access& access_;
  Mirror& mirror_;
  const std::size_t max_watchers_;
  absl::Mutex mutex_;
  absl::flat_hash_set<std::shared_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  bool shutting_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_AUDIT_SERVICE_H_

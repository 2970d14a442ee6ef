// AdminService and EvidenceService over gRPC: passes what people decide and
// instances prove to a mirror, under the names that TLS has proved.

#ifndef ANCHORAGE_TRUSTD_ADMIN_ADMIN_SERVICE_H_
#define ANCHORAGE_TRUSTD_ADMIN_ADMIN_SERVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "anchors/base/steady_clock.h"
#include "proto/anchorage/v1/admin_service.pb.h"
#include "proto/anchorage/v1/evidence_service.pb.h"
#include "trustd/admin/access.h"
#include "trustd/admin/rate_limit.h"
#include "trustd/backup/backup_maker.h"
#include "trustd/mirror/mirror.h"
#include "trustd/rpc/call_gate.h"

namespace anchorage::trustd {

using Clock = std::function<absl::Time()>;

// Makes a source be polled soon, without waiting for it; an empty name means
// all sources. NOT_FOUND for a name that no source has.
using PollFunction = std::function<absl::Status(const std::string& source)>;

// Accepts a store that went back: as Mirror::AcceptStore().
using AcceptFunction = std::function<absl::StatusOr<Acceptance>(
    const std::optional<anchors::BundleFiles>& bundle, const std::string& by,
    const std::string& why)>;

// Copies the store: as BackupMaker::Begin().
using BackupFunction =
    std::function<absl::StatusOr<std::unique_ptr<BackupMaker::Backup>>()>;

// The most bytes of a bundle that AcceptStore accepts.
inline constexpr std::size_t kMaxAcceptedBundleBytes = 16 * 1024 * 1024;

// Keeps the promises of admin_service.proto. Thread-safe.
class AdminServiceImpl final {
 public:
  // `access` and `mirror` must outlive the service. Without `accept_store` no
  // store can be accepted, and without `backup` none can be copied.
  AdminServiceImpl(const Access& access, Mirror& mirror, PollFunction poll_now,
                   AcceptFunction accept_store, BackupFunction backup,
                   Clock clock);

  // Adds its methods to `gate`, which the service outlives.
  void AddTo(CallGate& gate);

 private:
  class BackupStream;
  class StoreUpload;

  grpc::Status Decide(const Caller& caller,
                      const v1::DecideRotationRequest& request,
                      const std::string& by,
                      v1::DecideRotationResponse& response);
  grpc::Status Undo(const Caller& caller,
                    const v1::UndoRotationRequest& request,
                    const std::string& by, v1::UndoRotationResponse& response);
  // Who has approved a rotation by now.
  v1::ApprovalCount ApprovalsOf(std::uint64_t id) const;
  grpc::Status Pin(const Caller& caller, const v1::PinAnchorRequest& request,
                   const std::string& by, v1::PinAnchorResponse& response);
  grpc::Status Poll(const v1::PollNowRequest& request,
                    v1::PollNowResponse& response);
  grpc::Status AcceptStore(const CallGate& gate, const Caller& caller,
                           std::unique_ptr<ServerUpload>& upload);
  grpc::Status Backup(const Caller& caller,
                      std::shared_ptr<ServerStream>& stream);

  const Access& access_;
  Mirror& mirror_;
  const PollFunction poll_now_;
  const AcceptFunction accept_store_;
  const BackupFunction backup_;
  const Clock clock_;
};

// Keeps the promises of evidence_service.proto. Thread-safe.
class EvidenceServiceImpl final {
 public:
  // `access` and `mirror` outlive the service.
  EvidenceServiceImpl(const Access& access, Mirror& mirror,
                      RateLimit::Options limit, Clock clock,
                      anchors::SteadyClock uptime);

  // Adds its methods to `gate`, which the service outlives.
  void AddTo(CallGate& gate);

 private:
  grpc::Status Submit(const v1::SubmitEvidenceRequest& request,
                      const std::string& by,
                      v1::SubmitEvidenceResponse& response);

  const Access& access_;
  Mirror& mirror_;
  RateLimit limit_;
  const Clock clock_;
  const anchors::SteadyClock uptime_;
};

// Returns the fact that records what a request by `by` asks to be pinned. Fails
// with INVALID_ARGUMENT, or as anchors::ReadCertificateFacts() does. Pure.
absl::StatusOr<v1::PinFact> ReadPin(const v1::PinAnchorRequest& request,
                                    const std::string& by);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_ADMIN_SERVICE_H_

#include "trustd/admin/alert_service.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/anchorage/v1/admin_service.pb.h"
#include "proto/anchorage/v1/audit_service.pb.h"
#include "trustd/admin/caller.h"
#include "trustd/rpc/rpc_status.h"

namespace anchorage::trustd {

AlertServiceImpl::AlertServiceImpl(const Access& access, Mirror& mirror,
                                   OpenAlertsFunction open,
                                   std::function<absl::Time()> clock)
    : access_(access),
      mirror_(mirror),
      open_(std::move(open)),
      clock_(std::move(clock)) {}

void AlertServiceImpl::AddTo(CallGate& gate) {
  gate.AddUnary<v1::ListAlertsRequest, v1::ListAlertsResponse>(
      "/anchorage.v1.AuditService/ListAlerts",
      [this](const Caller& caller, const v1::ListAlertsRequest&,
             v1::ListAlertsResponse& response) {
        std::string name;
        grpc::Status status = Admit(access_, caller, Action::kLook, name);
        if (!status.ok()) return status;
        for (v1::OpenAlert& alert : OpenAt(clock_())) {
          *response.add_alerts() = std::move(alert);
        }
        return status;
      });
  gate.AddUnary<v1::AcknowledgeAlertRequest, v1::AcknowledgeAlertResponse>(
      "/anchorage.v1.AdminService/AcknowledgeAlert",
      [this](const Caller& caller, const v1::AcknowledgeAlertRequest& request,
             v1::AcknowledgeAlertResponse& response) {
        std::string by;
        const grpc::Status status = Admit(access_, caller, Action::kDecide, by);
        return status.ok() ? Acknowledge(caller, request, by, response)
                           : status;
      });
}

std::vector<v1::OpenAlert> AlertServiceImpl::OpenAt(absl::Time now) const {
  if (!open_) return {};
  std::vector<v1::OpenAlert> alerts = open_(now);
  mirror_.Read([&](const RotationBook& book, const Moment&) {
    for (v1::OpenAlert& alert : alerts) {
      const v1::AlertFact* fact = book.AcknowledgedAt(alert.id(), now);
      if (fact == nullptr) continue;
      alert.set_acknowledged_by(fact->by());
      alert.set_acknowledged_why(fact->why());
      *alert.mutable_acknowledged_until_time() = fact->until_time();
    }
  });
  return alerts;
}

grpc::Status AlertServiceImpl::Acknowledge(
    const Caller& caller, const v1::AcknowledgeAlertRequest& request,
    const std::string& by, v1::AcknowledgeAlertResponse& response) {
  const auto find = [&]() -> std::optional<v1::OpenAlert> {
    for (v1::OpenAlert& alert : OpenAt(clock_())) {
      if (alert.id() == request.id()) return std::move(alert);
    }
    return std::nullopt;
  };
  const auto open = find();
  if (!open.has_value()) {
    return RpcError(
        grpc::StatusCode::NOT_FOUND, kAlertNotFound,
        absl::StrCat("no alert '", request.id(),
                     "' is open: trustctl alerts list says which are"));
  }
  PersonAcknowledges event;
  event.fact.set_alert_id(open->id());
  event.fact.set_kind(open->kind());
  event.fact.set_by(by);
  event.fact.set_why(request.why());
  *event.fact.mutable_until_time() = request.until_time();
  event.fact.set_certificate_sha256(CertificateSha256(caller.context));
  if (absl::Status s = mirror_.Acknowledge(event, clock_()); !s.ok()) {
    return ErrorOf(s, kAlertNotFound, kNotApplicable);
  }
  spdlog::info("{} acknowledged the alert {}", by, open->id());
  *response.mutable_alert() = find().value_or(*open);
  return grpc::Status::OK;
}

}  // namespace anchorage::trustd

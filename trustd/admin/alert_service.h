// Alerts over gRPC: AuditService.ListAlerts and AdminService.AcknowledgeAlert.

#ifndef ANCHORAGE_TRUSTD_ADMIN_ALERT_SERVICE_H_
#define ANCHORAGE_TRUSTD_ADMIN_ALERT_SERVICE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/anchorage/v1/alerts.pb.h"
#include "trustd/admin/access.h"
#include "trustd/mirror/mirror.h"
#include "trustd/rpc/call_gate.h"

namespace anchorage::trustd {

// Returns the alerts that are open at a time; as Alerter::OpenAt().
using OpenAlertsFunction =
    std::function<std::vector<v1::OpenAlert>(absl::Time now)>;

// Keeps the promises of audit_service.proto and admin_service.proto about
// alerts. Thread-safe.
class AlertServiceImpl final {
 public:
  // `access` and `mirror` must outlive the service. Without `open` no alert is
  // open.
  AlertServiceImpl(const Access& access, Mirror& mirror,
                   OpenAlertsFunction open, std::function<absl::Time()> clock);

  // Adds its methods to `gate`, which the service outlives.
  void AddTo(CallGate& gate);

 private:
  // What is open, with what people said of it.
  std::vector<v1::OpenAlert> OpenAt(absl::Time now) const;
  grpc::Status Acknowledge(const Caller& caller,
                           const v1::AcknowledgeAlertRequest& request,
                           const std::string& by,
                           v1::AcknowledgeAlertResponse& response);

  const Access& access_;
  Mirror& mirror_;
  const OpenAlertsFunction open_;
  const std::function<absl::Time()> clock_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_ALERT_SERVICE_H_

// ReportService over gRPC, and the same as a POST over HTTP.

#ifndef ANCHORAGE_TRUSTD_FLEET_REPORT_SERVICE_H_
#define ANCHORAGE_TRUSTD_FLEET_REPORT_SERVICE_H_

#include "trustd/fleet/fleet.h"
#include "trustd/rpc/call_gate.h"
#include "trustd/serve/http/post.h"

namespace anchorage::trustd {

// Adds the methods of report_service.proto to `gate`. `fleet` must outlive it.
void AddReportService(CallGate& gate, Fleet& fleet);

// Returns the route of the same over HTTP. `fleet` must outlive it; null: no
// reports are taken.
PostRoute ReportRoute(Fleet* fleet);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_FLEET_REPORT_SERVICE_H_

// The caller's name, as TLS has proved it, and the gRPC statuses that callers
// get.

#ifndef ANCHORAGE_TRUSTD_ADMIN_CALLER_H_
#define ANCHORAGE_TRUSTD_ADMIN_CALLER_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "trustd/admin/access.h"
#include "trustd/rpc/call_gate.h"

namespace anchorage::trustd {

// Returns the common name of the verified client certificate; empty where there
// is none, or more than one.
std::string NameOf(const grpc::ServerContextBase& context);

// Returns the SHA-256 of the verified client certificate, lower-case hex; empty
// where there is none.
std::string CertificateSha256(const grpc::ServerContextBase& context);

// Admits the caller, whose name it puts into `name`: a person's, or
// "unix:UID" of a user of this host. Logs callers that are refused.
grpc::Status Admit(const Access& access, const Caller& caller, Action action,
                   std::string& name);

// Returns the gRPC status for a failure of the mirror: with its reason of
// verification if it has one; otherwise NOT_FOUND and FAILED_PRECONDITION get
// these reasons, and other codes those of the services' files.
grpc::Status ErrorOf(const absl::Status& status, std::string_view not_found,
                     std::string_view failed_precondition);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_CALLER_H_

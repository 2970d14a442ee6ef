// Who calls, as TLS has proved it, and how failures are told to them.

#ifndef ANCHORAGE_TRUSTD_ADMIN_CALLER_H_
#define ANCHORAGE_TRUSTD_ADMIN_CALLER_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "trustd/admin/access.h"

namespace anchorage::trustd {

// The common name of the verified client certificate; empty where there is
// none, or more than one.
std::string NameOf(const grpc::ServerContextBase& context);

// SHA-256 of the verified client certificate, lower-case hex; empty where there
// is none.
std::string CertificateSha256(const grpc::ServerContextBase& context);

// As Access::Admit() for whoever calls, and puts their name into `name`. Logs
// who is turned away.
grpc::Status Admit(const Access& access, const grpc::ServerContextBase& context,
                   Action action, std::string& name);

// How a failure of the mirror is told: by its reason of verification where it
// has one; else NOT_FOUND and FAILED_PRECONDITION by these reasons, and the
// others by those of the services' files.
grpc::Status ErrorOf(const absl::Status& status, std::string_view not_found,
                     std::string_view failed_precondition);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_ADMIN_CALLER_H_

// What options of a client mean, and what is wrong with them, before anything is
// made of them. Pure, but for MakeAbsolute().

#ifndef ANCHORAGE_CLIENT_CLIENT_OPTIONS_H_
#define ANCHORAGE_CLIENT_CLIENT_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "client/notify/report.h"
#include "client/trust_client.h"

namespace anchorage::client {

// Whether it names somebody to ask.
bool IsSet(const TrustServer& server);

// For people. A password stays out of it.
std::string NameOf(const TrustServer& server);

ReportOptions ReportOptionsOf(const TrustClientOptions& options);

// INVALID_ARGUMENT for options that contradict one another, or exceed a limit.
// Whether the trusted root is one is not looked at.
absl::Status CheckOptions(const TrustClientOptions& options);

// Makes `folder`, which may be empty, the same wherever this process goes.
// INVALID_ARGUMENT: it is too long, or this process's folder is unknown.
absl::Status MakeAbsolute(std::string& folder);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_CLIENT_OPTIONS_H_

// How the failure of a call is told: one place for the mapping to gRPC.

#ifndef ANCHORAGE_TRUSTD_RPC_STATUS_H_
#define ANCHORAGE_TRUSTD_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

namespace anchorage::trustd {

// The reasons of failed calls, as anchor_service.proto documents them. A
// verdict on evidence is never one of these.
inline constexpr std::string_view kNoBundleYet = "NO_BUNDLE_YET";
inline constexpr std::string_view kRequestInvalid = "REQUEST_INVALID";
inline constexpr std::string_view kPageTokenInvalid = "PAGE_TOKEN_INVALID";
inline constexpr std::string_view kCatalogChanged = "CATALOG_CHANGED";
inline constexpr std::string_view kTooManyWatchers = "TOO_MANY_WATCHERS";
inline constexpr std::string_view kShuttingDown = "SHUTTING_DOWN";

// Returns a status whose trailer carries `reason` as an ErrorInfo of the domain
// `trustd.anchorage`.
grpc::Status RpcError(grpc::StatusCode code, std::string_view reason,
                      const std::string& message);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_STATUS_H_

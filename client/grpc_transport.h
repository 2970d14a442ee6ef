// A client's way to the files of a repository, over gRPC or HTTP.

#ifndef ANCHORAGE_CLIENT_GRPC_TRANSPORT_H_
#define ANCHORAGE_CLIENT_GRPC_TRANSPORT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/transport.h"
#include "client/trust_client.h"

namespace anchorage::client {

// Returns the transport to `server`, or what OpenHttpTransport() does. Nothing
// is asked yet.
absl::StatusOr<std::unique_ptr<Transport>> OpenAnyTransport(
    const TrustClientOptions& options);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_GRPC_TRANSPORT_H_

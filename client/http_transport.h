// A client's way to the files of a repository over HTTP.

#ifndef ANCHORAGE_CLIENT_HTTP_TRANSPORT_H_
#define ANCHORAGE_CLIENT_HTTP_TRANSPORT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "client/transport.h"
#include "client/trust_client.h"

namespace anchorage::client {

// Returns the transport to `metadata_url`; null where there is none. Fails as
// HttpFetcher::Create() does, and with UNIMPLEMENTED for a `server`.
absl::StatusOr<std::unique_ptr<Transport>> OpenHttpTransport(
    const TrustClientOptions& options);

}  // namespace anchorage::client

#endif  // ANCHORAGE_CLIENT_HTTP_TRANSPORT_H_

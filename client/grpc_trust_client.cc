// TrustClient::Create(): what has every transport, gRPC too.

#include <memory>
#include <utility>

#include "client/grpc_fetcher.h"
#include "client/grpc_transport.h"
#include "client/http_transport.h"
#include "client/trust_client.h"

namespace anchorage::client {
namespace {

class GrpcTransport final : public Transport {
 public:
  explicit GrpcTransport(const GrpcEndpoint& endpoint)
      : connection_(endpoint) {}

  std::unique_ptr<anchors::tuf::Fetcher> Begin(
      const anchors::BundleVersions& have, std::string held_timestamp,
      absl::Duration time) override {
    return std::make_unique<GrpcFetcher>(connection_, have,
                                         std::move(held_timestamp), time);
  }
  void Cancel() override { connection_.Cancel(); }

 private:
  GrpcConnection connection_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> OpenAnyTransport(
    const TrustClientOptions& options) {
  if (options.server.empty()) return OpenHttpTransport(options);
  return std::make_unique<GrpcTransport>(
      GrpcEndpoint{.server = options.server,
                   .plaintext = options.plaintext,
                   .tls_roots_pem = options.tls_roots_pem,
                   .timeout = options.rpc_timeout,
                   .proxy = options.proxy});
}

absl::StatusOr<std::unique_ptr<TrustClient>> TrustClient::Create(
    TrustClientOptions options) {
  return CreateWith(std::move(options), &OpenAnyTransport);
}

}  // namespace anchorage::client

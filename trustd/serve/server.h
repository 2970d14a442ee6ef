// The public gRPC port: AnchorService, health and reflection.

#ifndef ANCHORAGE_TRUSTD_SERVE_SERVER_H_
#define ANCHORAGE_TRUSTD_SERVE_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "trustd/publish/publication.h"
#include "trustd/rpc/grpc_listener.h"
#include "trustd/serve/anchor_service.h"
#include "trustd/serve/metrics.h"
#include "trustd/serve/server_config.h"

namespace anchorage::trustd {

// Serves until it is destroyed or Stop() is called.
class Server {
 public:
  // Listens and serves. `hub` and `metrics` outlive the server. Fails with
  // UNAVAILABLE (the address is in use or not of this machine) or as
  // anchors::ReadFile() does for the TLS files. `add_more` adds the methods of
  // another service.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerConfig& config, PublicationHub& hub, Metrics& metrics,
      NewerTimestampFunction on_newer = nullptr,
      const std::function<void(CallGate&)>& add_more = [](CallGate&) {});
  ~Server();

  // The address that it listens on; for port 0, with the port that was chosen.
  const std::string& address() const { return listener_->address(); }

  // Whether a client that connects now is served.
  bool ServesNewClients() const { return listener_->ServesNewClients(); }

  // Whether the thread that accepts clients is running.
  bool IsRunning() const { return listener_->IsRunning(); }

  // Makes health checks say "not serving", ends open streams with a reason,
  // waits for calls under way, at most for the configured grace, and then cuts
  // them off. Calling it again does nothing.
  void Stop();

 private:
  Server(const ServerConfig& config, PublicationHub& hub, Metrics& metrics,
         NewerTimestampFunction on_newer);

  AnchorServiceImpl service_;
  std::unique_ptr<GrpcListener> listener_;
};

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVE_SERVER_H_

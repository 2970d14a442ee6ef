// The listener: AnchorService, health and reflection on one port.

#ifndef ANCHORAGE_TRUSTD_SERVER_H_
#define ANCHORAGE_TRUSTD_SERVER_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "trustd/anchor_service.h"
#include "trustd/config.h"
#include "trustd/metrics.h"
#include "trustd/publication.h"

namespace anchorage::trustd {

// What every port of a trustd is opened with: limits, and no second owner.
void SetServerArguments(grpc::ServerBuilder& builder);

// Serves until it is destroyed or Stop() is called.
class Server {
 public:
  // Listens and serves. `hub` and `metrics` outlive the server. Fails with
  // UNAVAILABLE (the address is in use or not of this machine) or as
  // anchors::ReadFile() does for the TLS files.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const Config& config, PublicationHub& hub, Metrics& metrics,
      NewerTimestampFunction on_newer = nullptr);
  ~Server();

  // Where it listens, with the port that was taken for port 0.
  const std::string& address() const { return address_; }

  // Says "not serving" to health checks, ends open streams with a reason,
  // waits for calls under way for the configured grace and then cuts them
  // off. Calling it again does nothing.
  void Stop();

 private:
  Server(const Config& config, PublicationHub& hub, Metrics& metrics,
         NewerTimestampFunction on_newer);

  const absl::Duration grace_;
  AnchorServiceImpl service_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

// The version that GetServiceInfo and `trustd --version` tell.
inline constexpr char kServerVersion[] = "0.1.0";

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_SERVER_H_

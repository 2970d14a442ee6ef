// A gRPC server on a port that we accept on ourselves.
//
//   auto listener = GrpcListener::Start(options, gate_options, add_methods);
//   ...
//   (*listener)->Stop();
//
// Every connection is counted, and perhaps shed, before gRPC sees a descriptor
// (TcpListener, Connections); all calls go through a CallGate; health
// (grpc.health.v1) and, if it is wanted, reflection are methods of it like the
// others. gRPC bounds the rest: time for a handshake and for the first frame,
// idle connections, dead peers, and its memory as a whole. Thread-safe.

#ifndef ANCHORAGE_TRUSTD_RPC_GRPC_LISTENER_H_
#define ANCHORAGE_TRUSTD_RPC_GRPC_LISTENER_H_

#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trustd/net/tcp_listener.h"
#include "trustd/rpc/call_gate.h"
#include "trustd/rpc/connections.h"
#include "trustd/rpc/health.h"

namespace anchorage::trustd {

class GrpcListener {
 public:
  struct Options {
    // HOST:PORT, and the setting from which it comes, for messages.
    std::string address;
    std::string setting;
    std::shared_ptr<grpc::ServerCredentials> credentials;
    Connections::Options connections;
    CallGate::Options calls;
    int max_request_bytes = 64 * 1024;
    // The longest for a TLS handshake and the first HTTP/2 frame.
    absl::Duration handshake_time = absl::Seconds(10);
    // How long a connection may have no call.
    absl::Duration idle_time = absl::Minutes(5);
    // How often a silent peer is asked whether it is there, and how long it has
    // to answer.
    absl::Duration keepalive_interval = absl::Minutes(2);
    absl::Duration keepalive_time = absl::Seconds(20);
    bool reflection = true;
    // How long Stop() waits for calls under way.
    absl::Duration grace = absl::Seconds(10);
    ShedFunction shed = [](const std::string&) {};
    // Whether there is something to serve; part of health.
    std::function<bool()> has_answers = [] { return true; };
    // Called twice a second, on the thread that accepts connections.
    std::function<void()> tick = [] {};
  };

  // Listens on the address and serves the methods that `add_methods` adds.
  // Fails with UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<GrpcListener>> Start(
      const Options& options,
      const std::function<void(CallGate&)>& add_methods);
  ~GrpcListener();

  // The address that it listens on; for port 0, with the port that was chosen.
  const std::string& address() const { return listener_->address(); }

  // Whether a client that connects now, from an address that holds nothing
  // yet, is accepted and answered.
  bool ServesNewClients() const;

  // Whether the thread that accepts connections is running.
  bool IsRunning() const { return listener_->IsRunning(); }

  // Stops accepting connections and makes health say "not serving". Calls go
  // on.
  void Drain();
  // Drains, waits for calls under way, at most for the grace, and then cuts
  // them off. Calling it again does nothing.
  void Stop();

 private:
  explicit GrpcListener(const Options& options);

  absl::Status Listen(const std::function<void(CallGate&)>& add_methods);
  void Accept(int socket, const Endpoint& peer);
  void Tick();

  const Options options_;
  Connections connections_;
  CallGate gate_;
  HealthService health_;
  std::atomic<bool> is_draining_ = false;
  int ticks_ = 0;
  std::unique_ptr<TcpListener> listener_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

// Sets the arguments with which every server of a trustd is built, besides its
// port.
void SetServerArguments(const GrpcListener::Options& options,
                        grpc::ServerBuilder& builder);

}  // namespace anchorage::trustd

#endif  // ANCHORAGE_TRUSTD_RPC_GRPC_LISTENER_H_

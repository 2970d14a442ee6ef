#include "trustd/rpc/grpc_listener.h"

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "anchors/wire/plain_message.h"
#include "trustd/rpc/handover.h"
#include "trustd/rpc/reflection.h"

namespace anchorage::trustd {
namespace {

// gRPC's memory quota: what each connection may cost, plus a share for
// messages. When it is used up gRPC ends calls; long before, Connections cuts
// off a peer that sends too much.
constexpr std::size_t kBytesPerConnection = 64 * 1024;
// The most that gRPC takes from a socket at a time.
constexpr int kReadBytes = 4 * 1024;
constexpr std::size_t kBytesForMessages = 64 * 1024 * 1024;
// Calls are checked this many times as often as connections: between two checks
// of connections a peer on a fast network can send tens of megabytes of one
// message, which gRPC keeps.
constexpr int kTicks = 20;

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

// Like gRPC's own listener, treats the wildcard of IPv4 as that of both
// families.
absl::StatusOr<std::unique_ptr<TcpListener>> Bind(
    const GrpcListener::Options& options) {
  constexpr std::string_view kIpv4Wildcard = "0.0.0.0:";
  if (options.address.starts_with(kIpv4Wildcard)) {
    auto both = TcpListener::Bind(
        "[::]:" + options.address.substr(kIpv4Wildcard.size()),
        options.setting);
    if (both.ok()) return both;
  }
  return TcpListener::Bind(options.address, options.setting);
}

// Whether gRPC can use these credentials. When it is handed connections, it reads
// them only when the first one comes, and if they are bad refuses that one and
// every other. So gRPC is made to listen by itself for a moment.
bool AreUsable(const std::shared_ptr<grpc::ServerCredentials>& credentials) {
  grpc::CallbackGenericService nothing;
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&nothing);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", credentials, &port);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return false;
  server->Shutdown();
  return port != 0;
}

absl::Status CannotServe(const GrpcListener::Options& options) {
  return absl::UnavailableError(absl::StrCat(
      "cannot serve on ", options.address, " (see '", options.setting, "')"));
}

}  // namespace

void SetServerArguments(const GrpcListener::Options& options,
                        grpc::ServerBuilder& builder) {
  anchors::RefuseCompression(builder);
  builder.SetMaxReceiveMessageSize(options.max_request_bytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             options.calls.calls_per_connection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(options.handshake_time));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             Milliseconds(options.idle_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                             Milliseconds(options.keepalive_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             Milliseconds(options.keepalive_time));
  // Otherwise a peer could open thousands of streams between two checks.
  builder.AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, kReadBytes);
  // Otherwise a peer could get gRPC to grant megabytes of window for each
  // stream.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  grpc::ResourceQuota quota(options.setting);
  quota.Resize(kBytesForMessages +
               kBytesPerConnection *
                   static_cast<std::size_t>(options.connections.most));
  builder.SetResourceQuota(quota);
}

GrpcListener::GrpcListener(const Options& options)
    : options_(options),
      connections_(options.connections, options.shed),
      gate_(options.calls, &connections_, options.shed),
      health_([this] { return ServesNewClients(); },
              options.connections.proxies) {}

GrpcListener::~GrpcListener() { Stop(); }

absl::StatusOr<std::unique_ptr<GrpcListener>> GrpcListener::Start(
    const Options& options, const std::function<void(CallGate&)>& add_methods) {
  std::unique_ptr<GrpcListener> listener(new GrpcListener(options));
  if (absl::Status s = listener->Listen(add_methods); !s.ok()) return s;
  return listener;
}

absl::Status GrpcListener::Listen(
    const std::function<void(CallGate&)>& add_methods) {
  if (!AreUsable(options_.credentials)) return CannotServe(options_);
  auto listener = Bind(options_);
  if (!listener.ok()) return listener.status();
  listener_ = *std::move(listener);
  add_methods(gate_);
  health_.AddTo(gate_);
  if (options_.reflection) AddReflection(gate_);
  grpc::ServerBuilder builder;
  SetServerArguments(options_, builder);
  builder.RegisterCallbackGenericService(&gate_);
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      options_.credentials);
  HandOver(&gate_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return CannotServe(options_);
  return listener_->Start(
      [this](int socket, const Endpoint& peer) { Accept(socket, peer); },
      [this] { Tick(); }, [this] { options_.shed("descriptors"); },
      TcpListener::kTick / kTicks);
}

void GrpcListener::Tick() {
  gate_.Sweep();
  if (ticks_++ % kTicks != 0) return;
  // A connection that was cut off had many small pieces of memory, which the C
  // library keeps after they are freed: 5 MiB in use took 160 MiB.
  if (connections_.Sweep()) ::malloc_trim(0);
  health_.Refresh();
  options_.tick();
}

void GrpcListener::Accept(int socket, const Endpoint& peer) {
  int owned = socket;
  const absl::Cleanup close = [&owned] {
    if (owned >= 0) ::close(owned);
  };
  if (is_draining_ || !connections_.Add(socket, peer)) return;
  owned = -1;
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
      parameters;
  parameters.fd = socket;
  acceptor_->HandleNewConnection(&parameters);
}

bool GrpcListener::ServesNewClients() const {
  return !is_draining_ && listener_->IsAccepting() && connections_.HasRoom() &&
         gate_.HasRoom() && options_.has_answers();
}

void GrpcListener::Drain() {
  is_draining_ = true;
  health_.Refresh();
}

void GrpcListener::Stop() {
  if (server_ == nullptr) return;
  Drain();
  health_.Shutdown();
  listener_->Stop();
  server_->Shutdown(std::chrono::system_clock::now() +
                    absl::ToChronoNanoseconds(options_.grace));
  server_->Wait();
  TakeOver(&gate_);  // from the calls that ended last
  server_.reset();
  acceptor_.reset();
}

}  // namespace anchorage::trustd

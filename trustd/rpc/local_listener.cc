#include "trustd/rpc/local_listener.h"

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "trustd/rpc/handover.h"

namespace anchorage::trustd {
namespace {

// Calls are checked this many times as often as connections.
constexpr int kTicks = 20;

CallGate::Options WithUser(CallGate::Options options, uid_t uid) {
  options.local_user = absl::StrCat("unix:", uid);
  return options;
}

}  // namespace

struct LocalListener::User {
  User(const GrpcListener::Options& options, uid_t uid)
      : gate(WithUser(options.calls, uid), nullptr, options.shed) {}

  CallGate gate;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
  std::unique_ptr<grpc::Server> server;
};

LocalListener::LocalListener(const Options& options,
                             std::function<void(CallGate&)> add_methods)
    : options_(options),
      add_methods_(std::move(add_methods)),
      connections_(options.server.connections, options.server.shed) {}

LocalListener::~LocalListener() { Stop(); }

absl::StatusOr<std::unique_ptr<LocalListener>> LocalListener::Start(
    const Options& options, std::function<void(CallGate&)> add_methods) {
  std::unique_ptr<LocalListener> local(
      new LocalListener(options, std::move(add_methods)));
  auto file = SocketFile::Listen(options.path, options.group);
  if (!file.ok()) return file.status();
  local->file_ = *std::move(file);
  auto listener = TcpListener::Adopt(local->file_->Release(),
                                     absl::StrCat("unix:", options.path));
  if (!listener.ok()) return listener.status();
  local->listener_ = *std::move(listener);
  LocalListener* const self = local.get();
  const absl::Status started = self->listener_->Start(
      [self](int socket, const Endpoint&) { self->Accept(socket); },
      [self] { self->Tick(); },
      [self] { self->options_.server.shed("descriptors"); },
      TcpListener::kTick / kTicks);
  if (!started.ok()) return started;
  return local;
}

void LocalListener::Accept(int socket) {
  int owned = socket;
  const absl::Cleanup close = [&owned] {
    if (owned >= 0) ::close(owned);
  };
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (is_draining_ ||
      ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return;
  }
  User* const user = ServerOf(peer.uid);
  // Connections tells its connections apart by their ports.
  if (user == nullptr ||
      !connections_.Add(socket, {IpAddress::Loopback(), next_connection_++})) {
    return;
  }
  spdlog::info("unix:{} (process {}) connected to {}", peer.uid, peer.pid,
               options_.path);
  owned = -1;
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
      parameters;
  parameters.fd = socket;
  user->acceptor->HandleNewConnection(&parameters);
}

LocalListener::User* LocalListener::ServerOf(uid_t uid) {
  const auto found = users_.find(uid);
  if (found != users_.end()) return found->second.get();
  if (users_.size() >= kMaxLocalUsers) {
    options_.server.shed("connections_users");
    return nullptr;
  }
  auto user = std::make_unique<User>(options_.server, uid);
  add_methods_(user->gate);
  grpc::ServerBuilder builder;
  SetServerArguments(options_.server, builder);
  builder.RegisterCallbackGenericService(&user->gate);
  user->acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  HandOver(&user->gate);
  user->server = builder.BuildAndStart();
  if (user->server == nullptr) return nullptr;
  return users_.emplace(uid, std::move(user)).first->second.get();
}

void LocalListener::Tick() {
  for (const auto& [uid, user] : users_) user->gate.Sweep();
  if (ticks_++ % kTicks == 0) (void)connections_.Sweep();
}

void LocalListener::Stop() {
  if (listener_ == nullptr) return;
  Drain();
  listener_->Stop();
  const auto deadline = std::chrono::system_clock::now() +
                        absl::ToChronoNanoseconds(options_.server.grace);
  for (const auto& [uid, user] : users_) {
    user->server->Shutdown(deadline);
    user->server->Wait();
    TakeOver(&user->gate);  // from the calls that ended last
    user->server.reset();
    user->acceptor.reset();
  }
  listener_.reset();
  file_.reset();
}

}  // namespace anchorage::trustd

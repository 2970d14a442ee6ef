#include "trustd/admin/admin_server.h"

#include <utility>

namespace anchorage::trustd {
namespace {

// Beside those of the port, whose limit people set.
constexpr int kMaxLocalConnections = 32;

}  // namespace

AdminServer::AdminServer(const AdminSettings& settings, Mirror& mirror,
                         PollFunction poll_now, const Options& options)
    : access_(settings.people),
      add_more_(options.add_more),
      audit_(access_, mirror, options.fleet, options.clock,
             options.max_watchers),
      admin_(access_, mirror, std::move(poll_now), options.accept_store,
             options.backup, options.clock),
      alerts_(access_, mirror, options.open_alerts, options.clock),
      evidence_(access_, mirror, options.evidence_limit, options.clock,
                options.uptime) {}

AdminServer::~AdminServer() { Stop(); }

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(
    const AdminSettings& settings, Mirror& mirror, PollFunction poll_now,
    Options options) {
  std::unique_ptr<AdminServer> server(
      new AdminServer(settings, mirror, std::move(poll_now), options));
  if (absl::Status s = server->Listen(settings, options); !s.ok()) return s;
  return server;
}

absl::Status AdminServer::Listen(const AdminSettings& settings,
                                 const Options& options) {
  GrpcListener::Options listener;
  listener.setting = "admin";
  listener.connections = options.connections;
  listener.calls.calls_per_connection = kMaxStreamsPerConnection;
  listener.calls.proxies = options.connections.proxies;
  listener.max_request_bytes = kMaxAdminRequestBytes;
  listener.reflection = options.reflection;
  listener.grace = options.grace;
  listener.shed = options.shed;
  listener.calls.timer = options.timer;
  const auto add = [this](CallGate& gate) { AddTo(gate); };
  if (settings.unix_socket.has_value()) {
    LocalListener::Options local = {.path = settings.unix_socket->path,
                                    .group = settings.unix_socket->group,
                                    .server = listener};
    local.server.connections.most = kMaxLocalConnections;
    auto started = LocalListener::Start(local, add);
    if (!started.ok()) return started.status();
    local_ = *std::move(started);
  }
  if (settings.listen_address.empty()) return absl::OkStatus();
  const auto tls = TlsFiles::Open({.certificate = settings.tls_certificate_path,
                                   .key = settings.tls_key_path,
                                   .client_ca = settings.client_ca_path},
                                  options.tls_watcher);
  if (!tls.ok()) return tls.status();
  listener.address = settings.listen_address;
  listener.credentials = (*tls)->Credentials();
  listener.tick = [tls = *tls] { tls->Refresh(); };
  auto started = GrpcListener::Start(listener, add);
  if (!started.ok()) return started.status();
  listener_ = *std::move(started);
  return absl::OkStatus();
}

void AdminServer::AddTo(CallGate& gate) {
  audit_.AddTo(gate);
  admin_.AddTo(gate);
  alerts_.AddTo(gate);
  evidence_.AddTo(gate);
  if (add_more_) add_more_(access_, gate);
}

void AdminServer::Stop() {
  if (listener_ != nullptr) listener_->Drain();
  if (local_ != nullptr) local_->Drain();
  audit_.Shutdown();
  if (listener_ != nullptr) listener_->Stop();
  if (local_ != nullptr) local_->Stop();
}

}  // namespace anchorage::trustd

#include "trustd/admin/admin_server.h"

#include <utility>

namespace anchorage::trustd {

AdminServer::AdminServer(const AdminSettings& settings, Mirror& mirror,
                         PollFunction poll_now, const Options& options)
    : access_(settings.people),
      audit_(access_, mirror, options.fleet, options.max_watchers),
      admin_(access_, mirror, std::move(poll_now), options.accept_store,
             options.clock),
      evidence_(access_, mirror, options.evidence_limit, options.clock,
                options.uptime) {}

AdminServer::~AdminServer() { Stop(); }

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(
    const AdminSettings& settings, Mirror& mirror, PollFunction poll_now,
    Options options) {
  const auto tls = TlsFiles::Open({.certificate = settings.tls_certificate_path,
                                   .key = settings.tls_key_path,
                                   .client_ca = settings.client_ca_path},
                                  options.tls_watcher);
  if (!tls.ok()) return tls.status();
  std::unique_ptr<AdminServer> server(
      new AdminServer(settings, mirror, std::move(poll_now), options));
  GrpcListener::Options listener;
  listener.address = settings.listen_address;
  listener.setting = "admin";
  listener.credentials = (*tls)->Credentials();
  listener.tick = [tls = *tls] { tls->Refresh(); };
  listener.connections = options.connections;
  listener.calls.calls_per_connection = kMaxStreamsPerConnection;
  listener.calls.proxies = options.connections.proxies;
  listener.max_request_bytes = kMaxAdminRequestBytes;
  listener.reflection = options.reflection;
  listener.grace = options.grace;
  listener.shed = options.shed;
  auto started = GrpcListener::Start(listener, [&](CallGate& gate) {
    server->audit_.AddTo(gate);
    server->admin_.AddTo(gate);
    server->evidence_.AddTo(gate);
  });
  if (!started.ok()) return started.status();
  server->listener_ = *std::move(started);
  return server;
}

void AdminServer::Stop() {
  if (listener_ == nullptr) return;
  listener_->Drain();
  audit_.Shutdown();
  listener_->Stop();
}

}  // namespace anchorage::trustd

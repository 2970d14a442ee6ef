#include "trustd/serve/server.h"

#include <grpcpp/security/server_credentials.h>

#include <utility>

#include "anchors/base/version.h"
#include "trustd/rpc/tls_files.h"

namespace anchorage::trustd {
namespace {

// No request of ours is larger than a few hundred bytes.
constexpr int kMaxRequestBytes = 64 * 1024;
AnchorServiceImpl::Options ServiceOptions(const ServerConfig& config,
                                          Metrics& metrics,
                                          NewerTimestampFunction on_newer) {
  AnchorServiceImpl::Options options;
  options.server_version = anchors::kVersion;
  options.mode = config.mode == v1::TrustdConfig::MODE_ONLINE
                     ? v1::SERVICE_MODE_ONLINE
                     : v1::SERVICE_MODE_OFFLINE;
  options.timestamp_interval = config.timestamp_interval;
  options.max_watchers = config.max_watchers;
  options.proxies = config.proxies;
  options.metrics = &metrics;
  options.on_newer = std::move(on_newer);
  return options;
}

GrpcListener::Options ListenerOptions(const ServerConfig& config,
                                      PublicationHub& hub, Metrics& metrics) {
  GrpcListener::Options options;
  options.address = config.listen_address;
  options.setting = "listen_address";
  options.connections.most = config.connections;
  options.connections.proxies = config.proxies;
  options.calls.most_calls = config.calls;
  options.calls.proxies = config.proxies;
  options.max_request_bytes = kMaxRequestBytes;
  options.reflection = config.reflection;
  options.grace = config.shutdown_grace;
  options.shed = [&metrics](const std::string& what) {
    metrics.CountShed("grpc", what);
  };
  options.calls.timer = [&metrics](const std::string& path) {
    return metrics.TimerOf("grpc", path);
  };
  options.has_answers = [&hub] { return hub.Current() != nullptr; };
  return options;
}

}  // namespace

Server::Server(const ServerConfig& config, PublicationHub& hub,
               Metrics& metrics, NewerTimestampFunction on_newer)
    : service_(ServiceOptions(config, metrics, std::move(on_newer)), hub) {}

Server::~Server() { Stop(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerConfig& config, PublicationHub& hub, Metrics& metrics,
    NewerTimestampFunction on_newer,
    const std::function<void(CallGate&)>& add_more) {
  std::unique_ptr<Server> server(
      new Server(config, hub, metrics, std::move(on_newer)));
  GrpcListener::Options options = ListenerOptions(config, hub, metrics);
  options.credentials = grpc::InsecureServerCredentials();
  if (!config.tls_key_path.empty()) {
    auto tls = TlsFiles::Open({.certificate = config.tls_certificate_path,
                               .key = config.tls_key_path,
                               .client_ca = ""},
                              [&metrics](const TlsFiles::State& state) {
                                metrics.SetTls("grpc", state.is_current,
                                               state.expires);
                              });
    if (!tls.ok()) return tls.status();
    options.credentials = (*tls)->Credentials();
    options.tick = [tls = *tls] { tls->Refresh(); };
  }
  auto listener = GrpcListener::Start(options, [&](CallGate& gate) {
    server->service_.AddTo(gate);
    add_more(gate);
  });
  if (!listener.ok()) return listener.status();
  server->listener_ = *std::move(listener);
  return server;
}

void Server::Stop() {
  if (listener_ == nullptr) return;
  listener_->Drain();
  service_.Shutdown();
  listener_->Stop();
}

}  // namespace anchorage::trustd

#include "trustd/admin/admin_server.h"

#include <grpcpp/security/server_credentials.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxTlsFileBytes = 1024 * 1024;
// Beside those of the port, whose limit people set.
constexpr int kMaxLocalConnections = 32;

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> CredentialsOf(
    const AdminSettings& settings) {
  const auto chain =
      anchors::ReadFile(settings.tls_certificate_path, kMaxTlsFileBytes);
  if (!chain.ok()) return chain.status();
  const auto key =
      anchors::ReadPrivateFile(settings.tls_key_path, kMaxTlsFileBytes);
  if (!key.ok()) return key.status();
  const auto client_ca =
      anchors::ReadFile(settings.client_ca_path, kMaxTlsFileBytes);
  if (!client_ca.ok()) return client_ca.status();
  // gRPC takes a file without any for one that it need not look at.
  if (client_ca->find(verify::kCertificateBegin) == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(settings.client_ca_path, " has no certificate in PEM"));
  }
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = *client_ca;
  options.pem_key_cert_pairs.push_back({*key, *chain});
  return grpc::SslServerCredentials(options);
}

}  // namespace

AdminServer::AdminServer(const AdminSettings& settings, Mirror& mirror,
                         PollFunction poll_now, const Options& options)
    : access_(settings.people),
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
  const auto credentials = CredentialsOf(settings);
  if (!credentials.ok()) return credentials.status();
  listener.address = settings.listen_address;
  listener.credentials = *credentials;
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
}

void AdminServer::Stop() {
  if (listener_ != nullptr) listener_->Drain();
  if (local_ != nullptr) local_->Drain();
  audit_.Shutdown();
  if (listener_ != nullptr) listener_->Stop();
  if (local_ != nullptr) local_->Stop();
}

}  // namespace anchorage::trustd

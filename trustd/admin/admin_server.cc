#include "trustd/admin/admin_server.h"

#include <grpcpp/security/server_credentials.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/base/atomic_file.h"
#include "verify/encoding/base64.h"

namespace anchorage::trustd {
namespace {

constexpr std::size_t kMaxTlsFileBytes = 1024 * 1024;

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
      audit_(access_, mirror, options.fleet, options.max_watchers),
      admin_(access_, mirror, std::move(poll_now), options.accept_store,
             options.clock),
      alerts_(access_, mirror, options.open_alerts, options.clock),
      evidence_(access_, mirror, options.evidence_limit, options.clock,
                options.uptime) {}

AdminServer::~AdminServer() { Stop(); }

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(
    const AdminSettings& settings, Mirror& mirror, PollFunction poll_now,
    Options options) {
  const auto credentials = CredentialsOf(settings);
  if (!credentials.ok()) return credentials.status();
  std::unique_ptr<AdminServer> server(
      new AdminServer(settings, mirror, std::move(poll_now), options));
  GrpcListener::Options listener;
  listener.address = settings.listen_address;
  listener.setting = "admin";
  listener.credentials = *credentials;
  listener.connections = options.connections;
  listener.calls.calls_per_connection = kMaxStreamsPerConnection;
  listener.calls.proxies = options.connections.proxies;
  listener.max_request_bytes = kMaxAdminRequestBytes;
  listener.reflection = options.reflection;
  listener.grace = options.grace;
  listener.shed = options.shed;
  listener.calls.timer = options.timer;
  auto started = GrpcListener::Start(listener, [&](CallGate& gate) {
    server->audit_.AddTo(gate);
    server->admin_.AddTo(gate);
    server->alerts_.AddTo(gate);
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

#include "trustd/admin/admin_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/files/atomic_file.h"

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
  if (client_ca->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
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
    : grace_(options.grace),
      access_(settings.people),
      audit_(access_, mirror, options.max_watchers),
      admin_(access_, mirror, std::move(poll_now), options.accept_store,
             options.clock),
      evidence_(access_, mirror, options.evidence_limit, options.clock) {}

AdminServer::~AdminServer() { Stop(); }

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(
    const AdminSettings& settings, Mirror& mirror, PollFunction poll_now,
    Options options) {
  const auto credentials = CredentialsOf(settings);
  if (!credentials.ok()) return credentials.status();
  std::unique_ptr<AdminServer> server(
      new AdminServer(settings, mirror, std::move(poll_now), options));
  int port = 0;
  grpc::ServerBuilder builder;
  // Otherwise a second trustd would share the port, and half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxStreamsPerConnection);
  builder.AddListeningPort(settings.listen_address, *credentials, &port);
  builder.SetMaxReceiveMessageSize(kMaxAdminRequestBytes);
  builder.RegisterService(&server->audit_);
  builder.RegisterService(&server->admin_);
  builder.RegisterService(&server->evidence_);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", settings.listen_address,
        " (is another program using the port, the address not of this "
        "machine, or a file of 'admin' no certificate or not its key?)"));
  }
  const std::size_t colon = settings.listen_address.rfind(':');
  server->address_ =
      absl::StrCat(settings.listen_address.substr(0, colon), ":", port);
  return server;
}

void AdminServer::Stop() {
  if (server_ == nullptr) return;
  audit_.Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() +
                    absl::ToChronoNanoseconds(grace_));
  server_->Wait();
  server_.reset();
}

}  // namespace anchorage::trustd

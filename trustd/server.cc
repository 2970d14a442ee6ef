#include "trustd/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>

#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "anchors/files/atomic_file.h"

namespace anchorage::trustd {
namespace {

constexpr char kServiceName[] = "anchorage.v1.AnchorService";
// No request of ours is larger than a few hundred bytes.
constexpr int kMaxRequestBytes = 64 * 1024;
constexpr std::size_t kMaxTlsFileBytes = 1024 * 1024;

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> CredentialsOf(
    const Config& config) {
  if (config.tls_key_path.empty()) return grpc::InsecureServerCredentials();
  const auto chain =
      anchors::ReadFile(config.tls_certificate_path, kMaxTlsFileBytes);
  if (!chain.ok()) return chain.status();
  const auto key =
      anchors::ReadPrivateFile(config.tls_key_path, kMaxTlsFileBytes);
  if (!key.ok()) return key.status();
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({*key, *chain});
  return grpc::SslServerCredentials(options);
}

AnchorServiceImpl::Options ServiceOptions(const Config& config,
                                          Metrics& metrics,
                                          NewerTimestampFunction on_newer) {
  AnchorServiceImpl::Options options;
  options.server_version = kServerVersion;
  options.mode = config.mode == v1::TrustdConfig::MODE_ONLINE
                     ? v1::SERVICE_MODE_ONLINE
                     : v1::SERVICE_MODE_OFFLINE;
  options.timestamp_interval = config.timestamp_interval;
  options.max_watchers = config.max_watchers;
  options.metrics = &metrics;
  options.on_newer = std::move(on_newer);
  return options;
}

// gRPC's plug-ins are process-wide and must be named before the first server.
void EnablePlugins(bool reflection) {
  static std::once_flag health;
  std::call_once(health,
                 [] { grpc::EnableDefaultHealthCheckService(true); });
  static std::once_flag reflector;
  if (reflection) {
    std::call_once(reflector, [] {
      grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    });
  }
}

}  // namespace

void SetServerArguments(grpc::ServerBuilder& builder) {
  // Otherwise a second trustd would share the port, and half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
}

Server::Server(const Config& config, PublicationHub& hub, Metrics& metrics,
               NewerTimestampFunction on_newer)
    : grace_(config.shutdown_grace),
      service_(ServiceOptions(config, metrics, std::move(on_newer)), hub) {}

Server::~Server() { Stop(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const Config& config, PublicationHub& hub, Metrics& metrics,
    NewerTimestampFunction on_newer) {
  const auto credentials = CredentialsOf(config);
  if (!credentials.ok()) return credentials.status();
  EnablePlugins(config.reflection);
  std::unique_ptr<Server> server(
      new Server(config, hub, metrics, std::move(on_newer)));
  int port = 0;
  grpc::ServerBuilder builder;
  SetServerArguments(builder);
  builder.AddListeningPort(config.listen_address, *credentials, &port);
  builder.RegisterService(&server->service_);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on ", config.listen_address,
        " (is another program using the port, or the address not of this "
        "machine? set 'listen_address')"));
  }
  const std::size_t colon = config.listen_address.rfind(':');
  server->address_ =
      absl::StrCat(config.listen_address.substr(0, colon), ":", port);
  auto* health = server->server_->GetHealthCheckService();
  health->SetServingStatus(kServiceName, hub.Current() != nullptr);
  return server;
}

void Server::Stop() {
  if (server_ == nullptr) return;
  server_->GetHealthCheckService()->SetServingStatus(false);
  service_.Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() +
                    absl::ToChronoNanoseconds(grace_));
  server_->Wait();
  server_.reset();
}

}  // namespace anchorage::trustd
